"""The whole state of a training on disk, so that stopping and going on gives what never stopping gives."""

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from scalereid.runs.checkpoint import RESUME_FORMAT, read_safetensors
from scalereid.runs.run import write
from scalereid.training.step import Training


def save_training(file: Path, training: Training, best: float) -> None:
    """Write all that `load_training` needs to go on as if nothing had happened, whole or not at all."""
    tensors = _tensors_of(training)
    settings: dict[str, Any] = {}
    for number, state in training.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items() if value is not None}
    settings["scaler"] = training.scaler.state_dict()
    settings |= {"epoch": training.epoch, "step": training.step, "best": best}
    tensors |= _random_states(settings)
    tensors = {name: tensor.detach().contiguous().cpu().clone() for name, tensor in tensors.items()}
    metadata = {"format": RESUME_FORMAT, "settings": json.dumps(settings)}
    write(file, lambda partial: save_file(tensors, partial, metadata))


def load_training(file: Path, training: Training) -> float:
    """Put a saved state into `training`, random generators included; returns the best mAP so far.

    Raises:
        FileNotFoundError: there is no saved state.
        ValueError: it is damaged or another model's.
    """
    if not file.is_file():
        raise FileNotFoundError(f"nothing to resume: there is no {file}")
    tensors, metadata = read_safetensors(file)
    if metadata.get("format") != RESUME_FORMAT:
        raise ValueError(f"{file} is no training state of this version")
    settings = json.loads(metadata["settings"])
    own = _tensors_of(training)
    for name, tensor in own.items():
        if name not in tensors or tensors[name].shape != tensor.shape:
            raise ValueError(f"{file} holds another model's training: {name} does not fit")
        with torch.no_grad():
            tensor.copy_(tensors[name])
    optimizer = training.optimizer.state_dict()
    optimizer["state"] = _optimizer_state(training.optimizer, tensors)
    training.optimizer.load_state_dict(optimizer)
    training.scaler.load_state_dict(settings["scaler"])
    training.epoch, training.step = settings["epoch"], settings["step"]
    _restore_random_states(tensors, settings)
    return float(settings["best"])


def _tensors_of(training: Training) -> dict[str, Tensor]:
    model = {f"model.{name}": tensor for name, tensor in training.model.state_dict().items()}
    objective = {f"objective.{name}": tensor for name, tensor in training.objective.state_dict().items()}
    return model | objective | {"sums": training.sums}


def _optimizer_state(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Each parameter's state by its number, laid out in memory as the parameter is: fused steps read both in one sweep."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"optimizer\.(\d+)\.(\w+)", name):
            number = int(match[1])
            if tensor.shape == parameters[number].shape:
                tensor = torch.empty_like(parameters[number]).copy_(tensor)
            state.setdefault(number, {})[match[2]] = tensor.clone()  # else the file stays open
    return state


def _random_states(settings: dict[str, Any]) -> dict[str, Tensor]:
    """The states of every generator: tensors, and into `settings` those that are not."""
    version, numbers, gauss = random.getstate()
    settings["python_random"] = [version, list(numbers), gauss]
    numpy_state: Any = np.random.get_state(legacy=False)
    settings["numpy_random"] = numpy_state | {
        "state": {**numpy_state["state"], "key": numpy_state["state"]["key"].tolist()}
    }
    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"random.cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def _restore_random_states(tensors: dict[str, Tensor], settings: dict[str, Any]) -> None:
    version, numbers, gauss = settings["python_random"]
    random.setstate((version, tuple(numbers), gauss))
    state = settings["numpy_random"]
    np.random.set_state(state | {"state": {**state["state"], "key": np.array(state["state"]["key"], np.uint32)}})
    torch.set_rng_state(tensors["random.cpu"])
    for i in range(torch.cuda.device_count()):
        if (state := tensors.get(f"random.cuda.{i}")) is not None:
            torch.cuda.set_rng_state(state, i)
