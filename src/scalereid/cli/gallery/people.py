"""scalereid gallery enrol, confirm, reject, merge, split, rename, undo, forget, show, history, export: who is who."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import DisallowNone, Positional, arg

from scalereid.arguments import check_whole
from scalereid.cli.errors import UsageError
from scalereid.cli.gallery.options import (
    By,
    GalleryPlace,
    IdentityNumber,
    Name,
    SheetFile,
    SightingNumbers,
    some,
    upkeep,
)
from scalereid.cli.gallery.tables import events_table, identities_table, named, sighting_document, sightings_table, when
from scalereid.cli.options import Flat, Switch, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.writing import writing
from scalereid.wording import counted

if TYPE_CHECKING:
    from scalereid.gallery.events import Event
    from scalereid.gallery.upkeep import Upkeep

OtherIdentities = Annotated[
    Positional[tuple[int, ...]],
    arg(metavar="OTHER …", help="Numbers of identities.", help_behavior_hint="(at least one)"),
]


def enrol(
    gallery: GalleryPlace, sightings: SightingNumbers, output: Flat[Output], name: Name = "", by: By = ""
) -> None:
    """Make a new identity of sightings."""
    with upkeep(gallery, by) as at:
        number = at.enrol(some(sightings), name)
        _said(at, at.history.events()[-1], number, gallery, output)


def confirm(
    gallery: GalleryPlace, identity: IdentityNumber, sightings: SightingNumbers, output: Flat[Output], by: By = ""
) -> None:
    """Say that sightings show an identity."""
    with upkeep(gallery, by) as at:
        _said(at, at.confirm(identity, some(sightings)), identity, gallery, output)


def reject(
    gallery: GalleryPlace, identity: IdentityNumber, sightings: SightingNumbers, output: Flat[Output], by: By = ""
) -> None:
    """Say that sightings do not show an identity: not this person."""
    with upkeep(gallery, by) as at:
        _said(at, at.reject(identity, some(sightings)), identity, gallery, output)


def merge(
    gallery: GalleryPlace, identity: IdentityNumber, others: OtherIdentities, output: Flat[Output], by: By = ""
) -> None:
    """Say that other identities are this one."""
    if not others:
        raise UsageError("Name at least one other identity, by its number; `scalereid gallery show` lists them")
    with upkeep(gallery, by) as at:
        _said(at, at.merge(identity, others), identity, gallery, output)


def split(
    gallery: GalleryPlace,
    identity: IdentityNumber,
    sightings: SightingNumbers,
    output: Flat[Output],
    name: Name = "",
    by: By = "",
) -> None:
    """Move some of an identity's sightings to a new identity."""
    with upkeep(gallery, by) as at:
        number = at.split(identity, some(sightings), name)
        _said(at, at.history.events()[-1], number, gallery, output)


def rename(
    gallery: GalleryPlace,
    identity: IdentityNumber,
    name: Annotated[Positional[str], arg(metavar="NAME", help="The new name.")],
    output: Flat[Output],
    by: By = "",
) -> None:
    """Give an identity another name."""
    with upkeep(gallery, by) as at:
        _said(at, at.rename(identity, name), identity, gallery, output)


def undo(
    gallery: GalleryPlace,
    output: Flat[Output],
    event: Annotated[
        int | None, DisallowNone, arg(help="The number of an event."), otherwise("the last that can be")
    ] = None,
    by: By = "",
) -> None:
    """Take back what was said. What follows is exactly what was before."""
    with upkeep(gallery, by) as at:
        _said(at, at.undo(event), None, gallery, output)


@dataclass(frozen=True, kw_only=True)
class Whom:
    """What is deleted."""

    identity: Annotated[int | None, otherwise("none")] = None
    """The number of an identity: all its sightings and names."""
    sightings: Annotated[tuple[int, ...], otherwise("none")] = ()
    """Numbers of single sightings."""
    overwrite: Switch = False
    """Forget nobody, but overwrite what was forgotten and could not be overwritten
    then."""


def forget(gallery: GalleryPlace, whom: Flat[Whom], output: Flat[Output], by: By = "") -> None:
    """Delete a person, or single sightings: pictures, embeddings, names. What is
    deleted is overwritten, and cannot be had back."""
    is_named = whom.identity is not None or bool(whom.sightings)
    if is_named == whom.overwrite:
        raise UsageError("Name what to forget: --identity NUMBER, or --sightings NUMBER …; or give --overwrite alone")
    with upkeep(gallery, by) as at:
        if whom.overwrite:
            at.overwrite()
            forgotten, said = list[int](), "overwritten: all that was deleted"
        else:
            forgotten = at.forget(identity=whom.identity, sightings=whom.sightings)
            whose = f"identity {whom.identity}, " if whom.identity is not None else ""
            said = f"forgotten: {whose}{counted(len(forgotten), 'sighting')}"
    output.say(said)
    output.result({"identity": whom.identity, "forgotten": forgotten})


def show(
    gallery: GalleryPlace,
    output: Flat[Output],
    identity: Annotated[
        int | None, DisallowNone, arg(help="The number of an identity."), otherwise("all, as a list")
    ] = None,
    picture: SheetFile = None,
) -> None:
    """List the identities, or the sightings of one."""
    from scalereid.figures.found_files import check_sheet
    from scalereid.figures.gallery_sheet import PEOPLE, write_people

    if picture:
        check_sheet(picture)
    with writing(picture), upkeep(gallery) as at:
        identities = at.identities
        shown = sorted(identities.by_number) if identity is None else [identity]
        people = [
            (
                named(number, identities.get(number).name),
                list(at.sightings(sorted(identities.get(number).sightings)).values()),
            )
            for number in shown
        ]
        output.show(identities_table(identities) if identity is None else sightings_table(people[0][1]))
        if picture and any(sightings for _, sightings in people):
            drawn = [(f"identity {name}", sightings) for name, sightings in people if sightings]
            write_people(drawn, at.ledger.crop, picture)
            output.say(f"Look at it: {picture}{f' (the first {PEOPLE} identities)' if len(drawn) > PEOPLE else ''}")
    output.result({
        "identities": [
            {"identity": number, "name": identities.by_number[number].name}
            | {"sightings": [sighting_document(one) for one in sightings]}
            for number, (_, sightings) in zip(shown, people, strict=True)
        ],
        "picture": picture and str(picture),
    })  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HistoryOptions:
    """What is listed."""

    last: int = 20
    """Number of events or searches to list."""
    searches: Switch = False
    """List the searches instead."""


def history(gallery: GalleryPlace, options: Flat[HistoryOptions], output: Flat[Output]) -> None:
    """List what was said about who is who, the newest last; or who searched what,
    when and why."""
    from rich.table import Table

    from scalereid.gallery.audit import searches as all_searches
    from scalereid.gallery.identities import in_words, undone

    check_whole("last", options.last, 1)
    with upkeep(gallery) as at:
        events = at.history.events()
        gone = set(undone(events))
        made = all_searches(at.ledger.engine)[-options.last :] if options.searches else []
    if options.searches:
        table = Table("at", "by", "purpose", "what")
        for each in made:
            table.add_row(when(each.at), each.by, each.purpose, ", ".join(map(_condition, each.what.items())))
        output.show(table)
    else:
        output.show(events_table(events, gone, options.last))
    output.result({
        "events": [
            {"event": event.number, "at": event.at.isoformat(), "by": event.by, "said": in_words(event, events)}
            | {"undone": event.number in gone}
            for event in events[-options.last :]
        ],
        "searches": [{"at": one.at.isoformat(), "by": one.by, "purpose": one.purpose, "what": one.what} for one in made],
    })  # fmt: skip


def export(
    gallery: GalleryPlace,
    identity: IdentityNumber,
    out: Annotated[Path, arg(help="A new folder.")],
    output: Flat[Output],
) -> None:
    """Write all that is known of an identity into a new folder: its pictures, and a
    JSON file."""
    with writing(folder=out), upkeep(gallery) as at:
        number = at.export_identity(identity, out)
    output.say(f"{counted(number, 'sighting')} of identity {identity}: {out / 'identity.json'}")
    output.result({"identity": identity, "sightings": number, "folder": str(out)})


def _said(at: "Upkeep", event: "Event", identity: int | None, gallery: str, output: Output) -> None:
    """Show an event, and the identity that it is about as it is now."""
    from scalereid.gallery.identities import in_words

    said = in_words(event, at.history.events())
    now: dict[str, Any] = {"identity": None, "name": "", "sightings": []}
    output.say(f"event {event.number}: {said}")
    if identity is not None:
        own = at.identities.get(identity)
        now = {"identity": identity, "name": own.name, "sightings": sorted(own.sightings)}
        output.say(f"identity {named(identity, own.name)} has {counted(len(own.sightings), 'sighting')} now")
        output.say(f"Take it back:  {program()} gallery undo {gallery}")
    output.result({"event": event.number, "said": said, **now})


def _condition(item: tuple[str, Any]) -> str:
    name, value = item
    return f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
