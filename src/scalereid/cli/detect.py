"""scalereid detect: the people in pictures, as a table that a gallery takes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from tyro.conf import Positional, arg

from scalereid.cli.detector import DetectorOptions
from scalereid.cli.errors import UsageError
from scalereid.cli.options import Flat, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.writing import writing
from scalereid.wording import counted, printable

if TYPE_CHECKING:
    from scalereid.gallery.sightings import Seen

_SHOWN = 20  # people in the terminal; a table has all of them


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    r"""What the names of pictures tell, and where the people are written."""

    out: Annotated[Path | None, otherwise("none")] = None
    """A .csv or .jsonl file for a table of the people, which `gallery add` takes."""
    camera_from: Annotated[str, otherwise("unknown")] = ""
    r"""Where a path has the camera, for the table: a regular expression with one group, cam(\d+)"""
    time_from: Annotated[
        str, otherwise("unknown"), arg(help="Where a name has the time, in UTC: a format such as %Y%m%d_%H%M%S")
    ] = ""


def detect(
    images: Annotated[
        Positional[tuple[str, ...]],
        arg(
            metavar="IMAGES …",
            help="A folder with all folders below it, a quoted pattern, or files.",
            help_behavior_hint="(at least one)",
        ),
    ],
    options: Flat[SceneOptions],
    detector: Flat[DetectorOptions],
    output: Flat[Output],
) -> None:
    """Find the people in pictures. The table of them is what `gallery add` takes.
    Exits with 1 if a picture could not be read."""
    from scalereid.gallery.listing import check_listing, write_listed_sightings
    from scalereid.gallery.naming import NameRule
    from scalereid.inference.items import find_items

    if not images:
        raise UsageError("Name pictures: a folder, a quoted pattern, or files")
    rule = NameRule(options.camera_from, options.time_from)
    if options.out:
        check_listing(options.out)
    with writing(options.out):
        files = [item.path for each in images for item in find_items(each)]
        finder = detector.open(detector.detector)
        output.say(f"{counted(len(files), 'picture')}; {finder.name}, layout {finder.layout.name}")
        seen, scores, errors = [], [], {}
        with output.progress.stage("finding people", len(files)) as advance:
            for file in files:
                try:
                    known, found = rule.read(file), finder.people(file)
                    seen += [replace(known, box=one.box) for one in found]
                    scores += [one.score for one in found]
                except (OSError, ValueError) as error:
                    errors[file] = str(error)
                advance(1)
        if options.out:
            write_listed_sightings(options.out, seen, scores)
    for why in errors.values():
        output.say(f"left out: {why}")
    output.say(f"{counted(len(seen), 'person', 'people')} in {counted(len(files) - len(errors), 'picture')}")
    if options.out:
        following = f". Next:  {program()} gallery add GALLERY {options.out}" if seen else ""
        output.say(f"written: {options.out}{following}")
    else:
        output.show(_table(seen, scores))
    output.result({
        "detector": finder.name, "layout": finder.layout.name, "pictures": len(files),
        "people": [
            {"path": one.source, "box": one.box, "score": score} for one, score in zip(seen, scores, strict=True)
        ],
        "errors": errors, "out": options.out and str(options.out),
    })  # fmt: skip
    if errors:
        raise SystemExit(1)


def _table(seen: "list[Seen]", scores: list[float]) -> Table:
    """A line for each person; names are given from the folder that all pictures are in."""
    from scalereid.figures.found_files import common_folder

    folder = common_folder([one.source for one in seen])
    more = f"and {len(seen) - _SHOWN:,} more; --out FILE.csv writes all" if len(seen) > _SHOWN else None
    table = Table("picture", "left", "top", "right", "bottom", "score", caption=more)
    for one, score in zip(seen[:_SHOWN], scores, strict=False):
        table.add_row(
            printable(one.source.removeprefix(folder)), *(f"{edge:.0f}" for edge in one.box or ()), f"{score:.2f}"
        )
    return table
