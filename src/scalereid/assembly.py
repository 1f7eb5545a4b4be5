"""The wiring diagram: a recipe to data, model, objective and optimizer; a name to a function."""

import runpy
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch

from scalereid.data import DATASETS
from scalereid.data.augmentation import augment
from scalereid.data.batches import TrainingBatches
from scalereid.data.images import ImageStore
from scalereid.data.records import ImageRecord, ReidDataset, labels
from scalereid.models import BACKBONES
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.recipe import Recipe
from scalereid.training.objective import Objective
from scalereid.training.optimization import build_optimizer, learning_rate
from scalereid.training.step import Training


def find(name: str, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """`known[name]`, or a function or class from a file of your own, named `FILE.py:NAME`.

    Raises:
        ValueError: there is no such name, file or function; the message lists what there is.
    """
    if name in known:
        return known[name]
    file, attribute = own_file(name), name.rpartition(":")[2]
    if file is None:
        raise ValueError(f"there is no {name!r}; there are {', '.join(known)}, or FILE.py:NAME for one of your own")
    if not file.is_file():
        raise ValueError(f"{name}: there is no file {file}")
    found = runpy.run_path(str(file)).get(attribute)
    if not callable(found):
        raise ValueError(f"{name}: {file} defines no function or class {attribute!r}")
    return found


def own_file(name: str) -> Path | None:
    """The file of a name like `FILE.py:NAME`; None for the names of what scalereid has."""
    file = name.rpartition(":")[0]
    return Path(file) if file else None


def copy_in(folder: Path, name: str) -> str:
    """`name`, but where it is a `FILE.py:NAME` of which `folder` holds a copy, that copy's."""
    file = own_file(name)
    if file is None or not (folder / file.name).is_file():
        return name
    return f"{folder / file.name}:{name.rpartition(':')[2]}"


def build_model(backbone: str, *, width: float | None = None, embedding_size: int = 512) -> EmbeddingModel:
    """A model with random weights: a backbone by name (or `FILE.py:NAME`), pooling, embedding layer.

    `width` multiplies the backbone's channel counts, in place of what its name says.

    Raises:
        ValueError: there is no such backbone, or it has no width to change.
    """
    make = find(backbone, BACKBONES)
    if width is None:
        return EmbeddingModel(make(), embedding_size=embedding_size)
    if "width" not in signature(make).parameters:
        raise ValueError(f"{backbone} comes in one width only; leave model.width out")
    return EmbeddingModel(make(width=width), embedding_size=embedding_size)


def read_dataset(name: str, root: Path) -> ReidDataset:
    """The dataset that lies in `root`, read by the reader of that name.

    Raises:
        FileNotFoundError, ValueError: what the reader says, or there is no such reader.
    """
    return find(name, DATASETS)(root)


def place(model: EmbeddingModel, device: torch.device) -> EmbeddingModel:
    """`model` on `device`, with weights laid out channels last, which convolutions prefer."""
    placed: EmbeddingModel = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def build_training(recipe: Recipe, model: EmbeddingModel, people: int, device: torch.device) -> Training:
    """`model` with a classifier for so many people and an optimizer over both, on `device`, before its first step."""
    model = place(model, device)
    stages = model.backbone.stage_channels
    if recipe.objective.auxiliary and len(stages) < 2:
        raise ValueError(f"{recipe.model.backbone} does not tell its stages: set --objective.auxiliary 0")
    objective = Objective(
        recipe.model.embedding_size,
        people,
        **asdict(recipe.objective),
        auxiliary_channels=stages[-2] if recipe.objective.auxiliary else 0,
    ).to(device)
    settings = recipe.optimizer
    optimizer = build_optimizer(
        settings.name,
        [*model.parameters(), *objective.parameters()],
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
    )
    scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    sums = torch.zeros(len(objective.logged), device=device)
    return Training(model, objective, optimizer, scaler, trainable, sums)


def build_batches(
    recipe: Recipe, records: tuple[ImageRecord, ...], store: ImageStore, device: torch.device
) -> TrainingBatches:
    """Augmented batches of the training images."""
    data = recipe.data
    return TrainingBatches(
        store,
        labels(records),
        batch_size=data.batch_size,
        images_per_person=data.images_per_person,
        seed=recipe.seed,
        device=device,
        augment=partial(
            augment, flip=data.flip, crop=data.crop, patch=data.patch, jitter=data.jitter, erase=data.erase
        ),
    )


def build_learning_rate(recipe: Recipe) -> Callable[[int, float], float]:
    """The learning rate as a function of (epoch, share of the epoch done)."""
    schedule = recipe.schedule

    def rate(epoch: int, progress: float) -> float:
        return learning_rate(
            recipe.optimizer.lr,
            epoch,
            epochs=schedule.epochs,
            decay=schedule.decay,
            steps=schedule.steps,
            factor=schedule.factor,
            warmup_epochs=schedule.warmup_epochs,
            progress=progress,
        )

    return rate
