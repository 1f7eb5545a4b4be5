import re
from pathlib import Path

import numpy as np

from scalereid.data.records import ReidDataset
from tests.cli.conftest import Answer, Fail, Say


def test_a_table_with_people_and_cameras(runs: Path, people: ReidDataset, tmp_path: Path, say: Say, fail: Fail) -> None:
    out = tmp_path / "x.npz"
    text = say("embed", runs / "short", people.root / "dataset.csv", "--out", out, "--runtime", "torch")
    assert text.startswith("120 images; preparing the model …\nosnet_one_stream (short), torch in float32, after ")
    assert re.search(rf"120 embeddings of 32 numbers in {out}; model \w+\n$", text)
    with np.load(out) as found:
        assert found["embedding"].shape == (120, 32)
        assert np.allclose(np.linalg.norm(found["embedding"], axis=1), 1)
        assert set(found["pid"]) == set(range(1, 11))
    assert "exists" in fail("embed", runs / "short", people.root, "--out", out)


def test_what_cannot_be_read_is_reported(runs: Path, people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    (tmp_path / "crops").mkdir()
    image = people.query[0].path
    (tmp_path / "crops" / "a.jpg").write_bytes(image.read_bytes())
    (tmp_path / "crops" / "b.jpg").write_bytes(image.read_bytes()[:300])
    words = ("--out", tmp_path / "x.npz", "--runtime", "torch", "--on-error", "report", "--no-normalize", "--flip")
    found = answer("embed", runs / "short", tmp_path / "crops", *words)
    assert (found["embeddings"], found["embedding_size"], found["runtime"]) == (1, 32, "torch")
    (why,) = found["unreadable"]
    assert "b.jpg" in why
    with np.load(tmp_path / "x.npz") as written:
        assert not np.allclose(np.linalg.norm(written["embedding"], axis=1), 1)
