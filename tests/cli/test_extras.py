"""A package that a command needs and that is not installed is named before any work is done."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from scalereid.cli.commands import COMMANDS
from scalereid.data.readers.cuhk03_mat import CUHK03_FILE
from scalereid.data.records import ReidDataset
from tests.cli.conftest import Fail

RUN = "RUN --data PEOPLE"
NEEDED = [  # command, the package that is missing, what for, and the extra that installs it
    ("demo --out OUT --data DRAWN", "matplotlib", ", needed for pictures,", "figures"),
    (
        "train toy --data DRAWN --out OUT --tensorboard",
        "tensorboard",
        ", needed for TensorBoard events,",
        "tensorboard",
    ),
    ("train --resume RUN --tensorboard", "tensorboard", ", needed for TensorBoard events,", "tensorboard"),
    ("nas nas_toy --data DRAWN --out OUT", "matplotlib", ", needed for pictures,", "figures"),
    ("nas nas_toy --data DRAWN --out OUT --tensorboard", "tensorboard", ", needed for TensorBoard", "tensorboard"),
    ("nas --resume RUN", "matplotlib", ", needed for pictures,", "figures"),
    (f"evaluate {RUN} --out OUT --runtime onnxruntime", "onnxruntime", "", "export"),
    (f"evaluate {RUN} --out OUT --runtime openvino", "openvino", "", "export"),
    (f"evaluate {RUN} --out OUT --runtime openvino", "onnxscript", "", "export"),
    ("evaluate MODEL.xml --data PEOPLE --dataset csv", "openvino", "", "export"),
    ("compare RUN RUN --data PEOPLE --runtime openvino", "openvino", "", "export"),
    (f"calibrate {RUN} --out OUT", "matplotlib", ", needed for pictures,", "figures"),
    (f"calibrate {RUN} --out OUT", "sklearn", ", needed for calibration,", "calibration"),
    ("calibrate RUN --out OUT --pairs PAIRS.csv", "sklearn", ", needed for calibration,", "calibration"),
    ("label RUN PEOPLE --out OUT.html --runtime openvino", "openvino", "", "export"),
    ("search RUN PEOPLE PEOPLE --runtime openvino", "openvino", "", "export"),
    ("search RUN PEOPLE MODEL.parquet", "pyarrow", "", "parquet"),
    (f"report {RUN}", "matplotlib", ", needed for pictures,", "figures"),
    ("detect PEOPLE --detector MODEL.onnx --out OUT.csv", "onnxruntime", ", needed for finding people,", "export"),
    ("embed RUN PEOPLE --out OUT.parquet", "pyarrow", "", "parquet"),
    ("embed RUN PEOPLE --out OUT.npz --runtime onnxruntime", "onnxruntime", "", "export"),
    ("embed RUN PEOPLE --out OUT.npz --engine ray", "ray", ", needed for embedding on many machines,", "ray"),
    ("export RUN --out OUT.onnx", "onnxruntime", "", "export"),
    ("export RUN --out OUT.onnx", "onnx", "", "export"),
    ("export RUN --out OUT.xml --format openvino", "openvino", "", "export"),
    ("quantize RUN --data PEOPLE --dataset csv", "openvino", "", "export,int8"),
    ("quantize RUN --data PEOPLE --dataset csv", "nncf", "", "export,int8"),
    ("quantize RUN --data PEOPLE --dataset csv", "onnx", "", "export,int8"),
    ("gallery create OUT --model RUN --runtime openvino", "openvino", "", "export"),
    ("gallery serve OUT", "fastapi", ", needed for serving a gallery,", "serve"),
    ("look RUN --data PEOPLE --out OUT.html", "sklearn", "", "figures"),
    ("attributes RUN PEOPLE --out OUT.parquet", "pyarrow", "", "parquet"),
    ("classify RUN PEOPLE --runtime onnxruntime", "onnxruntime", "", "export"),
    ("data unpack PACKED", "h5py", f", needed for reading PACKED/{CUHK03_FILE},", "matlab"),
]
NOTHING = {"study", "models", "recipes", "datasets", "data check", "completion"}
NOTHING |= {name for name in COMMANDS if name.startswith("gallery ")} - {"gallery create", "gallery serve"}
"""Commands that need no extra, but for datasets with lists in MATLAB files, which say so when they are read."""


@pytest.fixture
def places(tmp_path: Path, runs: Path, people: ReidDataset) -> dict[str, str]:
    for suffix in (".xml", ".onnx", ".parquet"):
        (tmp_path / "MODEL").with_suffix(suffix).touch()
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / CUHK03_FILE).touch()
    folders = {"RUN": runs / "short", "PEOPLE": people.root, "DRAWN": tmp_path / "drawn", "PACKED": tmp_path / "packed"}
    return {
        name: str(path) for name, path in (folders | {"MODEL": tmp_path / "MODEL", "OUT": tmp_path / "out"}).items()
    }


def test_every_command_is_considered() -> None:
    considered = {command for command in COMMANDS if any(words.startswith(f"{command} ") for words, *_ in NEEDED)}
    assert considered | NOTHING == COMMANDS.keys()
    assert not considered & NOTHING


@pytest.mark.parametrize(("words", "package", "purpose", "extra"), NEEDED)
def test_a_missing_package_is_named_before_the_work(
    words: str, package: str, purpose: str, extra: str,
    places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: Fail,
) -> None:  # fmt: skip
    monkeypatch.setattr("scalereid.packages.find_spec", lambda name: None if name == package else find_spec(name))
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("an image was read"))
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path / "cache"))
    for name, path in places.items():
        words, purpose = words.replace(name, path), purpose.replace(name, path)
    text = fail(*words.split())
    assert text.startswith(f"scalereid: {package}{purpose}"), text
    assert f" is not installed: pip install 'scalereid[{extra}]'\n" in text
    assert not [*tmp_path.glob("out*"), *tmp_path.glob("drawn*")]
