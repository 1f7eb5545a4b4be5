from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from scalereid import cli
from scalereid.data.records import ReidDataset
from scalereid.inference import quantization as module
from scalereid.inference.embedder import Embedder
from scalereid.inference.quantization import Accuracy, LossTooLargeError, quantize
from scalereid.progress import Progress

QUIET = Progress(Console(quiet=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # NNCF's own
def test_integers_are_judged_and_kept(
    run: Path, people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nncf", reason="NNCF is not installed (extra int8): NOT tested in integers")
    words = ["--data", str(people.root), "--dataset", "csv", "--max-loss", "100"]
    cli.main(["quantize", str(run), "--out", str(tmp_path / "m.xml"), *words])
    text = capsys.readouterr().out
    for arithmetic in ("float32", "bfloat16", "int8"):
        assert f"│ {arithmetic} " in text
    assert {path.name for path in tmp_path.iterdir()} == {"m.xml", "m.bin"}
    embedder = Embedder(tmp_path / "m.xml")
    assert embedder.about.arithmetic == "int8"
    paths = [record.path for record in people.query]
    cosines = (embedder(paths) * Embedder(run, runtime="torch")(paths)).sum(axis=1)
    assert np.mean(cosines) > 0.9
    assert np.mean(cosines) < 0.99999  # they are integers


def test_what_loses_too_much_is_not_kept(
    run: Path, people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = [Accuracy("float32", 0.5, 0.6, 1.0), Accuracy("bfloat16", 0.5, 0.6, 1.0), Accuracy("int8", 0.49, 0.6, 0.9)]
    monkeypatch.setattr(module, "_require", lambda: None)
    monkeypatch.setattr(module, "write_onnx", lambda *arguments: arguments[2].write_bytes(b"x"))
    monkeypatch.setattr(module, "_judge", lambda *_: report)

    def write(*arguments: object) -> None:
        file = arguments[3]
        assert isinstance(file, Path)
        for name in (file, file.with_suffix(".bin")):
            name.write_bytes(b"x")

    monkeypatch.setattr(module, "_write_integers", write)
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
    with pytest.raises(ValueError, match=r"to a \.xml file"):
        quantize(run, tmp_path / "m.onnx", data=people.root, dataset="csv", progress=QUIET)
