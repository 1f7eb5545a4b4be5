"""The wiring diagram: a recipe to data, model, objective and optimizer; a name to a function."""

import runpy
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import torch

from scalereid.data import DATASETS
from scalereid.data.augmentation import augment
from scalereid.data.batches import TrainingBatches
from scalereid.data.combined import combine
from scalereid.data.images import ImageStore
from scalereid.data.names import DatasetName, named_datasets
from scalereid.data.readers import SPLITS
from scalereid.data.records import ImageRecord, Protocol, ReidDataset, labels
from scalereid.models import BACKBONES
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import Genotype
from scalereid.models.supernet import SuperNet
from scalereid.recipe import ModelSettings, Recipe
from scalereid.training.objective import Objective
from scalereid.training.optimization import build_optimizer, learning_rate
from scalereid.training.search import temperature
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


def build_model(
    backbone: str | Genotype,
    *,
    width: float | None = None,
    genotype: Genotype | None = None,
    embedding_size: int = 512,
) -> EmbeddingModel:
    """A model with random weights: backbone, pooling, embedding layer.

    Args:
        backbone: by name, or `FILE.py:NAME`, or a genotype, which makes an OSNet.
        width: multiplies the backbone's channel counts, in place of what its name says.
        genotype: where instance norm stands, in place of what its name says.
        embedding_size: of the embeddings.

    Raises:
        ValueError: there is no such backbone, or it has no width or genotype to change.
    """
    if isinstance(backbone, Genotype):
        return build_model("osnet_x1_0", width=width, genotype=backbone, embedding_size=embedding_size)
    make = find(backbone, BACKBONES)
    options = {"width": width, "genotype": genotype}
    chosen = {name: value for name, value in options.items() if value is not None}
    for name in chosen.keys() - signature(make).parameters.keys():
        raise ValueError(f"{backbone} has no {name} to change; leave model.{name} out")
    return EmbeddingModel(make(**chosen), embedding_size=embedding_size)


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


def read_dataset(name: str, root: Path) -> ReidDataset:
    """The dataset that lies in `root`, read by the reader of that name.

    `NAME@FOLDER` lies in a folder within `root`; `NAME#2` is the second of several splits; `A+B` are several datasets,
    combined to train on.

    Raises:
        FileNotFoundError, ValueError: what the reader says, or there is no such reader, or it has several splits and none is
            named.
    """
    datasets = [_read_one(part, root / part.folder if part.folder else root) for part in named_datasets(name)]
    return datasets[0] if len(datasets) == 1 else combine(datasets)


def _read_one(name: DatasetName, root: Path) -> ReidDataset:
    read = find(name.reader, DATASETS)
    if "split" not in signature(read).parameters:
        if name.split is not None:
            raise ValueError(f"{name.reader} has one split only; leave #{name.split} out")
        try:
            dataset: ReidDataset = read(root)
        except FileNotFoundError as error:
            if name.reader == "csv" or not (root / "dataset.csv").is_file():
                raise
            hint = "to train on it, --data.dataset csv; elsewhere, --dataset csv"
            raise FileNotFoundError(f"{error}\nThere is a dataset.csv in {root}: {hint}") from None
        return dataset
    if name.split is None:
        last = f" to {name.reader}#{SPLITS[name.reader]}" if name.reader in SPLITS else " and so on"
        raise ValueError(
            f"{name.reader} has several splits: name one of {name.reader}#1{last}; `scalereid train-splits` trains on each "
            "of them, `scalereid evaluate` scores on all and averages"
        )
    return read(root, split=name.split)


def read_datasets(recipe: Recipe, root: Path) -> tuple[ReidDataset, ReidDataset]:
    """What a recipe trains on, and what it is scored on: the same, unless it says otherwise."""
    source = with_protocol(read_dataset(recipe.data.dataset, root), recipe.evaluation.protocol)
    target = recipe.evaluation.dataset
    return source, with_protocol(read_dataset(target, root), recipe.evaluation.protocol) if target else source


def with_protocol(dataset: ReidDataset, protocol: Literal["dataset", Protocol]) -> ReidDataset:
    """`dataset`, to be scored by this protocol; `dataset` means its own."""
    return dataset if protocol == "dataset" else replace(dataset, protocol=protocol)


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
