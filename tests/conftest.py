import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: the tests are small, and machines are shared
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # before OpenVINO is imported: it would report each test
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.data.toy import draw_toy
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
)

GOLDEN = Path(__file__).parent / "golden"
NOT_FILES: dict[str, Callable[[Path], Any]] = {
    "a named pipe": os.mkfifo,
    "a socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
}
"""What a path may be of, other than a file: the words for it, and how to make one. Reading some of them would never end."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach a network is an error; processes on this machine may talk to each other."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError("a test tried to reach the network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """A test draws the same numbers whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process takes itself for the second of two that torchrun has started. The first is not there to be joined."""
    names = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real images and weights."""
    folder = os.environ.get("SCALEREID_DATA")
    if not folder:
        pytest.skip("SCALEREID_DATA is not set: NOT tested on real images and weights")
    return Path(folder)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> ReidDataset:
    """Six drawn people to train on and four to find: 72 training images, 16 queries, 32 gallery images."""
    return draw_toy(tmp_path_factory.mktemp("toy") / "people", train_people=6, test_people=4)


TINY = Recipe(  # trains on `people` in a second: two epochs of four steps, of an OSNet with one stream
    data=DataSettings(dataset="csv", image_size=(64, 32), batch_size=16, crop=0.5, erase=0.5),
    model=ModelSettings(backbone="osnet_one_stream", width=0.25, embedding_size=32),
    optimizer=OptimizerSettings(name="sgd", lr=0.02),
    schedule=ScheduleSettings(epochs=2, decay="cosine"),
    evaluation=EvaluationSettings(every=1),
)


@pytest.fixture(scope="session")
def attribute_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two attributes of the ten `people`: every other one has a hat, and of number 3 nobody knows whether there is a bag."""
    file = tmp_path_factory.mktemp("attributes") / "attributes.csv"
    bags = {pid: "" if pid == 3 else str(int(pid in (1, 2, 7, 8))) for pid in range(1, 11)}
    file.write_text("pid,hat,bag\n" + "".join(f"{pid},{pid % 2},{bag}\n" for pid, bag in bags.items()))
    return file


def with_attributes(recipe: Recipe, table: Path, *, cross_entropy: float = 0.0) -> Recipe:
    """A recipe that learns the attributes of a table, beside people or alone."""
    return replace(
        recipe,
        data=replace(recipe.data, attributes=str(table)),
        objective=ObjectiveSettings(cross_entropy=cross_entropy, attributes=1.0),
        evaluation=replace(recipe.evaluation, best="mA"),
    )


@pytest.fixture(scope="session")
def attribute_run(people: ReidDataset, attribute_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch that has learned attributes alone, and little of them."""
    from scalereid.experiments.training import train

    recipe = replace(with_attributes(TINY, attribute_table), schedule=ScheduleSettings(epochs=1, decay="cosine"))
    return train(recipe, data=people.root, out=tmp_path_factory.mktemp("attributes") / "run").folder


COLOURS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (200, 50, 40)}


def draw_classes(root: Path, *, train: int = 12, test: int = 4, size: tuple[int, int] = (40, 32)) -> Path:
    """Noisy pictures of three colours, in folders of their names in train and val."""
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("val", test)):
        for name, colour in COLOURS.items():
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.normal(colour, 30, (size[1], size[0], 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{number}.png")
    return root


CLASSES = replace(  # learns `draw_classes` in a second
    TINY,
    data=DataSettings(dataset="class-folders", image_size=(32, 32), batch_size=12, framing="resized-crop"),
    evaluation=EvaluationSettings(every=1, best="top-1"),
)


@pytest.fixture(scope="session")
def class_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three classes: 36 pictures to train on, and 12 test pictures."""
    return draw_classes(tmp_path_factory.mktemp("classes") / "colours")


@pytest.fixture(scope="session")
def class_run(class_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that has learned three classes."""
    from scalereid.experiments.training import train

    return train(CLASSES, data=class_images, out=tmp_path_factory.mktemp("classes") / "run").folder


@pytest.fixture
def tiny() -> Recipe:
    return TINY


@pytest.fixture(scope="session")
def released_state() -> Callable[[str], dict[str, np.ndarray]]:
    """torchreid's state dict of an OSNet by name, with the values the golden outputs were computed with."""
    from tests.golden import inputs

    shapes: dict[str, dict[str, Any]] = json.loads((GOLDEN / "torchreid_shapes.json").read_text())
    return lambda name: inputs.state(shapes[name])


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two state dicts are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
