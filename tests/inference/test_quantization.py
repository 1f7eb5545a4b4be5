import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from scalereid import cli
from scalereid.data.records import ReidDataset
from scalereid.inference import choice
from scalereid.inference import quantization as module
from scalereid.inference.embedder import Embedder
from scalereid.inference.metadata import read_about
from scalereid.inference.quantization import Accuracy, LossTooLargeError, quantize, verdict
from scalereid.progress import Progress

QUIET = Progress(Console(quiet=True))


@pytest.mark.filterwarnings("default")  # NNCF's own
def test_integers_are_judged_kept_and_used(
    run: Path, people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): NOT tested in integers")
    own = tmp_path / "run"
    shutil.copytree(run, own)
    with pytest.raises(
        ValueError, match=r"there are no 8-bit integers in .*int8\.xml: make them with scalereid quantize"
    ):
        Embedder(own, precision="int8")
    cli.main(["quantize", str(own), "--data", str(people.root), "--dataset", "csv", "--max-loss", "100"])
    text = capsys.readouterr().out
    for arithmetic in ("float32", "bfloat16", "int8"):
        assert f"│ {arithmetic} " in text
    assert re.search(r"prefer it, as runtime auto does|times as fast as bfloat16 here", text)
    assert {path.name for path in own.iterdir()} - {path.name for path in run.iterdir()} == {"int8.xml", "int8.bin"}
    assert re.fullmatch(
        r"csv: mAP \d+\.\d\d% in float32, \d+\.\d\d% in int8; rank-1 .*%", read_about(own / "int8.xml").accuracy
    )
    # By its file, by its run, and by `auto` when it is fast.
    paths = [record.path for record in people.query]
    exact = Embedder(run, runtime="torch")(paths)
    found = Embedder(own / "int8.xml")(paths)
    assert 0.9 < (found * exact).sum(axis=1).mean() < 0.99999  # they are integers
    np.testing.assert_array_equal(Embedder(own, precision="int8", runtime="openvino")(paths), found)
    for integers_are_faster, precision in ((True, "int8"), (False, "bfloat16")):
        monkeypatch.setattr(choice, "measure", lambda *_, fast=integers_are_faster: [1.0, 1.3 if fast else 1.05])
        assert Embedder(own, precision="int8").runtime.precision == precision
    with pytest.raises(ValueError, match=r"int8\.xml is in int8, not in float32"):
        Embedder(own / "int8.xml", precision="float32")
    with pytest.raises(ValueError, match="torch does not compute in int8 on cpu"):
        Embedder(own, precision="int8", runtime="torch")
    weights = load_file(own / "last.safetensors")
    with safe_open(own / "last.safetensors", "numpy") as file:
        metadata = file.metadata()
    some = next(name for name in weights if name.endswith("linear.weight"))
    save_file(weights | {some: weights[some] * 2}, own / "last.safetensors", metadata)
    with pytest.raises(
        ValueError, match=r"int8\.xml is of other weights: remove it and make them with scalereid quantize"
    ):
        Embedder(own, precision="int8")


def test_what_loses_too_much_is_not_kept(
    run: Path, people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = [
        Accuracy("float32", 0.5, 0.6, 1, 100),
        Accuracy("bfloat16", 0.5, 0.6, 1, 180),
        Accuracy("int8", 0.49, 0.6, 0.9, 200),
    ]
    monkeypatch.setattr(module, "require_nncf", lambda: None)
    monkeypatch.setattr(module, "write_onnx", lambda *arguments: arguments[2].write_bytes(b"x"))
    monkeypatch.setattr(module, "_judge", lambda *_: report)
    monkeypatch.setattr(module, "measure", lambda *_: [1.0, 0.6, 0.5])

    def write(*arguments: object) -> None:
        file = arguments[3]
        assert isinstance(file, Path)
        for name in (file, file.with_suffix(".bin")):
            name.write_bytes(b"x")

    monkeypatch.setattr(module, "write_integers", write)
    monkeypatch.setattr(module, "describe", lambda *_: None)
    out = tmp_path / "m.xml"
    with pytest.raises(
        LossTooLargeError, match=r"mAP falls by 1\.00 points, from 50\.00% to 49\.00%, and 0\.50 are allowed"
    ):
        quantize(run, out, data=people.root, dataset="csv", progress=QUIET)
    assert list(tmp_path.iterdir()) == []
    about, found = quantize(run, out, data=people.root, dataset="csv", force=True, progress=QUIET)
    assert (about.arithmetic, found) == ("int8", report)
    assert {path.name for path in tmp_path.iterdir()} == {"m.xml", "m.bin"}
    with pytest.raises(FileExistsError, match="name another file"):
        quantize(run, out, data=people.root, dataset="csv", progress=QUIET)
    with pytest.raises(ValueError, match=r"name a \.xml file \(--out\)"):
        quantize({}, data=people.root, dataset="csv", progress=QUIET)
    with pytest.raises(ValueError, match=r"to a \.xml file"):
        quantize(run, tmp_path / "m.onnx", data=people.root, dataset="csv", progress=QUIET)


def test_what_to_compute_in_is_said() -> None:
    half = Accuracy("bfloat16", 0.5, 0.6, 0.999, 180)
    report = [Accuracy("float32", 0.5, 0.6, 1, 100), half, Accuracy("int8", 0.5, 0.6, 0.99, 270)]
    assert verdict(report) == "int8 is 1.50 times as fast as bfloat16 here"
    report[-1] = Accuracy("int8", 0.5, 0.6, 0.99, 189)
    assert verdict(report).startswith("bfloat16 is as fast here (int8 is 1.05 times) and nearer to float32")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.filterwarnings("default")
def test_real_people_are_found_as_well(data_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): NOT tested in integers")
    weights = data_root / "weights" / "osnet_x0_25_msmt17.pth"
    _, report = quantize(weights, tmp_path / "m.xml", data=data_root, dataset="market1501-dev", progress=QUIET)
    exact, half, integers = report
    assert (exact.mAP, exact.rank1) == pytest.approx((0.4075, 0.6184), abs=1e-4)
    assert exact.mAP - half.mAP < 0.002
    assert exact.mAP - integers.mAP < 0.005
    assert half.cosine > 0.999
    assert integers.cosine > 0.985  # 0.981 with gates and sums in integers
