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
