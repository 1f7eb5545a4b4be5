"""What `train` and `nas` share: the options of a new run and of a stopped one, and how either goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from scalereid.cli.errors import Stopped
from scalereid.cli.options import DataFolder, Device, RunCode, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.toy_people import draw_toy_people
from scalereid.distributed import is_first, processes, processes_here
from scalereid.files import require_free
from scalereid.locks import locked
from scalereid.runs.recipe import Recipe
from scalereid.runs.trust import own_code

if TYPE_CHECKING:
    from scalereid.runs.run import Run

RecipeName = Annotated[Positional[str], arg(metavar="RECIPE", help="Name of a recipe; see `scalereid recipes`.")]
Settings = Annotated[Recipe, arg(name="")]
TensorBoard = Annotated[bool, arg(help="Write TensorBoard events beside log.jsonl.", help_behavior_hint="")]


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run that does not exist yet."""

    data: DataFolder
    out: Path
    """New folder for the run."""
    tensorboard: TensorBoard = False
    device: Device = "auto"


EPOCHS = arg(name="schedule.epochs", help_behavior_hint="(default: the recipe's)")


@dataclass(frozen=True, kw_only=True)
class StoppedRun:
    """A run to go on with."""

    resume: Path
    """Folder of the run."""
    epochs: Annotated[int | None, EPOCHS] = None
    """Number of epochs to train to, to extend the run."""
    data: Annotated[Path | None, otherwise("where they were")] = None
    """Folder of the datasets."""
    tensorboard: TensorBoard = False
    run_code: RunCode = False
    device: Device = "auto"


def require_new_run(out: Path) -> None:
    """Check that a run can be made at `out` and that no other process is making it, before anything is read or drawn.

    Raises:
        OSError: There is something, it cannot be written, or another process writes it.
    """
    if is_first():  # of several processes, which makes the run
        with locked(out):
            require_free(out)


def start(command: str, recipe: str, settings: Recipe, options: NewRun, output: Output) -> "Run":
    """Train by `settings` into a new run."""
    from scalereid.experiments import training
    from scalereid.experiments.tensorboard import require_tensorboard
    from scalereid.process import choose_device

    _check_command(command, settings, recipe)
    training.check_new(settings)  # a mistake is said at once, not after drawing people
    choose_device(options.device)
    if options.tensorboard:
        require_tensorboard()
    draw_toy_people(options.data, output.progress, *dict.fromkeys((settings.data.dataset, *settings.targets)))
    with resumable(command):
        return training.train(
            settings,
            data=options.data,
            out=options.out,
            device=options.device,
            tensorboard=options.tensorboard,
            progress=output.progress,
        )


def go_on(command: str, options: StoppedRun, output: Output) -> "Run":
    """Train a run to its end, or to a later one."""
    from scalereid.experiments import training
    from scalereid.runs.run import Run

    _check_command(command, Run(options.resume).recipe(), f"--resume {quote(str(options.resume))}")
    with resumable(command):
        return training.resume(
            options.resume,
            epochs=options.epochs,
            data=options.data,
            device=options.device,
            tensorboard=options.tensorboard,
            run_code=options.run_code,
            progress=output.progress,
        )


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """Turn the interruption of a training into the command that goes on with it."""
    from scalereid.runs.run import Run
    from scalereid.training.loop import Interrupted

    try:
        yield
    except Interrupted as stopped:
        run = Run(Path(str(stopped)))
        code = " --run-code" if run.exists and own_code(run.saved_recipe().names) else ""
        together = f"torchrun --nproc-per-node {processes_here()} -m scalereid"
        start = together if processes() > 1 else program()
        raise Stopped(f"{start} {command} --resume {quote(str(run.folder))}{code}") from None


def _check_command(command: str, recipe: Recipe, words: str) -> None:
    """Refuse to train by the recipe of a search, and to search by one for training."""
    if recipe.searches != (command == "nas"):
        does = "searches for an architecture" if recipe.searches else "trains a network and searches nothing"
        raise ValueError(f"This recipe {does}: scalereid {'nas' if recipe.searches else 'train'} {words}")
