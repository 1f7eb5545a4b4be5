"""The wiring diagram: a recipe to data, model, objective and optimizer; a name to a function."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from scalereid.data.augmentation import augment
from scalereid.data.batches import TrainingBatches
from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import ImageRecord, ReidDataset, labels
from scalereid.lookup import copy_in
from scalereid.models.building import build_model, to_device
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import Genotype
from scalereid.models.supernet import SuperNet
from scalereid.runs.recipe import ModelSettings, Recipe
from scalereid.training.objective import Objective
from scalereid.training.optimization import build_optimizer, learning_rate
from scalereid.training.search import temperature
from scalereid.training.step import Training


def build_recipe_model(settings: ModelSettings, code_in: Path | None = None) -> EmbeddingModel:
    """The model of a recipe with random weights. A backbone of one's own is the copy in the folder `code_in`, if it has one.

    Raises:
        ValueError: as `build_model` does.
    """
    return build_model(
        copy_in(code_in, settings.backbone) if code_in else settings.backbone,
        width=settings.width,
        genotype=Genotype.of(settings.genotype) if settings.genotype else None,
        embedding_size=settings.embedding_size,
    )


def read_datasets(recipe: Recipe, root: Path) -> tuple[ReidDataset, ReidDataset]:
    """What a recipe trains on, and what it is scored on: the same, unless it says otherwise."""
    source = with_protocol(read_dataset(recipe.data.dataset, root), recipe.evaluation.protocol)
    target = recipe.evaluation.dataset
    return source, with_protocol(read_dataset(target, root), recipe.evaluation.protocol) if target else source


def build_training(recipe: Recipe, model: EmbeddingModel, people: int, device: torch.device) -> Training:
    """`model` with a classifier for so many people and an optimizer over both, on `device`, before its first step."""
    model = to_device(model, device)
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
    searched = model.backbone.architecture if isinstance(model.backbone, SuperNet) else None
    if recipe.search.bilevel and searched is None:
        raise ValueError(f"{recipe.model.backbone} is no super-network: set --search.no-bilevel")
    optimizer = build_optimizer(
        settings.name,
        [*(p for p in model.parameters() if p is not searched), *objective.parameters()],
        undecayed=[] if searched is None else [searched],
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
        halves=recipe.search.bilevel,
        seed=recipe.seed,
        device=device,
        augment=partial(
            augment, flip=data.flip, crop=data.crop, patch=data.patch, jitter=data.jitter, erase=data.erase
        ),
    )


def build_cooling(recipe: Recipe) -> Callable[[Training], None]:
    """What sets a super-network's temperature before each epoch, and nothing where there is none."""
    search = recipe.search

    def cool(training: Training) -> None:
        if isinstance(training.model.backbone, SuperNet):
            now = temperature(
                training.epoch,
                start=search.temperature,
                halve_every=search.halve_every,
                lowest=search.lowest_temperature,
            )
            training.model.backbone.temperature.fill_(now)

    return cool


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
