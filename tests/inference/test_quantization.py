import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from scalereid.data.records import ReidDataset
from scalereid.inference import auto, quantization
from scalereid.inference.embedder import Embedder
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.quantization import Accuracy, LossTooLargeError, keep, quantize, verdict
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.inference.runtimes import read_metadata
from scalereid.inference.runtimes.openvino_runtime import OpenVinoRuntime
from tests.inference.conftest import expected, unit

EXACT, HALF = Accuracy("float32", 0.5, 0.6, 1, 100), Accuracy("bfloat16", 0.5, 0.6, 0.999, 180)


@pytest.fixture(scope="module")
def quantized(
    attribute_run: Path, people: ReidDataset, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Accuracy]]:
    """A copy of the run with an int8 model, and its accuracy."""
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): int8 is NOT tested")
    own = tmp_path_factory.mktemp("quantized") / "run"
    shutil.copytree(attribute_run, own)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NNCF's own
        patch.setenv("SCALEREID_CACHE", str(cache))
        metadata, report = quantize(own, data=people.root, dataset="csv", force=True)
    assert read_metadata(own / "int8.xml") == metadata
    assert metadata.precision == "int8"
    return own, report


def test_both_files_are_kept_in_the_run(quantized: tuple[Path, list[Accuracy]], attribute_run: Path) -> None:
    own, report = quantized
    assert {path.name for path in own.iterdir()} - {path.name for path in attribute_run.iterdir()} == {
        "int8.xml",
        "int8.bin",
    }
    assert [one.precision for one in report] == ["float32", "bfloat16", "int8"]
    assert report[0].cosine == pytest.approx(1)
    assert 0.9 < report[2].cosine < 0.99999 < 1  # it is int8
    assert min(one.rate for one in report) > 0
    assert re.fullmatch(
        r"csv: mAP \d+\.\d\d% in float32, \d+\.\d\d% in int8; rank-1 .*%", read_metadata(own / "int8.xml").accuracy
    )


def test_it_is_found_by_its_file_and_by_its_run(
    quantized: tuple[Path, list[Accuracy]], attribute_run: Path, run: Path, paths: list[Path]
) -> None:
    own, _ = quantized
    found = Embedder(own / "int8.xml")(paths)
    assert 0.9 < (found * unit(expected(attribute_run, paths))).sum(axis=1).mean() < 0.99999
    np.testing.assert_array_equal(Embedder(own, precision="int8", runtime="openvino")(paths), found)
    with pytest.raises(ValueError, match=r"int8\.xml is in int8, not in float32"):
        Embedder(own / "int8.xml", precision="float32")
    with pytest.raises(ValueError, match="torch does not compute in int8 on cpu"):
        Embedder(own, precision="int8", runtime="torch")
    with pytest.raises(ValueError, match=r"no int8 model at .*int8\.xml; quantize it"):
        Embedder(run, precision="int8")


def test_attributes_go_along(quantized: tuple[Path, list[Accuracy]], paths: list[Path]) -> None:
    own, _ = quantized
    of_run = RuntimeOptions(precision="int8", runtime="openvino")
    with AttributeRecognizer(own / "int8.xml") as recognizer, AttributeRecognizer(own, options=of_run) as other:
        assert recognizer.names == ("hat", "bag")
        np.testing.assert_array_equal(recognizer(paths[:8]), other(paths[:8]))


def test_auto_takes_it_where_it_is_faster_than_bfloat16(
    quantized: tuple[Path, list[Accuracy]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for size, seconds, precision in ((4, 1.3, "int8"), (5, 1.05, "bfloat16")):  # the choice is kept for each size
        monkeypatch.setattr(auto, "measure", lambda *_, half=seconds: [1.0, half])
        assert Embedder(quantized[0], precision="int8", batch_size=size).runtime.precision == precision


def test_it_is_of_no_use_for_other_weights(quantized: tuple[Path, list[Accuracy]], tmp_path: Path) -> None:
    own = tmp_path / "run"
    shutil.copytree(quantized[0], own)
    weights = load_file(own / "last.safetensors")
    with safe_open(own / "last.safetensors", "numpy") as file:
        metadata = file.metadata()
    some = next(name for name in weights if name.endswith("linear.weight"))
    save_file(weights | {some: weights[some] * 2}, own / "last.safetensors", metadata)
    with pytest.raises(ValueError, match=r"int8\.xml is of other weights or another image size; remove it"):
        Embedder(own, precision="int8")


def test_a_model_that_loses_too_much_is_not_kept(tmp_path: Path) -> None:
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([1, 4], np.float32)
    openvino.save_model(openvino.Model([ops.relu(given)], [given]), tmp_path / "network.xml")
    metadata = ModelMetadata("x", "0" * 12, (64, 32), 4, precision="int8")
    report, out = [EXACT, HALF, Accuracy("int8", 0.49, 0.6, 0.9, 200)], tmp_path / "new" / "m.xml"
    with pytest.raises(
        LossTooLargeError,
        match=r"in int8 mAP falls by 1\.00 points, from 50\.00% to 49\.00%, but at most 0\.50 are allowed; the file was not "
        "kept. Allow more with max_loss, or keep it with force",
    ) as caught:
        keep(tmp_path / "network.xml", out, metadata, report)
    assert caught.value.report == report
    assert not out.parent.exists()
    keep(tmp_path / "network.xml", out, metadata, report, max_loss=0.011)
    assert {path.name for path in out.parent.iterdir()} == {"m.xml", "m.bin"}
    assert OpenVinoRuntime.inspect(out).metadata == metadata.to_json()


@pytest.mark.parametrize(
    ("source", "out", "error", "message"),
    [
        ({}, None, ValueError, r"the model is not a run, in which int8\.xml would be kept; give out, a \.xml file"),
        (
            "model.xml",
            "m.xml",
            ValueError,
            r"model\.xml is an exported file, .*; to quantize, give the run or the weights",
        ),
        ("run", "m.onnx", ValueError, r"m\.onnx: int8 is written for OpenVINO, to a \.xml file"),
        ("run", "there.xml", FileExistsError, r"there\.bin exists; choose another name"),
    ],
)
def test_where_it_cannot_be_kept(
    run: Path, people: ReidDataset, tmp_path: Path, source: Any, out: str | None, error: Any, message: str
) -> None:
    (tmp_path / "there.bin").touch()
    with pytest.raises(error, match=message):
        quantize(run if source == "run" else source, tmp_path / out if out else None, data=people.root, dataset="csv")


@pytest.mark.parametrize("loss", [float("nan"), -0.1, 5.0])
def test_a_loss_that_no_model_can_have_is_refused(people: ReidDataset, loss: float) -> None:
    with pytest.raises(ValueError, match=f"max_loss is {loss}; expected a fraction, from 0 to 1"):
        quantize({}, data=people.root, dataset="csv", max_loss=loss)


def test_a_dataset_to_score_on_is_asked_for_first(
    run: Path, people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): int8 is NOT tested")
    monkeypatch.setattr(quantization, "write_int8", lambda *_: pytest.fail("it was quantized before"))
    lines = [f"train,{record.path},{record.pid},{record.camid}" for record in people.train[:2]]
    (tmp_path / "dataset.csv").write_text("\n".join(["split,path,pid,camid", *lines]))
    with pytest.raises(ValueError, match="has no query or no gallery images, on which models are scored; name another"):
        quantize(run, tmp_path / "m.xml", data=tmp_path, dataset="csv")


def test_what_to_compute_in_is_said() -> None:
    assert (
        verdict([EXACT, HALF, Accuracy("int8", 0.5, 0.6, 0.99, 270)]) == "int8 is 1.50 times as fast as bfloat16 here"
    )
    other = verdict([EXACT, HALF, Accuracy("int8", 0.5, 0.6, 0.99, 189)])
    assert other.startswith("bfloat16 is as fast here (int8 is 1.05 times) and nearer to float32")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.filterwarnings("default")
def test_real_people_are_found_as_well(data_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): int8 is NOT tested")
    weights = data_root / "weights" / "osnet_x0_25_msmt17.pth"
    _, report = quantize(weights, tmp_path / "m.xml", data=data_root, dataset="market1501-dev")
    exact, half, int8 = report
    assert (exact.mAP, exact.rank1) == pytest.approx((0.4075, 0.6184), abs=1e-4)
    assert exact.mAP - half.mAP < 0.002
    assert exact.mAP - int8.mAP < 0.005
    assert half.cosine > 0.999
    assert int8.cosine > 0.985  # 0.981 with gates and sums in int8
