import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalereid.cli import embed as cli_embed
from scalereid.data.records import ReidDataset
from scalereid.inference import embed_files
from scalereid.inference.embedder import Collected, Embedder
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


def test_a_killed_job_is_finished(
    runs: Path, people: ReidDataset, tmp_path: Path, say: Say, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one killed in the moment between writing the table and removing the shards."""
    words = ("embed", runs / "short", people.query[0].path.parent, "--out", tmp_path / "x.npz", "--runtime", "torch")

    def kill(_: Path) -> None:
        raise ValueError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("scalereid.inference.embed_files.remove_folder", kill)
        assert "killed" in fail(*words)
    text = say(*words)
    assert (
        f"\n{tmp_path / 'x.npz'} was complete already\n120 embeddings of 32 numbers in {tmp_path / 'x.npz'}; " in text
    )
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    assert "exists; choose another name, or move it away" in fail(*words)


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


def test_cameras_and_whole_frames(
    runs: Path, people: ReidDataset, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    for place in ("hall", "kitchen"):
        (tmp_path / "crops" / place).mkdir(parents=True)
        (tmp_path / "crops" / place / "a.jpg").write_bytes(people.query[0].path.read_bytes())
    Image.new("RGB", (768, 576)).save(tmp_path / "crops" / "hall" / "frame.png")
    words = ("embed", runs / "short", tmp_path / "crops", "--runtime", "torch")
    text = say(*words, "--out", tmp_path / "x.npz", "--folders", "cameras")
    assert "\ncameras by folder: hall 1, kitchen 2\n" in text
    frame = tmp_path / "crops" / "hall" / "frame.png"
    assert "\ncaution: 1 of 3 images do not have the shape of a person" in text
    assert f"The first of them: {frame} (768×576 pixels, width×height).\n" in text
    with np.load(tmp_path / "x.npz") as found:
        assert found["camid"].tolist() == [1, 1, 2]
        assert found["pid"].tolist() == [-1] * 3
    found = answer(*words, "--out", tmp_path / "y.npz", "--folders", "people")
    assert found["cameras"] == {}
    assert [caution.partition(":")[0] for caution in found["cautions"]] == [
        "1 of 3 images do not have the shape of a person"
    ]
    with np.load(tmp_path / "y.npz") as written:
        assert written["pid"].tolist() == [1, 1, 2]
    text = fail(
        "embed", runs / "short", people.root / "dataset.csv", "--out", tmp_path / "z.npz", "--folders", "people"
    )
    assert "(on the command line: --folders)" in text


def test_a_job_that_is_stopped_goes_on_by_the_same_command(
    runs: Path, people: ReidDataset, tmp_path: Path, fail: Fail, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("embed", runs / "short", people.root, "--out", tmp_path / "x.npz", "--runtime", "torch")
    collect, calls = Embedder.collect, [0]

    def stop_at(call: int) -> None:
        def counted(*given: Any, **options: Any) -> Collected:
            calls[0] += 1
            if calls[0] == call:
                raise KeyboardInterrupt
            return collect(*given, **options)

        monkeypatch.setattr(Embedder, "collect", counted)

    monkeypatch.setattr(cli_embed, "embed_files", partial(embed_files.embed_files, shard=50))
    stop_at(1)
    assert fail(*words, code=130).startswith("stopped\n")  # nothing is saved
    stop_at(3)
    assert "stopped and saved. Go on with:  the same command\n" in fail(*words, code=130)
    assert len([*(tmp_path / "x.npz.shards").glob("*.npz")]) == 1
    assert "120 embeddings" in say(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
