"""Trainings in processes of their own, which can be killed anywhere.

They are forked from a server that has imported everything already, and so start in no time.
"""

import multiprocessing
import os
import signal
import sys
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe
from scalereid.training.loop import Interrupted

SERVER = multiprocessing.get_context("forkserver")
# The first optimizer imports torch._dynamo, which takes seconds.
SERVER.set_forkserver_preload(["scalereid.experiments.training", "torch._dynamo", "tests.experiments.processes"])


class KillAt(NamedTuple):
    """The moment at which a process kills itself: before this call, counted from 1, of a function."""

    module: str
    name: str
    """Of a function, or of a class and its method."""
    call: int


def start(recipe: Recipe, data: Path, out: Path, kill_at: KillAt | None = None) -> ForkServerProcess:
    """A training in a process of its own, started."""
    process = SERVER.Process(target=_train, args=(recipe.to_json(), str(data), str(out), kill_at))
    process.start()
    return process


def finish(process: ForkServerProcess) -> int | None:
    """Wait for the end; returns the exit code, negative for a signal."""
    process.join(120)
    return process.exitcode


def _train(recipe: dict[str, Any], data: str, out: str, kill_at: KillAt | None) -> None:
    from scalereid.experiments.training import train

    if kill_at:
        _arm(kill_at)
    try:
        train(Recipe.from_json(recipe), data=data, out=out, progress=Progress.silent())
    except Interrupted:
        sys.exit(130)


def _arm(moment: KillAt) -> None:
    *path, name = moment.name.split(".")
    place: Any = import_module(moment.module)
    for part in path:
        place = getattr(place, part)
    original, calls = getattr(place, name), 0

    def counted(*positional: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment.call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*positional, **named)

    setattr(place, name, counted)
