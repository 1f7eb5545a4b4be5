import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import onnx
import pytest

from scalereid.inference.export.exporting import WRITERS
from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.opening import RuntimeOptions, open_model
from scalereid.inference.runtimes import (
    FORMATS,
    RUNTIMES,
    Format,
    RuntimeName,
    read_metadata,
    require_runtime,
    runtime_of_file,
)
from scalereid.inference.runtimes.openvino_runtime import save_network
from scalereid.inference.runtimes.pytorch_program import write_program
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint


def test_each_says_its_own_name_and_has_a_suffix_of_its_own() -> None:
    loaded: dict[str, Any] = {name: kind.load() for name, kind in RUNTIMES.items()}
    assert [runtime.name for runtime in loaded.values()] == [kind.name for kind in RUNTIMES.values()] == [*RUNTIMES]
    assert [kind.suffix for kind in RUNTIMES.values()] == [".pt2", ".onnx", ".xml"]
    for kind in RUNTIMES.values():
        assert runtime_of_file(Path(f"model{kind.suffix}")) is kind
    assert runtime_of_file(Path("model.safetensors")) is None


def test_the_choices_of_a_command_line() -> None:
    names: Any = RuntimeName
    formats: Any = Format
    assert get_args(names) == ("torch", "onnxruntime", "openvino")
    assert get_args(formats) == tuple(FORMATS) == ("torch", "aotinductor", "onnx", "openvino")
    assert FORMATS["aotinductor"] is RUNTIMES["torch"]
    assert WRITERS.keys() == FORMATS.keys()


def test_only_torch_files_hold_code() -> None:
    assert [runtime.files_hold_code for runtime in RUNTIMES.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "precision", "device", "message"),
    [
        ("tensorrt", "float32", "cpu", "No such runtime: 'tensorrt'. Choose from auto, torch, onnxruntime, openvino"),
        ("onnxruntime", "bfloat16", "cpu", "onnxruntime does not compute in bfloat16 on cpu; it computes in float32"),
        ("torch", "bfloat16", "mps", "torch does not compute in bfloat16 on mps; it computes in float32"),
        ("openvino", "float32", "cuda", "openvino does not compute on cuda; choose the device cpu, or another runtime"),
        ("torch", "float16", "cpu", "torch does not compute in float16 on cpu; it computes in float32, bfloat16"),
    ],
)
def test_what_none_computes(name: str, precision: Any, device: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        require_runtime(name, precision, device)


def test_what_one_computes() -> None:
    assert require_runtime("openvino", "int8", "cpu") is RUNTIMES["openvino"]
    assert require_runtime("torch", "float16", "cuda") is RUNTIMES["torch"]


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pt2"])
def test_files_that_cannot_be_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"other{suffix}").write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"other\{suffix} cannot be read"):
        read_metadata(tmp_path / f"other{suffix}")
    with pytest.raises(FileNotFoundError, match=rf"No such file: .*none\{suffix}"):
        read_metadata(tmp_path / f"none{suffix}")


def test_other_files_are_not_exported_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"m\.pth is not an exported file; expected one of \.pt2, \.onnx, \.xml"):
        read_metadata(tmp_path / "m.pth")


@pytest.fixture(scope="module")
def exported(run: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes files of the small run, with other metadata where asked: a folder, a suffix and changed fields to a file."""
    loaded = load_checkpoint(run)
    true, there = describe_model(loaded, run), tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCALEREID_CACHE", str(cache))
        graph = cached_onnx(loaded, true)
    write_program(loaded.model, true, there / "model.pt2")

    def make(folder: Path, suffix: str, **changes: Any) -> Path:
        file, metadata = folder / f"model{suffix}", replace(true, **changes)
        if suffix == ".xml":
            save_network(graph, metadata, file)
        elif suffix == ".onnx":
            proto = onnx.load(graph)
            onnx.helper.set_model_props(proto, {"scalereid": metadata.to_json()})
            onnx.save(proto, file)
        else:
            with zipfile.ZipFile(there / "model.pt2") as before, zipfile.ZipFile(file, "w") as after:
                for name in before.namelist():
                    own = name.endswith("/extra/scalereid")
                    after.writestr(name, metadata.to_json() if own else before.read(name))
        return file

    return make


SUFFIXES = (".onnx", ".xml", ".pt2")
TRUSTED = RuntimeOptions(run_code=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("changes", "sentence", "of_program"),
    [
        ({}, "", ""),
        (
            {"image_size": (128, 64)},
            r": its graph's input is uint8 \(n, 64, 32, 3\); by its metadata\.image_size it is uint8 \(n, 128, 64, 3\)",
            r" cannot compute 2 images of its metadata\.image_size and metadata\.input, uint8 RGB .* of 128×64: Guard failed",
        ),
        (
            {"embedding_size": 16},
            r": its graph's output is float32 \(n, 32\); by its metadata\.embedding_size it is float32 \(n, 16\)",
            r" gives float32 \(2, 32\) of 2 images; by its metadata\.embedding_size it is float32 \(2, 16\)",
        ),
    ],
)
def test_a_graph_that_is_not_as_its_metadata_say(
    exported: Callable[..., Path], tmp_path: Path, suffix: str, changes: dict[str, Any], sentence: str, of_program: str
) -> None:
    file = exported(tmp_path, suffix, **changes)
    if not changes:
        assert open_model(file, TRUSTED).metadata == read_metadata(file)
        return
    expected = of_program if suffix == ".pt2" else sentence
    with pytest.raises(ValueError, match=rf"model\{suffix}{expected}.*; export the model again$"):
        open_model(file, TRUSTED)


def test_weights_beside_a_xml_are_its_own(exported: Callable[..., Path], tmp_path: Path) -> None:
    file = exported(tmp_path, ".xml")
    weights = file.with_suffix(".bin")
    whole = weights.read_bytes()
    again = "; export the model again$"
    for content, message in (
        (whole[:-4] + b"\0\0\1\0", "model.bin beside it holds other weights than those it was written with"),
        (whole[:100], "Incorrect weights in bin file"),
        (None, "its weights, model.bin beside it, are missing"),
    ):
        weights.write_bytes(content) if content else weights.unlink()
        with pytest.raises(ValueError, match=rf"model\.xml cannot be read, .*{message}.*{again}"):
            open_model(file, RuntimeOptions())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_was_cut_off(exported: Callable[..., Path], tmp_path: Path, suffix: str) -> None:
    file = exported(tmp_path, suffix)
    whole = file.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 50):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError) as caught:
            open_model(file, TRUSTED)
        found = str(caught.value)
        damaged = f"{file} cannot be read, it is damaged or cut off: "
        assert (
            found.startswith(damaged) or suffix == ".pt2"
        )  # which holds a whole archive, found where its own end is cut
        assert "; export the model" in found
        assert "\n" not in found


def test_a_float32_file_in_the_place_of_the_runs_int8_model(
    exported: Callable[..., Path], run: Path, tmp_path: Path
) -> None:
    own = tmp_path / "run"
    shutil.copytree(run, own)
    exported(own, ".xml").rename(own / "int8.xml")
    (own / "model.bin").rename(own / "int8.bin")
    with pytest.raises(
        ValueError, match=r"int8\.xml is in float32, not in int8; remove it and quantize the model again"
    ):
        open_model(own, RuntimeOptions(precision="int8"))
