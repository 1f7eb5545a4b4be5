"""JSON values to settings: every value is checked against its annotated type, and an unknown name is an error."""

from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from scalereid.progress import counted


def from_json(kind: Any, values: Any, where: str) -> Any:
    """`values` as the annotated type `kind`: nested dataclasses, tuples, Literals and plain values.

    Raises:
        ValueError: They do not fit; the message names the setting, which is in the group `where`.
    """
    if is_dataclass(kind):
        return _group(kind, values, where)
    if get_origin(kind) is tuple:
        if not isinstance(values, list | tuple):
            raise ValueError(f"{where} is {values!r}, not a list")
        item, *others = get_args(kind)
        if Ellipsis not in others and len(values) != 1 + len(others):
            raise ValueError(f"{where} has {counted(len(values), 'value')}, not {1 + len(others)}")
        return tuple(from_json(item, value, f"{where}[{i}]") for i, value in enumerate(values))
    if get_origin(kind) is UnionType:  # a type, or None
        return None if values is None else from_json(get_args(kind)[0], values, where)
    if get_origin(kind) is Literal:
        if values not in get_args(kind):
            raise ValueError(f"{where} is {values!r}; choose from {', '.join(map(str, get_args(kind)))}")
        return values
    accepted: type | UnionType = int | float if kind is float else kind
    if not isinstance(values, accepted) or isinstance(values, bool) != (kind is bool):
        raise ValueError(f"{where} is {values!r}, not {kind.__name__}")
    return values


def _group(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {values!r}, not a group of settings")
    hints = get_type_hints(kind)
    unknown = sorted(values.keys() - {field.name for field in fields(kind)})
    if unknown:
        raise ValueError(f"{where} has no setting {', '.join(unknown)}; its settings are {', '.join(hints)}")
    made = {name: from_json(hints[name], value, f"{where}.{name}") for name, value in values.items()}
    return cast(type, kind)(**made)
