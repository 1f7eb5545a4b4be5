"""What an error of the library means on the command line: it names arguments and settings, which have flags here."""

import opcode
import re
from pathlib import Path

import scalereid
from scalereid.cli.flags import flags
from scalereid.cli.parsing import Call

_COMMANDS = {
    "a check of the dataset": "scalereid data check FOLDER",
    "unpack it first": "scalereid data unpack FOLDER",
    "start a new run from its weights": "scalereid train RECIPE --data FOLDER --out FOLDER --model.initial-weights RUN",
    "calibrate the model": "scalereid calibrate MODEL --data FOLDER",
    "create one first": "scalereid gallery create GALLERY --model MODEL",
    "overwrite them once that has passed": "scalereid gallery forget GALLERY --overwrite",
    "embed the gallery again": "scalereid gallery reembed GALLERY --model MODEL",
    "give pixels": "--preset NAME, or --channels, --scale, --mean and --std",
    "leave pixels out": "without --preset, --channels, --scale, --mean and --std",
}
"""Advice in the library's words, and the command or the flags that follow it."""


def hint(message: str, call: Call) -> str:
    """The flags and commands for what an error names; empty for none."""
    named = [flag.name for flag in flags(call.func) if _names(message, flag.argument)]
    advised = [command for words, command in _COMMANDS.items() if words in message.lower()]
    return f"(on the command line: {', '.join([*named, *advised])})\n" if named or advised else ""


def where(error: Exception) -> str:
    """How to see where an error was raised; empty for one that a `raise` in this package raised, whose message says all.

    Told by the last frame of the traceback and the instruction at which it stands. A failed `assert` is no message.
    """
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace:
        code = trace.tb_frame.f_code
        raised = opcode.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
        if (
            raised
            and not isinstance(error, AssertionError)
            and Path(code.co_filename).is_relative_to(Path(scalereid.__file__).parent)
        ):
            return ""
    return "(SCALEREID_TRACEBACK=1 shows where this was raised)\n"


def _names(message: str, argument: str) -> bool:
    """Whether a message names an argument: `run_code` or `data.image_size` as a word, but a plain word only as `out=…`."""
    after = r"(?!\w)" if re.search(r"[_.]", argument) else "="
    return re.search(rf"(?<![\w.]){re.escape(argument)}{after}", message) is not None
