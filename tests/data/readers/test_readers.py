"""What holds for every reader."""

from inspect import signature
from pathlib import Path

import pytest

from scalereid.data import DATASETS
from scalereid.data.readers import READERS, SPLITS, SPLITS_OF_THEIR_OWN


@pytest.mark.parametrize("name", DATASETS)
def test_nothing_there_is_said_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        DATASETS[name](tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        DATASETS[name](tmp_path / "nowhere")


@pytest.mark.parametrize("name", DATASETS)
def test_docstrings_begin_with_a_line_for_the_list(name: str) -> None:
    first = (DATASETS[name].__doc__ or "").splitlines()[0]
    assert first.endswith(".")
    assert len(first) <= 140


def test_splits_are_those_that_readers_take() -> None:
    assert {name for name, reader in DATASETS.items() if "split" in signature(reader).parameters} == SPLITS.keys()


def test_every_reader_is_a_dataset() -> None:
    assert {name: reader.read for name, reader in READERS.items()}.items() <= DATASETS.items()
    assert DATASETS.keys() - READERS.keys() == {"toy", "toy-shifted"}
    assert SPLITS["cuhk03-classic-detected"] == 20
    assert [*SPLITS_OF_THEIR_OWN] == ["cuhk03-pair1"]
