"""Weights on disk: safetensors with the recipe inside, read back strictly or not at all; released files too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from scalereid.data.image_size import ImageSize
from scalereid.files import write
from scalereid.lookup import own_file
from scalereid.models.building import build_model
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.imagenet import load_trunk, recognise_trunk
from scalereid.models.released import LoadReport, load_released, load_strictly, recognise
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.runs.saved_recipe import SavedRecipe
from scalereid.runs.wiring import build_recipe_model

_FORMAT = "scalereid-weights-2"
RESUME_FORMAT = "scalereid-resume-2"  # written by resume.py
Source = str | PathLike[str] | Mapping[str, Tensor | NDArray[Any]]
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
            or its tensors as safetensors), or a mapping from torchreid's tensor names to tensors or arrays.
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
        return _released({name: torch.as_tensor(value) for name, value in source.items()})
    path = Path(source)
    if path.is_dir():
        Run(path).saved_recipe()  # raises where it is not a run
        path = Run(path).last
    if not path.is_file():
        raise FileNotFoundError(f"No weights at {path}")
    try:
        if path.suffix == ".safetensors":
            return _own_or_released(path, run_code)
        return _released(_read_pickle(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def load_initial(model: EmbeddingModel, source: str, *, run_code: bool = False) -> LoadReport:
    """Put trained weights into `model`, to start training from: all of a model's, or torchvision's ImageNet weights.

    The latter, of `resnet50` and `mobilenetv2`, leave the embedding layer as it is.

    Raises:
        FileNotFoundError, ValueError: As `load_model` raises, or the weights do not fit `model`; the message says what.
    """
    path = Path(source)
    if path.is_file() and (state := _released_state(path)) and (backbone := recognise_trunk(state)):
        try:
            return load_trunk(model, state, backbone)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    loaded = load_checkpoint(source, run_code=run_code)
    load_strictly(model, loaded.model.state_dict())
    return loaded.report


def save_model(file: Path, model: EmbeddingModel, recipe: Recipe, trained: TrainedFacts) -> None:
    """Write a model's weights with its recipe and the facts about its training, whole or not at all."""
    metadata = {"format": _FORMAT, "recipe": json.dumps(recipe.to_json()), "trained": json.dumps(trained.to_json())}
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    write(file, lambda partial: save_file(tensors, partial, metadata))


def _own_or_released(path: Path, run_code: bool) -> LoadedModel:
    tensors, metadata = read_safetensors(path)
    written = metadata.get("format", "")
    if written.startswith("scalereid-resume"):
        raise ValueError(
            f"a training state, not weights; the weights of the run are beside it in {Run(path.parent).last.name}"
        )
    if not written.startswith("scalereid-weights"):
        return _released(tensors)
    if written != _FORMAT:
        raise ValueError(
            f"written in the format {written} by another version of scalereid, which reads {_FORMAT}; train again"
        )
    recipe = SavedRecipe(metadata["recipe"])
    backbone = recipe.model.backbone
    if own_file(backbone) and not run_code:
        raise ValueError(
            f"its backbone is {backbone}, and loading it runs that file; if you trust it, set run_code=True"
        )
    model = build_recipe_model(recipe.model, code_in=path.parent)
    load_strictly(model, tensors)
    report = LoadReport(backbone, tuple(tensors), ())
    return LoadedModel(model.eval(), report, recipe, TrainedFacts.from_json(json.loads(metadata["trained"])))


def _released(state: Mapping[str, Tensor]) -> LoadedModel:
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
        raise ValueError("not a state dict, a mapping from names to tensors")
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}  # of several GPUs
    model = build_model(backbone := recognise(state))
    report = load_released(model, state, backbone)
    return LoadedModel(model.eval(), report, None, TrainedFacts())


def _released_state(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file that is not ours; None for one that is, or that cannot be read."""
    try:
        if path.suffix != ".safetensors":
            return _read_pickle(path)
        tensors, metadata = read_safetensors(path)
    except ValueError:
        return None
    return None if "format" in metadata else tensors


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        ValueError: The file is damaged.
    """
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
    if isinstance(state, dict) and "state_dict" in state:
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise ValueError("not a state dict, a mapping from names to tensors")
    return state
