"""A network of two streams whose norms have seen the people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.images import read_image
from scalereid.data.records import ReidDataset
from scalereid.runs.checkpoint import save_model
from scalereid.runs.facts import TrainedFacts, describe
from scalereid.runs.log import EpochLog
from scalereid.runs.wiring import build_recipe_model
from tests.conftest import TINY


@pytest.fixture(scope="session")
def weights(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = replace(TINY, model=replace(TINY.model, backbone="osnet_two_streams"))
    torch.manual_seed(0)
    model = build_recipe_model(recipe.model)
    pixels = np.stack([read_image(record.path, (64, 32)) for record in people.train[::4]])
    with torch.no_grad():
        for _ in range(10):
            model(normalise(torch.from_numpy(pixels)))
    file = tmp_path_factory.mktemp("look") / "two<streams>.safetensors"
    save_model(file, model, recipe, TrainedFacts(EpochLog(epoch=1), describe(people)))
    return file
