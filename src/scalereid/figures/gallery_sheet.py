"""What was found in a gallery, as a contact sheet."""

from collections.abc import Callable, Sequence
from pathlib import Path

from scalereid.figures.found_files import check_sheet
from scalereid.figures.tiles import Picture, Tile, draw_sheet
from scalereid.files import write
from scalereid.gallery.answers import Answer, Match
from scalereid.gallery.sightings import Sighting

Crop = Callable[[int], bytes | None]
"""The picture of a sighting, by its number; None if it was not kept."""
PEOPLE, SIGHTINGS = 100, 12
"""Of several people, so many are on a sheet at most, each with so many sightings."""


def write_answer(queries: Sequence[Picture], answer: Answer, crop: Crop, file: Path) -> None:
    """Write the pictures of one person, and beside the first the sightings that were found.

    Raises:
        ValueError: See `check_sheet`.
    """
    rows = [[Tile(query, "query", ("query",), "query")] for query in queries]
    rows[0] += [_found(match, rank, crop) for rank, match in enumerate(answer.matches, start=1)]
    _write(rows, file, ranked=True)


def write_people(people: Sequence[tuple[str, Sequence[Sighting]]], crop: Crop, file: Path) -> None:
    """Write a line of pictures for each person: what they are called, and their sightings.

    Of one person these are all; of several, the first `SIGHTINGS` of each of the first `PEOPLE`, with their number.

    Raises:
        ValueError: See `check_sheet`.
    """
    rows = []
    for name, sightings in people[:PEOPLE]:
        drawn = sightings if len(people) == 1 else sightings[:SIGHTINGS]
        first, *others = [(_picture(one, crop), f"sighting {one.number}") for one in drawn]
        more = (f"{len(drawn)} of {len(sightings):,} shown",) if len(drawn) < len(sightings) else ()
        rows.append([Tile(first[0], "query", (name, first[1], *more), f"{name}: {first[1]}")])
        rows[-1] += [Tile(picture, "found", (caption,), f"{name}: {caption}") for picture, caption in others]
    _write(rows, file, ranked=False)


def _write(rows: Sequence[Sequence[Tile]], file: Path, *, ranked: bool) -> None:
    check_sheet(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, draw_sheet(rows, ranked=ranked).save)


def _found(match: Match, rank: int, crop: Crop) -> Tile:
    sighting = match.sighting
    probability = "" if match.probability is None else f" · {match.probability:.0%}"
    whom = "" if match.identity is None else f"identity {match.identity} {match.name}".strip()
    seen = f"camera {sighting.seen.camera}" if sighting.seen.camera else ""
    caption = (f"{rank} · {match.similarity:.2f}{probability}", f"sighting {sighting.number}", seen, whom)
    return Tile(_picture(sighting, crop), "found", caption, f"rank {rank}: sighting {sighting.number}")


def _picture(sighting: Sighting, crop: Crop) -> Picture:
    return crop(sighting.number) or sighting.seen.source
