"""The whole state of a training on disk, so that stopping and going on gives what never stopping gives."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from scalereid.files import write
from scalereid.runs.checkpoint import RESUME_FORMAT, read_safetensors, trained_facts
from scalereid.runs.run import Run
from scalereid.training.state import TrainingState
from scalereid.typed_json import from_json, parse
from scalereid.wording import counted


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
        ValueError: It is damaged, or of another training; the message names what does not fit.
    """
    tensors, metadata = read_safetensors(file)
    if metadata.get("format") != RESUME_FORMAT:
        raise ValueError(f"{file} is not a training state of this version; train anew")
    try:
        values = from_json(dict[str, dict[str, Any]], parse(metadata.get("values", "null")), "values")
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error
    if values.keys() != state.registered.keys():
        raise ValueError(f"{file} is the state of another training: it holds {[*values]}, not {[*state.registered]}")
    for name, stateful in state.registered.items():
        own = {key: tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}
        if isinstance(stateful, nn.Module):
            _check_fits(file, name, stateful, own)
        try:
            stateful.load_state_dict(values[name] | {key.removeprefix(f"{name}."): own[key] for key in own})
        except Exception as error:  # of PyTorch's and NumPy's many kinds
            why = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{file} is damaged, or the state of another training: {name} does not fit: {why}"
            ) from error


def require_state(run: Run) -> bool:
    """Whether a run has a saved state to go on from; False for one that was stopped before it was first saved.

    Raises:
        FileNotFoundError: It is trained for an epoch or more, and has no state.
        ValueError: A file of the run is damaged.
    """
    done = _epochs_done(run)
    if not run.state.is_file() and done:
        raise FileNotFoundError(
            f"{run.state} does not exist, without which the training of {counted(done, 'epoch')} in {run.folder} cannot go on "
            f"and would be overwritten; start a new run from its weights, with model.initial_weights={run.folder}"
        )
    return run.state.is_file()


def check_state(run: Run, state: TrainingState, steps: Callable[[int], int], *, epochs: int) -> None:
    """Check that a loaded state is possible, and not further back than the run's log and weights.

    Args:
        run, state: What is resumed, and the state loaded from it.
        steps: Number of steps of an epoch.
        epochs: Number of epochs of the recipe.

    Raises:
        ValueError: It is not; the message says what is.
    """
    if state.epoch > epochs:
        raise ValueError(f"{run.state} is of epoch {state.epoch}, but the recipe has {epochs} epochs")
    if state.step > steps(state.epoch):
        raise ValueError(f"{run.state} is of step {state.step} of an epoch that has {steps(state.epoch)} steps")
    done = _epochs_done(run)
    if state.epoch < done - 1:  # one less if it was killed between the files of an epoch
        raise ValueError(
            f"{run.state} is of epoch {state.epoch}, but the log and the weights beside it are of epoch {done}, and would be "
            f"overwritten; put back the state that belongs to them, or start a new run from its weights, with "
            f"model.initial_weights={run.folder}"
        )


def complete_log(run: Run, epoch: int) -> None:
    """Write the entry of the last finished epoch into the log if it is missing there: the weights hold it, too."""
    logged, last = run.log(), trained_facts(run.last).log if run.last.is_file() else None
    if last and last.epoch == epoch and all(entry.epoch < epoch for entry in logged):
        run.append(last)


def _epochs_done(run: Run) -> int:
    """The last epoch of which there are weights or a line in the log; 0 before the first."""
    logged = [entry.epoch for entry in run.log()]
    return max([0, *logged, *(trained_facts(file).epoch or 0 for file in (run.last, run.best) if file.is_file())])


def _check_fits(file: Path, name: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Name the first tensor that is not as in `module`; PyTorch's own message lists them all."""
    shapes = {f"{name}.{key}": tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    saved = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    for key in [*shapes, *saved]:
        if shapes.get(key) != saved.get(key):
            found, expected = (sizes.get(key, "missing") for sizes in (saved, shapes))
            raise ValueError(f"{file} is the state of another model: {key} is {found} in the file and {expected} here")
