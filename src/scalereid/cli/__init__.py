"""The command line: the only part that knows it."""

import io
import os
import sys
from collections.abc import Callable
from shlex import quote
from typing import Any

import tyro

from scalereid import __version__
from scalereid.cli.data import data_check, data_unpack
from scalereid.cli.deploying import embed, export, quantize
from scalereid.cli.judging import calibrate, compare
from scalereid.cli.looking import datasets, demo, evaluate, models, recipes, report
from scalereid.cli.terminal import program
from scalereid.cli.training import leave_one_out_with, train_splits_with, train_with
from scalereid.process import keep_freed_memory
from scalereid.recipes import RECIPES
from scalereid.training.loop import Interrupted


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the command line names; exit with 1 on an error and 130 when stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × still shows the rest
    if arguments == ["--version"]:
        print(f"scalereid {__version__}")
        return
    if arguments[:1] == ["data"]:  # a command of two words, of which the parser knows nothing
        named = len(arguments) > 1 and not arguments[1].startswith("-")
        arguments = [" ".join(arguments[:2]), *arguments[2:]] if named else ["--help"]
    keep_freed_memory()
    try:
        # Most likely the recipe is the first word that is a recipe's name; the command itself knows for sure.
        _parse(arguments, next((word for word in arguments[1:] if word in RECIPES), ""))
    except Interrupted as stopped:
        command = "train" if arguments[0] == "demo" else arguments[0]
        resume = f"{program()} {command} --resume {quote(str(stopped))}"
        again = "the same command" if arguments[0] in ("leave-one-out", "train-splits") else resume
        print(f"stopped and saved. Go on with:  {again}", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError, FloatingPointError, ModuleNotFoundError) as error:
        if os.environ.get("SCALEREID_TRACEBACK"):
            raise
        print(f"scalereid: {error}\n(SCALEREID_TRACEBACK=1 shows where this was raised)", file=sys.stderr)
        sys.exit(1)


def _parse(arguments: list[str], recipe: str) -> None:
    """Run the command, the settings of `train` starting from those of `recipe`."""
    commands: dict[str, Callable[..., Any]] = {
        "demo": demo,
        "train": train_with(recipe, again=lambda other: _parse(arguments, other), searching=False),
        "nas": train_with(recipe, again=lambda other: _parse(arguments, other), searching=True),
        "leave-one-out": leave_one_out_with(recipe, again=lambda other: _parse(arguments, other)),
        "train-splits": train_splits_with(recipe, again=lambda other: _parse(arguments, other)),
        "evaluate": evaluate,
        "compare": compare,
        "calibrate": calibrate,
        "report": report,
        "embed": embed,
        "export": export,
        "quantize": quantize,
        "models": models,
        "recipes": recipes,
        "datasets": datasets,
        "data check": data_check,
        "data unpack": data_unpack,
    }
    description = "Person re-identification with features at every scale. --version says which scalereid this is."
    tyro.extras.subcommand_cli_from_dict(commands, prog="scalereid", description=description, args=arguments)
