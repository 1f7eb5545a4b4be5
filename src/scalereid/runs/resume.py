"""The whole state of a training on disk, so that stopping and going on gives what never stopping gives."""

import json
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from scalereid.files import write
from scalereid.runs.checkpoint import RESUME_FORMAT, read_safetensors
from scalereid.training.state import TrainingState


def save_state(file: Path, state: TrainingState) -> None:
    """Write everything that is registered in `state`, whole or not at all: tensors as such, other values as JSON."""
    tensors: dict[str, Tensor] = {}
    values: dict[str, dict[str, object]] = {}
    for name, stateful in state.registered.items():
        values[name] = {}
        for key, value in stateful.state_dict().items():
            if isinstance(value, Tensor):
                tensors[f"{name}.{key}"] = value.detach().contiguous().cpu().clone()
            else:
                values[name][key] = value
    metadata = {"format": RESUME_FORMAT, "values": json.dumps(values)}
    write(file, lambda partial: save_file(tensors, partial, metadata))


def load_state(file: Path, state: TrainingState) -> None:
    """Put a saved state into everything that is registered in `state`, random generators included.

    Raises:
        FileNotFoundError: There is no saved state.
        ValueError: It is damaged, or of another training; the message names what does not fit.
    """
    if not file.is_file():
        raise FileNotFoundError(f"Nothing to resume: {file} does not exist")
    tensors, metadata = read_safetensors(file)
    if metadata.get("format") != RESUME_FORMAT:
        raise ValueError(f"{file} is not a training state of this version; train anew")
    values = json.loads(metadata["values"])
    if values.keys() != state.registered.keys():
        raise ValueError(f"{file} is the state of another training: it holds {[*values]}, not {[*state.registered]}")
    for name, stateful in state.registered.items():
        own = {key: tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}
        if isinstance(stateful, nn.Module):
            _check_fits(file, name, stateful, own)
        try:
            stateful.load_state_dict(values[name] | {key.removeprefix(f"{name}."): own[key] for key in own})
        except (LookupError, RuntimeError, ValueError) as error:
            raise ValueError(f"{file} is the state of another training: {name} does not fit: {error}") from error


def _check_fits(file: Path, name: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Name the first tensor that is not as in `module`; PyTorch's own message lists them all."""
    shapes = {f"{name}.{key}": tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    saved = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    for key in [*shapes, *saved]:
        if shapes.get(key) != saved.get(key):
            found, expected = (sizes.get(key, "missing") for sizes in (saved, shapes))
            raise ValueError(f"{file} is the state of another model: {key} is {found} in the file and {expected} here")
