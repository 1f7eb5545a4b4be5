"""The words of a command line to the call that they ask for."""

import shlex
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib import import_module
from inspect import getdoc
from itertools import pairwise
from textwrap import indent
from typing import TYPE_CHECKING

from scalereid.cli.commands import COMMANDS, RENAMED, Command
from scalereid.cli.errors import UsageError
from scalereid.cli.help import in_short_lines, print_commands
from scalereid.distributed import processes
from scalereid.lookup import no_such

if TYPE_CHECKING:
    from scalereid.runs.recipe import Recipe

Call = partial[None]
"""A command's function and its arguments, not yet called."""
_HELP = {"-h", "--help"}
_WRITES_TO_STANDARD_OUTPUT = {"evaluate"}  # for --out -


def parse(words: Sequence[str]) -> Call:
    """The call that a command line asks for. Prints help where that is asked for, and exits.

    Raises:
        UsageError: There is no such command, recipe or option, or no such choice of an option; or an option would have no
            effect.
        SystemExit: With 0 after help; with 2 where an argument is missing or a value does not fit.
    """
    for word in [*words[:1], *(word.partition("=")[0] for word in words if word.startswith("--"))]:
        if word in RENAMED:
            raise UsageError(RENAMED[word])
    name = _name(words)
    command, rest = COMMANDS[name], list(words[len(name.split()) :])
    if processes() > 1 and not command.resume:
        raise UsageError(
            f"{name} runs in one process, and torchrun started {processes()}: scalereid {shlex.join(words)}"
        )
    function, defaults = _by_recipe(name, command, rest) if command.resume else (load(command.function), {})
    if _HELP.isdisjoint(rest):
        _check_options(name, function, rest)
    else:
        rest = ["--help"]  # whatever is missing or unknown beside it
    import tyro  # here, as the list of commands and a mistyped command do without it

    from scalereid.cli.unused import check_used

    with in_short_lines():
        call: Call = tyro.cli(
            partial(_bound(function), **defaults),
            prog=f"scalereid {name}",
            description=indent(getdoc(function) or "", "  "),  # which also keeps tyro from joining the lines
            args=rest,
        )
    check_used({_flag(word) for word in rest}, call.keywords.get("settings"))
    return call


def load(function: str) -> Callable[..., None]:
    """The function of a command, given as MODULE:FUNCTION."""
    module, _, attribute = function.partition(":")
    loaded: Callable[..., None] = getattr(import_module(f"scalereid.cli.{module}"), attribute)
    return loaded


def _name(words: Sequence[str]) -> str:
    """The name of the command that the words begin with."""
    first, second = [*words, "", ""][:2]
    group = {name: command for name, command in COMMANDS.items() if name.startswith(f"{first} ")}
    if first in COMMANDS:
        return first
    if f"{first} {second}" in COMMANDS:
        return f"{first} {second}"
    if group and second and not second.startswith("-"):
        raise UsageError(no_such("command", f"{first} {second}", group, f"`scalereid {first}` lists the commands."))
    if group or first in {"", *_HELP}:
        print_commands(group or COMMANDS, first if group else "")
    raise UsageError(no_such("command", first, COMMANDS, "`scalereid --help` lists the commands."))


def _by_recipe(name: str, command: Command, words: list[str]) -> tuple[Callable[..., None], dict[str, "Recipe"]]:
    """The function of a command that takes a recipe first, and the recipe's settings as the defaults of its options."""
    first = words[0] if words else ""
    if first.partition("=")[0] == "--resume":
        return load(command.resume), {}
    if first.startswith("-") and not _HELP.isdisjoint(words):
        return load(command.function), {}
    if not first or first.startswith("-"):
        raise UsageError(
            f"Name the recipe first: scalereid {name} RECIPE --data FOLDER --out FOLDER. "
            f"`scalereid recipes` lists them. To go on with a stopped run: scalereid {name} --resume RUN"
        )
    from scalereid.recipes import RECIPES

    if first not in RECIPES:
        raise UsageError(no_such("recipe", first, RECIPES, "`scalereid recipes` lists them."))
    if any(word.partition("=")[0] == "--resume" for word in words):
        raise UsageError(
            f"--resume goes on with a run's own recipe and settings; name no other: scalereid {name} --resume RUN"
        )
    return load(command.function), {"settings": RECIPES[first]}


def _flag(word: str) -> str:
    """The flag in a word such as `--write_split` or `--train-share=0.3`, as `Flag.name` has it."""
    return word.partition("=")[0].replace("_", "-")


def _check_options(name: str, function: Callable[..., None], words: Sequence[str]) -> None:
    """Say which option, or which choice of one, was meant where there is none of that name."""
    from scalereid.cli.flags import flags

    known = {flag.name: flag for flag in flags(function)}
    for word, following in pairwise([*words, ""]):
        option, (_, given, value) = _flag(word), word.partition("=")
        if not option.startswith("--"):
            continue
        if option not in known:
            raise UsageError(no_such(f"option of {name}", option, known, f"`scalereid {name} --help` lists them."))
        if (option, value if given else following) == ("--out", "-") and name not in _WRITES_TO_STANDARD_OUTPUT:
            raise UsageError(f"{name} does not write to standard output; give --out a name other than '-'")
        choices, value = known[option].choices, value if given else following
        if choices and value and value not in choices:
            raise UsageError(no_such(f"value of {option}", value, choices, f"Choose from {', '.join(choices)}."))


def _bound(function: Callable[..., None]) -> Callable[..., Call]:
    """A function with the same parameters that returns the call instead of making it."""

    @wraps(function)
    def bind(*args: object, **kwargs: object) -> Call:
        return partial(function, *args, **kwargs)

    return bind
