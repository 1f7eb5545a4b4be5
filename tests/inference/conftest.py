"""A small run, and its graph in the cache, both made once."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.experiments import training as experiment
from scalereid.progress import Progress
from scalereid.runs.recipe import ScheduleSettings
from tests.conftest import TINY


@pytest.fixture(scope="session")
def run(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inference") / "run"
    # A single stream, whose graph is written in a second.
    recipe = replace(
        TINY,
        model=replace(TINY.model, backbone="osnet_one_stream", width=0.25),
        schedule=ScheduleSettings(epochs=1, decay="cosine"),
    )
    experiment.train(recipe, data=people.root, out=folder, progress=Progress(Console(quiet=True)))
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of these tests is kept on the machine, and the graph is written once."""
    monkeypatch.setenv("SCALEREID_CACHE", str(cache))
