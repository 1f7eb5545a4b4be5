"""A small run, made once without training, and a folder for its graph, which is written once."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import normalise
from scalereid.data.images import read_image
from scalereid.data.records import ReidDataset
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.process import environment
from scalereid.retrieval.calibration import Calibration
from scalereid.runs.checkpoint import load_model, save_model
from scalereid.runs.facts import RunDatasets, TrainedFacts, describe
from scalereid.runs.log import EpochLog
from scalereid.runs.run import create_run
from scalereid.runs.wiring import build_recipe_model
from tests.conftest import TINY

SIZE = (64, 32)
CALIBRATION = Calibration(
    "cosine", "net", "abc", "toy (123)", "logistic", ((0.0, 4.0), (2.0, -4.0)), 0.5, same_pairs=100, different_pairs=100,
    points=(),
)  # fmt: skip
OWN_BACKBONE = """
from torch import nn
from scalereid.models import Backbone


class MyNet(Backbone):
    def __init__(self):
        super().__init__()
        self.out_channels = 8
        self.stem = nn.Conv2d(3, 8, 7, stride=8, padding=3)

    def forward(self, images):
        return self.stem(images)
"""


@pytest.fixture(scope="session")
def run(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch, as far as can be seen: a network of a single stream whose norms have seen the people."""
    # A single stream, whose graph is written in two seconds.
    recipe = replace(TINY, model=replace(TINY.model, backbone="osnet_one_stream", width=0.25))
    torch.manual_seed(0)
    model = build_recipe_model(recipe.model)
    images = normalise(torch.from_numpy(pixels_of([record.path for record in people.train[::4]])))
    with torch.no_grad():
        for _ in range(20):
            model(images)
    facts = describe(people)
    folder = tmp_path_factory.mktemp("inference") / "run"
    made = create_run(folder, recipe, RunDatasets(str(people.root), facts, facts), environment(torch.device("cpu")))
    save_model(made.last, model, recipe, TrainedFacts(EpochLog(epoch=1), facts))
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all workers of a test run, so that the graph of the run is written once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "scalereid-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of these tests is kept on the machine, and the graph is written once."""
    monkeypatch.setenv("SCALEREID_CACHE", str(cache))


@pytest.fixture
def paths(people: ReidDataset) -> list[Path]:
    return [record.path for record in people.gallery]


def pixels_of(paths: list[Path]) -> NDArray[np.uint8]:
    return np.stack([read_image(path, SIZE) for path in paths])


def expected(run: Path, paths: list[Path], *, flip: bool = False) -> NDArray[np.float32]:
    """The model's own embeddings."""
    model: EmbeddingModel = load_model(run)
    images = normalise(torch.from_numpy(pixels_of(paths)))
    with torch.inference_mode():
        rows = model(images) + (model(images.flip(3)) if flip else 0)
    return rows.numpy()


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
