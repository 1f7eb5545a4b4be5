"""Arguments and options that the commands of a gallery share."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import DisallowNone, Positional, arg

from scalereid.cli.errors import UsageError
from scalereid.cli.models import ANY_MODEL, Computing, PixelOptions
from scalereid.cli.options import otherwise
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.runtimes import RuntimeName

if TYPE_CHECKING:
    from scalereid.gallery.filters import Filter
    from scalereid.gallery.gallery import Gallery
    from scalereid.gallery.upkeep import Upkeep
    from scalereid.gallery.whom import Among
    from scalereid.inference.recognizer import AttributeRecognizer

GalleryPlace = Annotated[
    Positional[str], arg(metavar="GALLERY", help="The gallery's folder, or the URL of its database.")
]
IdentityNumber = Annotated[Positional[int], arg(metavar="IDENTITY", help="The number of an identity.")]
SightingNumbers = Annotated[
    Positional[tuple[int, ...]],
    arg(metavar="SIGHTING …", help="Numbers of sightings.", help_behavior_hint="(at least one)"),
]
By = Annotated[str, arg(help="Who you are, for the record."), otherwise("your login name")]
Name = Annotated[str, arg(help="The identity's name."), otherwise("none")]
NewModel = Annotated[str, arg(help=ANY_MODEL)]
MovedModel = Annotated[
    str | None, DisallowNone, arg(help="Where the gallery's model is now."), otherwise("where it was")
]
SheetFile = Annotated[
    Path | None, DisallowNone, arg(help="A .jpg or .png file for a contact sheet."), otherwise("none")
]


@dataclass(frozen=True, kw_only=True)
class GalleryCompute(Computing):
    """What computes the embeddings."""

    runtime: Annotated[Literal["auto"] | RuntimeName | None, otherwise("auto")] = None
    """What computes the embeddings; auto takes the fastest that agrees with torch."""

    def options(self, pixels: PixelOptions | None = None) -> RuntimeOptions:
        """For whatever model the gallery has, or is to have."""
        chosen = {"runtime": self.runtime or "auto", "pixels": pixels.format() if pixels else None}
        return RuntimeOptions(**(vars(self) | chosen))


@dataclass(frozen=True, kw_only=True)
class FilterOptions:
    """Which sightings may be found."""

    camera: Annotated[tuple[str, ...], otherwise("any")] = ()
    """Cameras, by their names."""
    not_camera: Annotated[tuple[str, ...], otherwise("none")] = ()
    """Cameras to leave out, and sightings by unknown cameras."""
    after: Annotated[str, otherwise("any time")] = ""
    """Taken then or later: 2026-11-01, or 2026-11-01T13:05, in UTC."""
    before: Annotated[str, otherwise("any time")] = ""
    """Taken earlier than then."""
    track: Annotated[tuple[str, ...], otherwise("any")] = ()
    """Tracks, by their names."""
    attribute: Annotated[tuple[str, ...], otherwise("any")] = ()
    """Attributes and their least likelihood: bag=0.8"""

    def filter(self) -> "Filter":
        """The conditions on sightings."""
        from scalereid.gallery.filters import Filter

        return Filter(
            cameras=self.camera,
            not_cameras=self.not_camera,
            after=moment("--after", self.after),
            before=moment("--before", self.before),
            tracks=self.track,
            attributes=dict(assigned_number("--attribute", each) for each in self.attribute),
        )


@dataclass(frozen=True, kw_only=True)
class PeopleOptions(FilterOptions):
    """Whose sightings may be found, and which of them."""

    among: Literal["all", "known", "unknown"] = "all"
    """Sightings of all people, of known identities, or of nobody known."""
    identity: Annotated[tuple[int, ...], otherwise("any")] = ()
    """Sightings of these identities alone, by number."""

    def whom(self) -> "Among":
        """Whose sightings may be found."""
        return self.identity or self.among


def user(by: str) -> str:
    """Who works with a gallery: as said, or by the login name; empty where there is none."""
    with suppress(OSError, KeyError):
        return by or getpass.getuser()
    return ""


@contextmanager
def upkeep(where: str, by: str = "") -> Iterator["Upkeep"]:
    """A gallery without its model, so that nothing waits for torch."""
    from scalereid.gallery.upkeep import Upkeep

    gallery = Upkeep(where, user(by))
    try:
        yield gallery
    finally:
        gallery.ledger.close()


@contextmanager
def at_work(where: str, compute: GalleryCompute, model: str | None = None, by: str = "") -> Iterator["Gallery"]:
    """A gallery with its model."""
    from scalereid.gallery.gallery import Gallery

    with Gallery(where, model=model, options=compute.options(), by=user(by)) as gallery:
        yield gallery


@contextmanager
def attribute_model(model: str | None, compute: GalleryCompute) -> Iterator["AttributeRecognizer | None"]:
    """A model of attributes at work, where one is named."""
    if model is None:
        yield None
        return
    from scalereid.inference.recognizer import AttributeRecognizer

    with AttributeRecognizer(model, options=compute.options()) as recognizer:
        yield recognizer


def some(sightings: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers of sightings of which there must be one at least.

    Raises:
        UsageError: There is none.
    """
    if not sightings:
        raise UsageError("Name at least one sighting, by its number; `scalereid gallery search` shows the numbers")
    return sightings


def assigned_number(flag: str, word: str) -> tuple[str, float]:
    """NAME=NUMBER as a name and a number.

    Raises:
        UsageError: It is something else.
    """
    name, given, number = word.rpartition("=")
    try:
        if given and name:
            return name, float(number)
    except ValueError:
        pass
    raise UsageError(f"{flag} is {word!r}; expected something like NAME=0.5")


def moment(flag: str, word: str) -> datetime | None:
    """A time; None for no words.

    Raises:
        UsageError: They are something else.
    """
    if not word:
        return None
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(f"{flag} is {word!r}; expected a date and time like 2026-11-01 or 2026-11-01T13:05") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
