"""JSON to typed values: every value is checked against its annotated type, and an unknown or missing name is an error."""

import json
import sys
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import numpy as np

_EXACT = (int, str, bool)  # every value of these types is a good one
_LARGEST = sys.float_info.max  # with which whole numbers of any length can be compared


def parse(text: str | bytes) -> Any:
    """The values of JSON text.

    Raises:
        ValueError: It is not JSON, or is nested too deep to be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deep") from None


def from_json(kind: Any, values: Any, where: str) -> Any:
    """`values` as the annotated type `kind`: dataclasses, named tuples, tuples, dictionaries, arrays, Literals, plain values.

    Numbers must be finite.

    Raises:
        ValueError: They do not fit; the message names the value, which is in `where`.
    """
    if kind in _EXACT and type(values) is kind:
        return values
    if kind is Any:
        return values
    if is_dataclass(kind) or hasattr(kind, "_field_defaults"):
        return _group(kind, values, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple(inner, values, where)
    if origin is dict:
        return {name: from_json(inner[1], value, f"{where}.{name}") for name, value in _named(values, where).items()}
    if origin is np.ndarray:
        return np.array(_tuple((float, ...), values, where))
    if origin is UnionType:  # a type, or one of several groups, or None
        return None if values is None else from_json(_kind_of(inner, values), values, where)
    return _plain(kind, values, where)


def _kind_of(kinds: tuple[Any, ...], values: Any) -> Any:
    """That of several groups which has all names of `values`; the first if none has, or there is one."""
    groups = [kind for kind in kinds if is_dataclass(kind)] if isinstance(values, dict) else []
    return next((kind for kind in groups if values.keys() <= get_type_hints(kind).keys()), kinds[0])


def _plain(kind: Any, value: Any, where: str) -> Any:
    """A Literal, or a number, text or truth value."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{where} is {_short(value)}; choose from {', '.join(map(str, get_args(kind)))}")
        return value
    accepted: Any = int | float if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{where} is {_short(value)}, not {kind.__name__}")
    if kind is float and not abs(value) <= _LARGEST:
        raise ValueError(f"{where} is {_short(value)}, not a finite number")
    return value


def _group(kind: Any, values: Any, where: str) -> Any:
    """A dataclass or named tuple, of which names with a default may be missing."""
    hints, required = _names(kind)
    if unknown := sorted(_named(values, where).keys() - hints.keys()):
        raise ValueError(f"{where} has no {', '.join(unknown)}; it has {', '.join(hints)}")
    made = {name: from_json(hints[name], value, f"{where}.{name}") for name, value in values.items()}
    for name in required:
        if name not in made:
            raise ValueError(f"{where}.{name} is missing")
    try:
        return cast(type, kind)(**made)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


@cache
def _names(kind: Any) -> tuple[dict[str, Any], list[str]]:
    """The names of a group with their types, and those that may not be missing."""
    if is_dataclass(kind):
        required = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    else:
        required = [name for name in kind._fields if name not in kind._field_defaults]
    return get_type_hints(kind), required


def _tuple(kinds: tuple[Any, ...], values: Any, where: str) -> tuple[Any, ...]:
    found = _listed(values, where)
    if kinds[-1] is Ellipsis:
        if kinds[0] in _EXACT and all(type(value) is kinds[0] for value in found):  # thousands of them: quickly
            return tuple(found)
        kinds = kinds[:1] * len(found)
    elif len(found) != len(kinds):
        raise ValueError(f"{where} is a list of {len(found)}, not of {len(kinds)}")
    return tuple(
        from_json(kind, value, f"{where}[{i}]") for i, (kind, value) in enumerate(zip(kinds, found, strict=True))
    )


def _listed(values: Any, where: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise ValueError(f"{where} is {_short(values)}, not a list")
    return values


def _named(values: Any, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {_short(values)}, not a group of named values")
    return values


def _short(value: Any) -> str:
    """A value as a message shows it: that of a damaged file may be of any length."""
    shown = repr(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}…"
