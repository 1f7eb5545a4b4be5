"""Checks of arguments: an error names the argument, what was given and what was expected."""

from math import inf, isfinite, nan
from numbers import Integral, Real
from reprlib import repr as shortened
from types import UnionType
from typing import Any, get_args

_MOST = 2**63 - 1


def check_choice(name: str, value: object, choices: Any) -> None:
    """Raise a ValueError that names the value and the choices, if it is not one of a Literal's."""
    if not isinstance(value, str) or value not in get_args(choices):
        raise ValueError(f"No such {name}: {shortened(value)}. Choose from {', '.join(get_args(choices))}.")


def check_whole(name: str, value: object, least: int, most: int = _MOST) -> None:
    """Raise a ValueError that names the value, if it is not a whole number from `least` to `most`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= int(value) <= most:
        raise ValueError(f"{name} is {shortened(value)}; expected a whole number{_between(least, most)}")


def check_number(name: str, value: object, least: float, most: float = inf) -> None:
    """Raise a ValueError that names the value, if it is not a finite number from `least` to `most`."""
    if not isinstance(value, Real) or isinstance(value, bool) or not least <= _finite(value) <= most:
        raise ValueError(f"{name} is {shortened(value)}; expected a number{_between(least, most)}")


def check_kind(name: str, value: object, kind: type | UnionType, *, or_none: bool = False) -> None:
    """Raise a ValueError that names the value, if it is not an instance of `kind`, nor None where that is allowed."""
    if not isinstance(value, kind) and not (or_none and value is None):
        kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        expected = [each.__name__ for each in kinds] + ["None"] * or_none
        raise ValueError(f"{name} is {shortened(value)}; expected {' or '.join(expected)}")


def _between(least: float, most: float) -> str:
    return f" of at least {least:,}" if most in (_MOST, inf) else f" from {least:,} to {most:,}"


def _finite(value: Real) -> float:
    """A number as a float, NaN where that is not finite."""
    try:
        return float(value) if isfinite(value) else nan
    except OverflowError:
        return nan
