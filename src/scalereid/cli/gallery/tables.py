"""What a gallery's commands show: tables for a person, JSON values for a program."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from scalereid.wording import counted

if TYPE_CHECKING:
    from scalereid.gallery.answers import Answer
    from scalereid.gallery.events import Event
    from scalereid.gallery.identities import Identities
    from scalereid.gallery.sightings import Sighting


def answer_table(answer: "Answer") -> Table:
    """A line for each sighting that was found."""
    names = _Names([match.sighting for match in answer.matches])
    table = Table("rank", Column("sighting", justify="right"), *names.headings, "similarity", caption=names.caption)
    with_probability = any(match.probability is not None for match in answer.matches)
    if with_probability:
        table.add_column("probability", justify="right")
    for heading in ("identity", "file"):
        table.add_column(heading)
    for rank, match in enumerate(answer.matches, start=1):
        cells = [str(rank), str(match.sighting.number), *names.of(match.sighting), f"{match.similarity:.3f}"]
        if with_probability:
            cells.append("" if match.probability is None else f"{match.probability:.1%}")
        table.add_row(*cells, named(match.identity, match.name), names.file(match.sighting))
    return table


def verdict(answer: "Answer") -> str:
    """Who it is, in a sentence."""
    if not answer.matches:
        return "Nothing was found: no sighting meets the conditions."
    if not answer.candidates:
        return "Nobody known: none of these has an identity."
    lines = []
    for candidate in answer.candidates[:3]:
        of = named(candidate.identity, candidate.name)
        where = f"by {counted(len(candidate.sightings), 'sighting')} of these"
        if candidate.probability is None:
            lines.append(f"Identity {of}, similarity {candidate.similarity:.3f}, {where}")
        else:
            lines.append(f"{candidate.verdict.capitalize()}: identity {of}, {candidate.probability:.1%}, {where}")
    return "\n".join(lines)


def answer_document(answer: "Answer") -> dict[str, Any]:
    """An answer as JSON values."""
    return {
        "verdict": answer.verdict,
        "candidates": [asdict(candidate) for candidate in answer.candidates],
        "matches": [
            sighting_document(match.sighting)
            | {"similarity": match.similarity, "probability": match.probability}
            | {"identity": match.identity, "name": match.name}
            for match in answer.matches
        ],
    }


def sighting_document(sighting: "Sighting") -> dict[str, Any]:
    """A sighting as JSON values."""
    seen = sighting.seen
    return {
        "sighting": sighting.number, "source": seen.source, "camera": seen.camera,
        "time": seen.time and seen.time.isoformat(), "track": seen.track,
    }  # fmt: skip


def sightings_table(sightings: Sequence["Sighting"]) -> Table:
    """A line for each sighting."""
    names = _Names(sightings)
    table = Table(Column("sighting", justify="right"), *names.headings, "file", caption=names.caption)
    for sighting in sightings:
        table.add_row(str(sighting.number), *names.of(sighting), names.file(sighting))
    return table


class _Names:
    """Columns for what is known of some sightings; files are named from the folder that all of them are in."""

    def __init__(self, sightings: Sequence["Sighting"]) -> None:
        from scalereid.inference.items import common_folder

        every = [sighting.seen for sighting in sightings]
        shown = {
            "camera": any(s.camera for s in every),
            "time": any(s.time for s in every),
            "track": any(s.track for s in every),
        }
        self.headings = [heading for heading, there in shown.items() if there]
        self.folder = common_folder([seen.source for seen in every])
        self.caption = f"files from {self.folder}" if self.folder else None

    def of(self, sighting: "Sighting") -> list[str]:
        """Its cells."""
        seen = sighting.seen
        cells = {"camera": seen.camera, "time": when(seen.time), "track": seen.track}
        return [cells[heading] for heading in self.headings]

    def file(self, sighting: "Sighting") -> str:
        """Its file."""
        return sighting.seen.source.removeprefix(self.folder)


def identities_table(identities: "Identities") -> Table:
    """A line for each identity."""
    table = Table(Column("identity", justify="right"), "name", Column("sightings", justify="right"))
    for number, identity in sorted(identities.by_number.items()):
        table.add_row(str(number), identity.name, f"{len(identity.sightings):,}")
    return table


def events_table(events: Sequence["Event"], undone: set[int], last: int) -> Table:
    """A line for each of the last events."""
    from scalereid.gallery.identities import in_words

    table = Table(Column("event", justify="right"), "at", "by", "what")
    for event in events[-last:]:
        said = in_words(event, events) + (" (undone)" if event.number in undone else "")
        table.add_row(str(event.number), when(event.at), event.by, said)
    return table


def named(identity: int | None, name: str) -> str:
    """An identity by number and name."""
    return "" if identity is None else f"{identity} {name}".strip()


def when(time: datetime | None) -> str:
    """A time in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else ""
