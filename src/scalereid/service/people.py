"""Sightings and identities: what is there, what is said about it, and what is forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from scalereid.gallery.events import Event
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.grouping import Grouping
from scalereid.gallery.identities import Identities, in_words, undone
from scalereid.gallery.sightings import Sighting
from scalereid.service.errors import AlreadyThereError, NotFoundError
from scalereid.service.pictures import read_pictures
from scalereid.service.questions import (
    AnyEvent,
    Conditions,
    Likelihood,
    Listing,
    New,
    Number,
    Similarity,
    Whom,
    in_form,
)
from scalereid.service.state import Acting, Served, embedder

router = APIRouter(tags=["people"])
_AT_ONCE = 500  # sightings that are read and sent together


@dataclass(frozen=True)
class Person:
    """An identity."""

    number: int
    name: str
    sightings: list[int]
    """Their numbers, ascending."""
    rejected: list[int]
    """Numbers of those that it was said not to show, ascending."""


@dataclass(frozen=True)
class Known:
    """A sighting, and whom it shows."""

    sighting: Sighting
    identity: int | None
    """As far as is known."""
    name: str


_KNOWN = TypeAdapter(Known)


@dataclass(frozen=True)
class Recorded:
    """An event of the ledger."""

    number: int
    at: datetime
    by: str
    kind: str
    said: str
    """It in words."""
    undone: bool


@router.get("/api/sightings/{number}")
def sighting(number: Number, gallery: Acting) -> Known:
    """A sighting, and whom it shows."""
    found = _known(gallery, [number])
    if not found:
        raise NotFoundError(f"No such sighting: {number}. It is not in the gallery, or was forgotten.")
    return found[0]


@router.get(
    "/api/sightings/{number}/picture", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}}
)
def picture(number: Number, gallery: Acting) -> Response:
    """Its picture, if it was kept."""
    content = gallery.ledger.crop(number)
    if content is None:
        raise NotFoundError(f"sighting {number} has no picture: it was not kept, or there is no such sighting")
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@router.post(
    "/api/sightings/list", response_class=StreamingResponse, responses={200: {"content": {"application/x-ndjson": {}}}}
)
def sightings(which: Listing, gallery: Acting) -> StreamingResponse:
    """All sightings that meet conditions, oldest number first: one JSON object a line, sent as they are read."""
    chosen = gallery.ledger.select(which.filter(), among=which.numbers, below=which.below, last=which.last)
    numbers = chosen.tolist()

    def lines() -> Iterator[bytes]:
        for start in range(0, len(numbers), _AT_ONCE):
            for each in _known(gallery, numbers[start : start + _AT_ONCE]):
                yield _KNOWN.dump_json(each) + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.post("/api/sightings", status_code=201)
def add(
    picture: Annotated[UploadFile, File(description="A picture.")],
    service: Served,
    gallery: Acting,
    seen: Annotated[str, Form(description="A New as JSON.")],
) -> Known:
    """Add a picture of one person; one that is there already is answered with 409."""
    known = in_form(New, seen)
    (image,) = read_pictures([picture], service.limits, known.box)
    embedder(gallery)  # without which nothing can be added
    added = gallery.add_crops([image], [known.seen()])
    if added.there:
        raise AlreadyThereError("this picture is in the gallery already")
    if added.errors:
        raise ValueError(*added.errors.values())
    (number,) = added.numbers
    return sighting(number, gallery)


@router.get("/api/identities")
def identities(gallery: Acting) -> list[Person]:
    """All identities."""
    found = gallery.identities
    return [_person(found, number) for number in sorted(found.by_number)]


@router.get("/api/identities/{number}")
def identity(number: Number, gallery: Acting) -> Person:
    """An identity."""
    found = gallery.identities
    if number not in found.by_number:
        raise NotFoundError(f"No such identity: {number}. It was merged, undone or forgotten, or never there.")
    return _person(found, number)


@router.get("/api/events")
def events(gallery: Acting, last: int = 100) -> list[Recorded]:
    """What was said about who is who, the newest last."""
    every = gallery.history.events()
    gone = set(undone(every))
    return [_recorded(event, every, event.number in gone) for event in every[-min(max(last, 1), 10_000) :]]


@router.post("/api/events", status_code=201)
def say(said: AnyEvent, gallery: Acting) -> Recorded:
    """Say something about who is who: an event, which can be undone."""
    return _recorded(gallery.history.record(said.body(), by=gallery.by), gallery.history.events())


@router.post("/api/undo", status_code=201)
def undo(gallery: Acting) -> Recorded:
    """Take back the last event that can be."""
    return _recorded(gallery.undo(), gallery.history.events())


@router.post("/api/forget")
def forget(whom: Whom, gallery: Acting) -> list[int]:
    """Delete an identity with all its sightings, or single sightings, for good; the numbers of those deleted."""
    if whom.identity is None and not whom.sightings:
        raise ValueError("name whom to forget: an identity, or sightings")
    return gallery.forget(identity=whom.identity, sightings=whom.sightings)


@router.post("/api/proposals")
def proposals(
    where: Conditions, gallery: Acting, probability: Likelihood | None = None, similarity: Similarity | None = None
) -> Grouping:
    """Propose who the sightings without an identity may show. Nothing is recorded."""
    return gallery.group(probability=probability, similarity=similarity, where=where.filter())


def _known(gallery: Gallery, numbers: list[int]) -> list[Known]:
    """Sightings in ascending order, as far as they are there."""
    found, identities = gallery.sightings(numbers), gallery.identities
    whom = {number: identities.of.get(number) for number in sorted(found)}
    names = {number: "" if of is None else identities.by_number[of].name for number, of in whom.items()}
    return [Known(found[number], of, names[number]) for number, of in whom.items()]


def _person(identities: Identities, number: int) -> Person:
    known = identities.by_number[number]
    return Person(number, known.name, sorted(known.sightings), sorted(identities.not_shown_on(number)))


def _recorded(event: Event, events: Sequence[Event], gone: bool = False) -> Recorded:
    return Recorded(event.number, event.at, event.by, event.body.kind, in_words(event, events), gone)
