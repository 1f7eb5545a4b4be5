"""The flags of a command, read from its function's signature and named as tyro names them."""

from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from inspect import signature
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional

_POSITIONAL = get_args(Positional[str])[1]


class Flag(NamedTuple):
    """One flag, such as `--data.image-size`."""

    argument: str
    """The argument or setting behind it, such as `data.image_size`."""
    name: str
    choices: tuple[str, ...] = ()
    """Its values; empty if others are possible."""


def flags(holder: Callable[..., object], prefix: str = "", *, pairs: bool = True) -> Iterator[Flag]:
    """The flags for the parameters of a function, or for the fields of a dataclass, all starting with `prefix`.

    With `pairs` a switch has two, one that turns it on and one that turns it off; otherwise the one that changes it.
    """
    hints = get_type_hints(holder, include_extras=True)
    for parameter in signature(holder).parameters.values():
        hint = hints[parameter.name]
        kind, *notes = get_args(hint) if get_origin(hint) is Annotated else [hint]
        if _POSITIONAL in notes:
            continue
        renamed = [note.name for note in notes if isinstance(getattr(note, "name", None), str)]
        name = "" if OmitArgPrefixes in notes else renamed[0] if renamed else parameter.name
        if isinstance(kind, type) and is_dataclass(kind):
            both = pairs and FlagCreatePairsOff not in notes
            yield from flags(kind, f"{prefix}{name}." if name else prefix, pairs=both)
            continue
        for off in ("", "no_") if kind is bool and pairs else ("no_",) if parameter.default is True else ("",):
            yield Flag(prefix + parameter.name, flag_of(prefix + off + name), tuple(_choices(kind)))


def flag_of(setting: str) -> str:
    """The flag of a setting.

    >>> flag_of("data.image_size")
    '--data.image-size'
    """
    return "--" + setting.replace("_", "-")


def _choices(kind: Any) -> Iterator[str]:
    for part in get_args(kind):
        if get_origin(kind) is Literal:
            yield str(part)
        else:
            yield from _choices(part)
