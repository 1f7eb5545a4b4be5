"""What can be said about who is who: the identity events of a gallery's ledger."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import index
from typing import ClassVar, cast

from scalereid.typed_json import from_json, parse


class _Checked:
    """An event whose values are made plain: an event that cannot be read again would damage the whole ledger.

    Raises:
        ValueError: A number is not a whole number, or a name not text.
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in ("sightings", "others"):
                object.__setattr__(self, name, tuple(_whole(name, each) for each in value))
            elif name == "name":
                if not isinstance(value, str):
                    raise ValueError(f"name is {value!r}; expected text")
            elif value is not None:
                object.__setattr__(self, name, _whole(name, value))


def _whole(name: str, value: object) -> int:
    """Also of NumPy's integers."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} has {value!r}; expected a whole number")
    return index(value)


@dataclass(frozen=True)
class Enrol(_Checked):
    """A new identity, of these sightings. Its number is that of the event."""

    kind: ClassVar = "enrol"
    sightings: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True)
class Confirm(_Checked):
    """These sightings show this identity, whatever was said of them before."""

    kind: ClassVar = "confirm"
    identity: int
    sightings: tuple[int, ...]


@dataclass(frozen=True)
class Reject(_Checked):
    """These sightings do not show this identity, and are never joined with it again."""

    kind: ClassVar = "reject"
    identity: int
    sightings: tuple[int, ...]


@dataclass(frozen=True)
class Merge(_Checked):
    """The other identities are this one."""

    kind: ClassVar = "merge"
    identity: int
    others: tuple[int, ...]


@dataclass(frozen=True)
class Split(_Checked):
    """These sightings of an identity show somebody else: a new identity, whose number is that of the event."""

    kind: ClassVar = "split"
    identity: int
    sightings: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True)
class Rename(_Checked):
    """Another name for an identity; empty for none."""

    kind: ClassVar = "rename"
    identity: int
    name: str


@dataclass(frozen=True)
class Forget(_Checked):
    """These sightings are deleted, and the identity with them if one is named. This cannot be undone."""

    kind: ClassVar = "forget"
    identity: int | None
    sightings: tuple[int, ...]


@dataclass(frozen=True)
class Undo(_Checked):
    """An earlier event has no effect any more; an undo can be undone, too."""

    kind: ClassVar = "undo"
    event: int


Body = Enrol | Confirm | Reject | Merge | Split | Rename | Forget | Undo
KINDS: dict[str, type[Body]] = {
    each.kind: each for each in (Enrol, Confirm, Reject, Merge, Split, Rename, Forget, Undo)
}


@dataclass(frozen=True)
class Event:
    """An entry of the ledger."""

    number: int
    """From 1 on, in the order of the events; some numbers may be missing."""
    at: datetime
    """When it was recorded, in UTC."""
    by: str
    """Who said so; empty if not known."""
    body: Body


def to_text(body: Body) -> str:
    """The body of an event as text, for the ledger; its kind is kept beside it."""
    return json.dumps(asdict(body))


def from_text(kind: str, text: str) -> Body:
    """The body that `to_text` gave.

    Raises:
        ValueError: It is something else; the message names what does not fit.
    """
    if kind not in KINDS:
        raise ValueError(f"an event has the kind {kind!r}; expected {', '.join(KINDS)}. Update scalereid")
    body = from_json(KINDS[kind], parse(text), kind)
    return cast(Body, body)
