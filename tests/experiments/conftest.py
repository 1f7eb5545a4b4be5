"""A small training, made once."""

from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.training import train
from scalereid.runs.run import Run
from tests.conftest import TINY


@pytest.fixture(scope="session")
def trained(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The recipe `tiny` trained on `people`. Not to be changed: `shutil.copytree` makes one that may be."""
    folder: Path = tmp_path_factory.mktemp("trained") / "run"
    return train(TINY, data=people.root, out=folder)


@pytest.fixture(scope="session")
def places(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three datasets of different people among `people`: two to train on, one or two to find."""
    root = tmp_path_factory.mktemp("places")
    head, *lines = (people.root / "dataset.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    train = sorted({pid for split, _, pid, *_ in rows if split == "train"})
    test = sorted({pid for split, _, pid, *_ in rows if split == "query"})
    for i, name in enumerate("abc"):
        own = {*train[2 * i : 2 * i + 2], *test[i : i + 1 + (name == "c")]}
        moved = [
            ",".join([split, str(people.root / path), pid, *rest]) for split, path, pid, *rest in rows if pid in own
        ]
        (root / name).mkdir()
        (root / name / "dataset.csv").write_text("\n".join([head, *moved]))
    return root
