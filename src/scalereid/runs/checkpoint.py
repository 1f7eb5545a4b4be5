"""Weights on disk: safetensors with the recipe inside, read back strictly or not at all; released files too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from scalereid.attributes.layer import AttributeLayer
from scalereid.classification.layer import ClassLayer
from scalereid.data.image_size import ImageSize
from scalereid.files import write
from scalereid.models.building import build_model
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.imagenet import embedding_of, load_trunk, recognise_trunk
from scalereid.models.joined import JoinedModel
from scalereid.models.released import LoadReport, load_released, load_strictly, recognise
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.runs.saved_recipe import SavedRecipe
from scalereid.runs.trust import require_trust
from scalereid.runs.wiring import build_recipe_model
from scalereid.typed_json import from_json, parse

_FORMAT = "scalereid-weights-2"
_ATTRIBUTES = "attributes"  # what the names of its tensors begin with, and the key of the attributes' names
_CLASSES = "classes"  # likewise of a classifier
RESUME_FORMAT = "scalereid-resume-2"  # written by resume.py
Source = str | PathLike[str] | Mapping[str, Tensor | NDArray[Any]]
_Layer = TypeVar("_Layer", AttributeLayer, ClassLayer)
RELEASED_SIZE: ImageSize = (256, 128)  # that torchreid's released weights were trained with; their files do not say


@dataclass(frozen=True)
class LoadedModel:
    """A model and where it came from."""

    model: EmbeddingModel
    report: LoadReport
    recipe: SavedRecipe | None
    """What it was trained by; None for released weights, which do not say."""
    trained: TrainedFacts
    """What was stored with the weights: epoch, training dataset, scores."""
    peer: SavedRecipe | None = None
    """What the second network of a joined model was trained by."""
    attributes: AttributeLayer | None = None
    """What makes likelihoods of attributes from its embeddings; None for a model that has learned none."""
    classes: ClassLayer | None = None
    """What makes probabilities of classes from its embeddings; None for a model of people."""

    def __repr__(self) -> str:
        height, width = self.image_size
        return f"<LoadedModel {self.report.backbone}: {height}×{width} to {self.model.embedding_size} numbers>"

    @property
    def image_size(self) -> ImageSize:
        """(height, width) that it was trained with; 256×128 for released weights."""
        return self.recipe.image_size if self.recipe else RELEASED_SIZE


def load_model(source: Source, *, run_code: bool = False) -> EmbeddingModel:
    """A trained model, in evaluation mode on the CPU.

    Args:
        source: A run directory (its last weights), a weights file of ours, a released torchreid file (`.pth`, `.pth.tar`,
            or its tensors as safetensors), or what it holds: a mapping from torchreid's tensor names to tensors or arrays.
        run_code: Allow a model whose backbone is a Python file of someone's own. Loading it runs that file: the copy beside
            the weights, or else the file that the recipe names.

    Raises:
        FileNotFoundError: The source does not exist.
        ValueError: The file is damaged, does not hold weights, or does not fit the model; the message says what.
    """
    return load_checkpoint(source, run_code=run_code).model


def load_checkpoint(source: Source, *, run_code: bool = False) -> LoadedModel:
    """Like `load_model`, with the load report and what is known about the training."""
    if isinstance(source, Mapping):
        kinds = np.ndarray | np.generic
        return _released({n: torch.as_tensor(v) if isinstance(v, kinds) else v for n, v in _state_dict(source).items()})
    path = weights_file(Path(source))
    try:
        tensors, metadata = _read(path)
        return _own(path, tensors, metadata, run_code) if _is_own(metadata) else _released(tensors)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def load_initial(model: EmbeddingModel, source: str) -> LoadReport:
    """Put trained weights into `model`, to start training from: all of a model's, or torchvision's ImageNet weights.

    The latter, of `resnet50` and `mobilenetv2`, leave the embedding layer as it is. No code is run that the weights name: the
    network is `model`.

    Raises:
        FileNotFoundError, ValueError: As `load_model` raises, or the weights do not fit `model`; the message says what.
    """
    path = weights_file(Path(source))
    try:
        tensors, metadata = _read(path)
        if "peer" in metadata:
            raise ValueError(
                "it holds two networks side by side, and a network starts from one; give the run, or its peer.safetensors"
            )
        if _is_own(metadata):
            names = tuple(tensors)
            _take_layer(tensors, metadata, _ATTRIBUTES, AttributeLayer)  # which another training learns anew
            _take_layer(tensors, metadata, _CLASSES, ClassLayer)
            ignored, settings = (
                tuple(name for name in names if name not in tensors),
                SavedRecipe(metadata["recipe"]).model,
            )
            load_strictly(model, (embedding_of(model) if settings.neck == "none" else {}) | tensors)
            return LoadReport(settings.backbone, tuple(tensors), ignored)
        if trunk := recognise_trunk(tensors):
            return load_trunk(model, tensors, trunk)
        released = _released(tensors)
        load_strictly(model, released.model.state_dict())
        return released.report
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def save_model(
    file: Path,
    model: EmbeddingModel,
    recipe: Recipe,
    trained: TrainedFacts,
    *,
    peer: Recipe | None = None,
    attributes: AttributeLayer | None = None,
    classes: ClassLayer | None = None,
) -> None:
    """Write a model's weights with its recipe and the facts about its training, whole or not at all.

    `peer` is the recipe of the second network of a joined model; `attributes` is the layer of a model that has learned some,
    and `classes` the classifier of one that has learned classes rather than people.
    """
    metadata = {"format": _FORMAT, "recipe": json.dumps(recipe.to_json()), "trained": json.dumps(trained.to_json())}
    if peer:
        metadata["peer"] = json.dumps(peer.to_json())
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    for key, layer in ((_ATTRIBUTES, attributes), (_CLASSES, classes)):
        if layer:
            metadata[key] = json.dumps(layer.names)
            tensors |= {f"{key}.{part}": torch.from_numpy(getattr(layer, part)) for part in ("weight", "bias")}
    write(file, lambda partial: save_file(tensors, partial, metadata))


def trained_facts(file: Path) -> TrainedFacts:
    """What a weights file of ours says about its training, without its tensors.

    Raises:
        ValueError: The file is damaged, or is not such a file.
    """
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
        if not _is_own(metadata):
            raise ValueError("not weights of scalereid")
        return TrainedFacts.from_json(parse(metadata["trained"]))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error


def weights_file(path: Path) -> Path:
    """The weights that a source names: a run's last, or the file itself.

    Raises:
        FileNotFoundError, ValueError: There are none.
    """
    if path.is_dir():
        Run(path).saved_recipe()  # raises where it is not a run
        path = Run(path).last
    if not path.is_file():
        raise FileNotFoundError(f"No weights at {path}")
    return path


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a weights file, and what one of ours says beside them."""
    return read_safetensors(path) if path.suffix == ".safetensors" else (_read_pickle(path), {})


def _is_own(metadata: Mapping[str, str]) -> bool:
    """Whether a file with these metadata is one that `save_model` wrote.

    Raises:
        ValueError: Another version wrote it, or it is something else of scalereid.
    """
    written = metadata.get("format", "")
    if written.startswith("scalereid-resume"):
        raise ValueError("a training state, not weights; the weights of the run are beside it in last.safetensors")
    if not written.startswith("scalereid-weights"):
        return False
    if written != _FORMAT:
        raise ValueError(_other_version(written))
    if missing := {"recipe", "trained"} - metadata.keys():
        raise ValueError(f"damaged: its metadata have no {min(missing)}")
    return True


def _own(path: Path, tensors: dict[str, Tensor], metadata: Mapping[str, str], run_code: bool) -> LoadedModel:
    recipes = [SavedRecipe(metadata[name]) for name in ("recipe", "peer") if name in metadata]
    for each in recipes:
        require_trust({"backbone": each.model.backbone}, "the model", run_code=run_code)
    networks = [build_recipe_model(each.model, code_in=path.parent) for each in recipes]
    model = networks[0] if len(networks) == 1 else JoinedModel(networks)
    attributes = _take_layer(tensors, metadata, _ATTRIBUTES, AttributeLayer)
    classes = _take_layer(tensors, metadata, _CLASSES, ClassLayer)
    load_strictly(model, tensors)
    report = LoadReport(" + ".join(each.model.backbone for each in recipes), tuple(tensors), ())
    trained, peer = TrainedFacts.from_json(parse(metadata["trained"])), recipes[1] if recipes[1:] else None
    return LoadedModel(model.eval(), report, recipes[0], trained, peer, attributes, classes)


def _take_layer(tensors: dict[str, Tensor], metadata: Mapping[str, str], key: str, kind: type[_Layer]) -> _Layer | None:
    """The layer of attributes or classes that lies beside a network's tensors, taken out of them; None without one.

    Raises:
        ValueError: It is damaged.
    """
    if key not in metadata:
        return None
    names: tuple[str, ...] = from_json(tuple[str, ...], parse(metadata[key]), key)
    parts = [tensors.pop(f"{key}.{part}", None) for part in ("weight", "bias")]
    weight, bias = (np.empty(0, np.float32) if part is None else part.float().numpy() for part in parts)
    return kind(names, weight, bias)


def _other_version(written: str) -> str:
    """What to do about weights in a format of another version."""
    number = written.removeprefix("scalereid-weights-")
    if number.isdecimal() and int(number) > int(_FORMAT.removeprefix("scalereid-weights-")):
        return f"written in the format {written} by a later version of scalereid; this one reads {_FORMAT}: update it"
    return f"written in the format {written} by an earlier version of scalereid; this one reads {_FORMAT}: train again"


def _released(state: Mapping[str, Tensor]) -> LoadedModel:
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
        raise ValueError("not a state dict, a mapping from names to tensors")
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}  # of several GPUs
    model = build_model(backbone := recognise(state))
    report = load_released(model, state, backbone)
    return LoadedModel(model.eval(), report, None, TrainedFacts())


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        OSError: The file is missing, or cannot be read.
        ValueError: The file is damaged.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a file of safetensors")
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged or cut off ({error})") from error


# torchreid's training checkpoints carry their rank-1 as a NumPy number, under NumPy 1's or 2's module names.
_HARMLESS: list[Any] = [
    np.dtype,
    type(np.dtype("float32")),
    type(np.dtype("float64")),
    np._core.multiarray.scalar,  # type: ignore[attr-defined] # where NumPy keeps it, if not where it says so
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
]


def _read_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a torchreid file, read without running any code that may be in it."""
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # PyTorch's own message ends in the advice to read the file unsafely.
        raise ValueError("not a weights file, or damaged or cut off, or it holds more than tensors") from error
    return _state_dict(state)


def _state_dict(saved: Any) -> Any:
    """The state dict in what torchreid saves: itself, or part of a training checkpoint."""
    state = saved.get("state_dict", saved) if isinstance(saved, Mapping) else saved
    if not isinstance(state, Mapping):
        raise ValueError("not a state dict, a mapping from names to tensors")
    return state
