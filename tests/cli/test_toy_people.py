from pathlib import Path

import pytest
from rich.console import Console

from scalereid.cli.toy_people import draw_toy_people
from scalereid.data import toy
from scalereid.data.reading import read_dataset
from scalereid.progress import Progress


def test_only_drawn_datasets_are_drawn_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(toy.TOY_SETS, "toy", toy.TOY_SETS["toy"]._replace(train_people=2, test_people=1))
    draw_toy_people(tmp_path, Progress(Console()), "market1501", "", "toy@here+csv")
    text = capsys.readouterr().out
    assert "toy people" in text
    assert "market1501" not in text
    dataset = read_dataset("toy@here", tmp_path)
    assert (dataset.counts()["train"].people, dataset.counts()["query"].people) == (2, 1)
    drawn = {file: file.stat().st_mtime_ns for file in (tmp_path / "here").rglob("*.jpg")}
    draw_toy_people(tmp_path, Progress(Console()), "toy@here")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "here").rglob("*.jpg")} == drawn
