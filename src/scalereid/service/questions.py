"""What clients ask and say, checked as it comes in."""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scalereid.gallery.events import Body, Confirm, Enrol, Merge, Reject, Rename, Split, Undo
from scalereid.gallery.filters import Filter
from scalereid.gallery.sightings import Seen
from scalereid.gallery.whom import Among
from scalereid.service.errors import mistakes

MOST = 1_000
"""Results of a search, and sightings in one event."""
Number = Annotated[int, Field(ge=0, lt=2**63)]
Numbers = Annotated[tuple[Number, ...], Field(max_length=MOST)]
Some = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MOST)]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it has the character NUL, which databases do not keep; leave it out")
    return text


def _in_range(time: datetime) -> datetime:
    if not 1 < time.year < 9999:
        raise ValueError("the year must be from 2 to 9998")
    return time


Text = Annotated[str, Field(max_length=1_000), AfterValidator(_without_nul)]
Time = Annotated[datetime, AfterValidator(_in_range)]
Texts = Annotated[tuple[Text, ...], Field(max_length=MOST)]
Likelihood = Annotated[float, Field(ge=0, le=1)]
Similarity = Annotated[float, Field(ge=-1, le=1)]
Attributes = Annotated[dict[Text, Likelihood], Field(max_length=200)]
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Conditions(_Strict):
    """Which sightings: see `Filter`."""

    cameras: Texts = ()
    not_cameras: Texts = ()
    after: Time | None = None
    before: Time | None = None
    tracks: Texts = ()
    attributes: Attributes = {}

    def filter(self) -> Filter:
        """The conditions for the gallery."""
        return Filter(
            cameras=self.cameras,
            not_cameras=self.not_cameras,
            after=self.after,
            before=self.before,
            tracks=self.tracks,
            attributes=self.attributes,
        )


class Listing(Conditions):
    """Which sightings are listed."""

    numbers: Numbers | None = None
    """Only these."""
    below: Number | None = None
    """Only those with a smaller number than this one."""
    last: Annotated[int, Field(ge=1)] | None = None
    """Only so many, those with the greatest numbers."""


class Question(Conditions):
    """Which sightings may be found, and how many."""

    top: Annotated[int, Field(ge=1, le=MOST)] = 20
    among: Literal["all", "known", "unknown"] = "all"
    identities: Numbers = ()
    """Only sightings of these."""
    purpose: Text = ""
    """What the search is for, which is recorded."""

    def whom(self) -> Among:
        """Whose sightings may be found."""
        return self.identities or self.among


class PictureQuestion(Question):
    """The same of pictures."""

    box: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    """Left, top, right and bottom of the person in the picture, in pixels; the whole picture without it."""
    seen_by: Text = ""
    """The camera that took the picture: who was elsewhere at the time is not found."""
    seen_at: Time | None = None

    def seen(self) -> Seen:
        """Where and when the pictures were taken."""
        return Seen("", self.seen_by, self.seen_at)


class VectorQuestion(Question):
    """The same of embeddings by the gallery's model, of one person."""

    embeddings: Annotated[
        tuple[Annotated[tuple[Coordinate, ...], Field(max_length=10_000)], ...], Field(min_length=1, max_length=64)
    ]


class New(_Strict):
    """What is known of a picture that is added: see `Seen`."""

    source: Text
    camera: Text = ""
    time: Time | None = None
    box: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    """The person in the picture, who is cut out."""
    track: Text = ""
    attributes: Attributes = {}

    def seen(self) -> Seen:
        """It for the gallery."""
        return Seen(self.source, self.camera, self.time, self.box, self.track, self.attributes)


class Said(_Strict):
    """Something that is said about who is who."""

    def body(self) -> Body:
        """The event for the ledger."""
        raise NotImplementedError


class SaidEnrol(Said):
    """A new identity of sightings."""

    kind: Literal["enrol"]
    sightings: Some
    name: Text = ""

    def body(self) -> Body:
        """See `Said`."""
        return Enrol(self.sightings, self.name)


class SaidOf(Said):
    """Sightings show an identity, or do not."""

    kind: Literal["confirm", "reject"]
    identity: Number
    sightings: Some

    def body(self) -> Body:
        """See `Said`."""
        return (Confirm if self.kind == "confirm" else Reject)(self.identity, self.sightings)


class SaidMerge(Said):
    """Other identities are this one."""

    kind: Literal["merge"]
    identity: Number
    others: Some

    def body(self) -> Body:
        """See `Said`."""
        return Merge(self.identity, self.others)


class SaidSplit(Said):
    """Some of an identity's sightings show somebody else."""

    kind: Literal["split"]
    identity: Number
    sightings: Some
    name: Text = ""

    def body(self) -> Body:
        """See `Said`."""
        return Split(self.identity, self.sightings, self.name)


class SaidRename(Said):
    """Another name."""

    kind: Literal["rename"]
    identity: Number
    name: Text

    def body(self) -> Body:
        """See `Said`."""
        return Rename(self.identity, self.name)


class SaidUndo(Said):
    """An event is taken back."""

    kind: Literal["undo"]
    event: Number

    def body(self) -> Body:
        """See `Said`."""
        return Undo(self.event)


AnyEvent = Annotated[SaidEnrol | SaidOf | SaidMerge | SaidSplit | SaidRename | SaidUndo, Field(discriminator="kind")]


class Whom(_Strict):
    """Who is forgotten."""

    identity: Number | None = None
    sightings: Numbers = ()


Form = TypeVar("Form", bound=BaseModel)


def in_form(kind: type[Form], text: str) -> Form:
    """A value that is sent as JSON in a field of a form.

    Raises:
        ValueError: It is something else; the message names what does not fit.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(mistakes(error.errors())) from None
