"""One process at a time writes a run or a study."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.study import Row, Study, run_study
from scalereid.experiments.training import resume, train
from scalereid.locks import locked
from tests.conftest import TINY

SENTENCE = "is being written by another process; wait until it has ended, or choose another name"
STUDY = Study(rows={"tiny": Row(TINY, {})}, seeds=[0])


@pytest.mark.parametrize(
    "work",
    [
        lambda people, out: train(TINY, data=people.root, out=out),
        lambda people, out: resume(out, data=people.root),
        lambda people, out: run_study(STUDY, data=people.root, out=out),
    ],
    ids=["train", "resume", "study"],
)
def test_another_process_writes_there(work: Callable[..., Any], people: ReidDataset, tmp_path: Path) -> None:
    with locked(tmp_path / "x"), pytest.raises(BlockingIOError, match=f"x {SENTENCE}"):
        work(people, tmp_path / "x")
    assert [*tmp_path.iterdir()] == []
