"""A gallery as the command line makes it."""

import shutil
from pathlib import Path

import pytest

from scalereid.cli import main
from scalereid.data.records import ReidDataset

ADD = ["--camera-from", r"_c(\d)_", "--runtime", "torch"]


@pytest.fixture(scope="session")
def pictures(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery images of the drawn people, with person and camera in their names."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, record in enumerate(people.gallery):
        shutil.copy(record.path, folder / f"p{record.pid}_c{record.camid}_{number}.jpg")
    return folder


@pytest.fixture(scope="session")
def filled(runs: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("filled") / "people.gallery"
    main(["gallery", "create", str(folder), "--model", str(runs / "long")])
    main(["gallery", "add", str(folder), str(pictures), *ADD])
    return folder


@pytest.fixture
def gallery(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "people.gallery"))
