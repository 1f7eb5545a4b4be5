"""The wiring diagram: a recipe to datasets, and to all that training needs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.attributes.layer import AttributeLayer
from scalereid.attributes.table import AttributeLabels
from scalereid.classification.layer import ClassLayer
from scalereid.data.augmentation import AUGMENTATIONS, Augmentation, augment, random_jitter
from scalereid.data.batches import TrainingBatches
from scalereid.data.crops import RandomCrops
from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset, with_protocol
from scalereid.data.records import ReidDataset
from scalereid.data.sampling import Sampler
from scalereid.lookup import copy_in, find
from scalereid.models.building import build_model, to_device
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import Genotype
from scalereid.models.joined import JoinedModel
from scalereid.models.options import parse_options
from scalereid.models.supernet import SuperNet
from scalereid.process import seed_everything
from scalereid.runs.objective import attribute_layer, build_objective, class_layer
from scalereid.runs.peer import peer_recipe
from scalereid.runs.recipe import ModelSettings, Recipe
from scalereid.runs.steps import build_step
from scalereid.training.captured import CapturedStep
from scalereid.training.objective import Objective
from scalereid.training.optimization import build_optimizer, learning_rate
from scalereid.training.search import SearchStep
from scalereid.training.state import TrainingState
from scalereid.training.step import Step
from scalereid.training.synchronised import synchronise_batch_norms


@dataclass(frozen=True, eq=False)
class Wired:
    """All that training by a recipe needs, before its first step."""

    state: TrainingState
    model: EmbeddingModel
    """What is evaluated and saved: the model that is trained, or the average of its weights."""
    step: Step
    """Captured as a CUDA graph where that is possible."""
    search: SearchStep | None
    """The step, if it searches for an architecture."""
    sampler: Sampler
    """Which training images are in which batch."""
    batches: Callable[[ImageStore | RandomCrops], TrainingBatches]
    """The decoded training images to augmented batches."""
    learning_rate: Callable[[int, float], float]
    """As a function of (epoch, share of it done)."""
    attributes: tuple[str, ...] = ()
    """Names of the attributes that are learned."""
    classes: tuple[str, ...] = ()
    """Names of the classes that are learned; empty for people."""

    def attribute_layer(self) -> AttributeLayer | None:
        """The layer of attributes as it is now; None where none are learned."""
        return attribute_layer(self.state.objective, self.attributes)

    def class_layer(self) -> ClassLayer | None:
        """The classifier as it is now; None where people are learned."""
        return class_layer(self.state.objective, self.classes) if self.classes else None


class Targets(NamedTuple):
    """What a recipe is scored on."""

    main: ReidDataset
    also: dict[str, ReidDataset]
    """The datasets of `evaluation.also`, by name."""


def read_datasets(recipe: Recipe, root: Path) -> tuple[ReidDataset, Targets]:
    """The dataset that a recipe trains on, and those that it is scored on; the main one is by default the same."""
    source = with_protocol(read_dataset(recipe.data.dataset, root), recipe.evaluation.protocol)
    own, other = recipe.data.dataset, recipe.evaluation.dataset or recipe.data.dataset
    main = source if other == own else with_protocol(read_dataset(other, root), recipe.evaluation.protocol)
    return source, Targets(main, {name: read_dataset(name, root) for name in recipe.evaluation.also})


def build_recipe_model(settings: ModelSettings, code_in: Path | None = None) -> EmbeddingModel:
    """The model of a recipe with random weights. A backbone of one's own is taken from its copy in `code_in`, if there is one.

    Raises:
        ValueError: As for `build_model`.
    """
    model = build_model(
        copy_in(code_in, settings.backbone),
        width=settings.width,
        genotype=Genotype.of(settings.genotype) if settings.genotype else None,
        options=parse_options(settings.options),
        embedding_size=settings.embedding_size,
        pooling=settings.pooling,
        neck=settings.neck,
    )
    if settings.checkpointing and not model.backbone.recomputable:
        raise ValueError(
            f"model.checkpointing needs a backbone that can compute its blocks again (`recomputable`), and {settings.backbone} "
            "is not one; set it to False"
        )
    model.backbone.recompute = settings.checkpointing
    return model


def own_augmentation(recipe: Recipe, code_in: Path | None = None) -> Augmentation | None:
    """The recipe's augmentation of one's own, taken from its copy in `code_in` if there is one; None without any.

    Raises:
        ValueError: It does not exist.
    """
    name = recipe.data.augmentation
    return find(copy_in(code_in, name), AUGMENTATIONS) if name else None


def wire(
    recipe: Recipe,
    labels: NDArray[np.int64],
    device: torch.device,
    *,
    code_in: Path | None = None,
    load_weights: Callable[[EmbeddingModel, str], object] = lambda *_: None,
    attributes: AttributeLabels | None = None,
    classes: tuple[str, ...] = (),
) -> Wired:
    """Seed every generator, and build all that training on `device` needs but the images.

    Args:
        recipe, device: What to train, and where.
        labels: The person on each training image, 0 … C − 1 (`records.labels`).
        code_in: A folder with copies of the Python files of one's own that the recipe names.
        load_weights: Called with each network and its `initial_weights`, to give it weights to start from.
        attributes: Those of the training images, for a recipe that learns attributes.
        classes: Names of the classes that `labels` are, for a dataset of classes rather than people.

    Raises:
        ValueError: A setting does not fit the backbone or the training images.
    """
    seed_everything(recipe.seed)
    model = _model(recipe, code_in, load_weights)
    if recipe.optimizer.sync_batch_norm:
        synchronise_batch_norms(model)
    model = to_device(model, device)
    objective = build_objective(recipe, model, int(labels.max()) + 1, code_in, attributes=attributes)
    supernet = _supernet(recipe, model)
    if supernet:
        supernet.prepare(objective)
    objective.to(device)
    state = TrainingState(
        model,
        objective,
        _optimizer(recipe, model, objective, supernet),
        torch.amp.GradScaler(device.type, enabled=recipe.optimizer.precision == "float16"),
    )
    step, evaluated = build_step(recipe, state, supernet)
    search = step if isinstance(step, SearchStep) else None
    taken = CapturedStep(step, state) if device.type == "cuda" and step.capturable else step
    sampler = _sampler(recipe, labels)
    batches = _batches(recipe, sampler, device, code_in, attributes)
    names = attributes.names if attributes else ()
    return Wired(state, evaluated, taken, search, sampler, batches, _rate(recipe), names, classes)


def _model(
    recipe: Recipe, code_in: Path | None, load_weights: Callable[[EmbeddingModel, str], object]
) -> EmbeddingModel:
    """The network to train, or joined with its peer."""
    networks = []
    for each in filter(None, (recipe, peer_recipe(recipe))):
        network = build_recipe_model(each.model, code_in)
        load_weights(network, each.model.initial_weights)
        networks.append(network)
    return networks[0] if len(networks) == 1 else JoinedModel(networks)


def _supernet(recipe: Recipe, model: EmbeddingModel) -> SuperNet | None:
    supernets = [network.backbone for network in model.networks if isinstance(network.backbone, SuperNet)]
    if supernets and recipe.mutual.weight:
        raise ValueError(f"mutual.weight is {recipe.mutual.weight}, but a search trains one network; set it to 0")
    return supernets[0] if supernets else None


def _optimizer(
    recipe: Recipe, model: EmbeddingModel, objective: Objective, supernet: SuperNet | None
) -> torch.optim.Optimizer:
    """An optimizer of all weights, with a second group without weight decay.

    That is a super-network's architecture, or else the exponent of the pooling, as published.
    """
    pooling = [parameter for network in model.networks for parameter in network.pooling.parameters()]
    apart = [supernet.architecture] if supernet else pooling
    others = [parameter for parameter in model.parameters() if all(parameter is not one for one in apart)]
    return build_optimizer(
        recipe.optimizer.name,
        [*others, *objective.parameters()],
        no_weight_decay=apart,
        lr=recipe.optimizer.lr,
        weight_decay=recipe.optimizer.weight_decay,
        momentum=recipe.optimizer.momentum,
    )


def _sampler(recipe: Recipe, labels: NDArray[np.int64]) -> Sampler:
    data = recipe.data
    return Sampler(
        labels,
        batch_size=data.batch_size,
        images_per_person=data.images_per_person,
        images_per_person_from_epoch=data.images_per_person_from_epoch,
        halves=recipe.search.bilevel,
        seed=recipe.seed,
    )


def _batches(
    recipe: Recipe,
    sampler: Sampler,
    device: torch.device,
    code_in: Path | None,
    attributes: AttributeLabels | None,
) -> Callable[[ImageStore | RandomCrops], TrainingBatches]:
    data = recipe.data
    brightness, contrast, saturation, hue = data.jitter_strengths
    jitter = partial(random_jitter, brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    made: dict[str, Augmentation] = {**AUGMENTATIONS, "jitter": jitter}
    steps = [(step, getattr(data, name)) for name, step in made.items()]
    if own := own_augmentation(recipe, code_in):
        steps.append((own, data.augmentation_probability))
    values = attributes.values if attributes else None
    change = partial(augment, steps=steps)
    return partial(TrainingBatches, sampler=sampler, device=device, augment=change, attributes=values)


def _rate(recipe: Recipe) -> Callable[[int, float], float]:
    schedule = recipe.schedule
    return partial(
        learning_rate,
        base=recipe.optimizer.lr,
        epochs=schedule.epochs,
        decay=schedule.decay,
        steps=schedule.steps,
        factor=schedule.factor,
        warmup_epochs=schedule.warmup_epochs,
    )
