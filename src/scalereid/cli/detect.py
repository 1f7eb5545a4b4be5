"""scalereid detect: the people in pictures, as a table that a gallery takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from tyro.conf import Positional, arg

from scalereid.cli.detector import DetectorOptions
from scalereid.cli.errors import UsageError
from scalereid.cli.options import Flat, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.writing import writing
from scalereid.files import file_name
from scalereid.wording import counted, named_reason, printable

if TYPE_CHECKING:
    from scalereid.detection.detector import Detector
    from scalereid.gallery.naming import NameRule
    from scalereid.gallery.sightings import Seen

_SHOWN = 20  # people in the terminal; a table has all of them
_LONGEST = 150  # bytes of a drawing's name: of 255 that file systems allow, some are for the folder it is written in


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    r"""What the names of pictures tell, and where the people are written."""

    out: Annotated[Path | None, otherwise("none")] = None
    """A .csv or .jsonl file for a table of the people, which `gallery add` takes."""
    draw: Annotated[Path | None, otherwise("none")] = None
    """A new folder for copies of the pictures with boxes around the people."""
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
    from scalereid.gallery.listing import check_listing, check_names, write_listed_sightings
    from scalereid.gallery.naming import NameRule
    from scalereid.inference.items import common_folder, find_distinct

    if not images:
        raise UsageError("Name pictures: a folder, a quoted pattern, or files")
    rule = NameRule(options.camera_from, options.time_from)
    if options.out:
        check_listing(options.out)
    with writing(options.out, folder=options.draw):
        files = [item.path for item in find_distinct(*images, frames=True)]
        if options.out:
            check_names(files)
        folder = common_folder(files)
        finder = detector.open(detector.detector)
        output.say(f"{counted(len(files), 'picture')}; {finder.name}, layout {finder.layout.name}")
        found = _Found()
        with output.progress.stage("finding people", len(files)) as advance:
            drawings = _drawings(file.removeprefix(folder) for file in files)
            for file, drawing in zip(files, drawings, strict=True):
                found.add(file, finder, rule, options.draw and options.draw / drawing)
                advance(1)
        if options.out:
            write_listed_sightings(options.out, found.seen, found.scores)
    _tell(found, options, output, folder)
    output.result({
        "detector": finder.name, "layout": finder.layout.name, "pictures": len(files),
        "people": [
            {"path": one.source, "box": one.box, "score": score}
            for one, score in zip(found.seen, found.scores, strict=True)
        ],
        "errors": found.errors, "out": options.out and str(options.out),
        "drawn": options.draw and str(options.draw),
    })  # fmt: skip
    if found.errors:
        raise SystemExit(1)


@dataclass
class _Found:
    """The people in pictures, each with the detector's score; and what is wrong with pictures."""

    pictures: int = 0
    seen: "list[Seen]" = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, file: str, finder: "Detector", rule: "NameRule", drawing: Path | None) -> None:
        """Find the people in a picture, and draw their boxes."""
        from scalereid.data.images import load_image
        from scalereid.figures.scenes import write_people

        try:
            picture, known = load_image(Path(file)), rule.read(file)
        except (OSError, ValueError) as error:
            self.errors[file] = named_reason(file, str(error))
            return
        people = finder.people(picture)
        self.pictures += 1
        self.seen += [replace(known, box=one.box) for one in people]
        self.scores += [one.score for one in people]
        if drawing:
            write_people(picture, people, drawing)


def _drawings(names: Iterable[str]) -> Iterator[str]:
    """The name of a file for each picture's drawing, no two alike: of a long path its end, which tells more."""
    taken = set[str]()
    for name in names:
        stem = file_name(name).removesuffix(".jpg").encode()[-_LONGEST:].decode(errors="ignore").lstrip("-.")
        numbered = chain([stem], (f"{stem}-{number}" for number in count(2)))
        taken.add(free := next(each for each in numbered if each not in taken))
        yield f"{free}.jpg"


def _tell(found: _Found, options: SceneOptions, output: Output, folder: str) -> None:
    for why in found.errors.values():
        output.say(f"left out: {why}")
    output.say(f"{counted(len(found.seen), 'person', 'people')} in {counted(found.pictures, 'picture')}")
    if options.out:
        following = f". Next:  {program()} gallery add GALLERY {quote(str(options.out))}" if found.seen else ""
        output.say(f"written: {options.out}{following}")
    elif found.seen:
        output.show(_table(found.seen, found.scores, folder))
    if options.draw:
        output.say(f"Look at it: {options.draw}")


def _table(seen: "list[Seen]", scores: list[float], folder: str) -> Table:
    """A line for each person; names are given from the folder that all pictures are in."""
    more = f"and {len(seen) - _SHOWN:,} more; --out FILE.csv writes all" if len(seen) > _SHOWN else None
    table = Table("picture", "left", "top", "right", "bottom", "score", caption=more)
    for one, score in zip(seen[:_SHOWN], scores, strict=False):
        table.add_row(
            printable(one.source.removeprefix(folder)), *(f"{edge:.0f}" for edge in one.box or ()), f"{score:.2f}"
        )
    return table
