"""scalereid gallery settings, calibrate, group: what similarities mean, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Column, Table

from scalereid.arguments import check_whole
from scalereid.cli.errors import UsageError
from scalereid.cli.gallery.options import By, FilterOptions, GalleryCompute, GalleryPlace, SheetFile, at_work
from scalereid.cli.gallery.tables import named
from scalereid.cli.options import Flat, Switch, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.writing import writing
from scalereid.wording import counted

if TYPE_CHECKING:
    from scalereid.gallery.gallery import Gallery
    from scalereid.gallery.grouping import Proposal


@dataclass(frozen=True, kw_only=True)
class NewSettings:
    """What is changed; the rest stays."""

    likely: Annotated[float | None, otherwise("as it is")] = None
    """Probability from which on an answer is likely."""
    possible: Annotated[float | None, otherwise("as it is")] = None
    """Probability from which on an answer is possible."""
    calibration: Annotated[Path | None, otherwise("as it is")] = None
    """A calibration.json of the gallery's model, for probabilities."""
    overlap: Annotated[tuple[str, ...] | None, otherwise("as they are")] = None
    """Pairs of cameras that see the same place: hall,stairs; without a value none do."""
    apart: Annotated[float | None, otherwise("as it is")] = None
    """Seconds within which nobody is seen by two other cameras."""
    model: Annotated[str | None, otherwise("as it is")] = None
    """Where the same model is now. For another model: gallery reembed."""


def settings(gallery: GalleryPlace, new: Flat[NewSettings], output: Flat[Output]) -> None:
    """Show or change the settings of a gallery."""
    from scalereid.retrieval.calibration import Calibration

    with at_work(gallery, GalleryCompute(), new.model) as at:
        if new.model:
            at.embedder()  # which compares
            at.ledger.set(source=str(Path(new.model).absolute()))
        if new.likely is not None or new.possible is not None:
            now = at.thresholds
            likely, possible = (
                then if given is None else given
                for given, then in ((new.likely, now.likely), (new.possible, now.possible))
            )
            at.thresholds = replace(now, likely=likely, possible=possible)
        if new.calibration:
            at.calibration = Calibration.load(new.calibration)
        if new.overlap is not None:
            at.constraints = replace(at.constraints, overlapping=tuple(map(_pair, new.overlap)))
        if new.apart is not None:
            at.constraints = replace(at.constraints, seconds=new.apart)
        thresholds, constraints, calibration = at.thresholds, at.constraints, at.calibration
        source = at.ledger.settings()["source"]
    meaning = f"calibrated on {calibration.dataset}" if calibration else "not calibrated: no probabilities"
    both = ", ".join(" and ".join(pair) for pair in constraints.overlapping) or "none"
    output.say(
        f"the model is at {source}, {meaning}\n"
        f"likely from {thresholds.likely:.0%} on, possible from {thresholds.possible:.0%} on\n"
        f"cameras that see the same place: {both}; nobody is seen by two others within {constraints.seconds:g} s"
    )
    output.result({
        "likely": thresholds.likely, "possible": thresholds.possible, "model": source,
        "calibration": calibration and calibration.dataset, "overlap": constraints.overlapping,
        "apart": constraints.seconds,
    })  # fmt: skip


def calibrate(gallery: GalleryPlace, output: Flat[Output]) -> None:
    """Find out what similarities mean among the people whom you have confirmed, and
    answer by that from now on. It takes 20 of them."""
    with at_work(gallery, GalleryCompute()) as at:
        before, found = at.calibration, at.calibrate()
        thresholds = at.thresholds
    output.say(
        f"calibrated on {found.dataset}: {counted(found.same_pairs, 'pair')} of one person, {found.different_pairs:,} of two"
    )
    if before:
        output.say(f"before: {before.dataset}")
    least = {}
    for name, probability in vars(thresholds).items():
        try:
            least[name] = 1 - found.distance_at(probability)
            output.say(f"{name}: similarities from {least[name]:.3f} on")
        except ValueError as error:
            output.say(f"{name}: {error}")
    output.result({
        "calibration": found.dataset, "same_pairs": found.same_pairs, "different_pairs": found.different_pairs,
        "prior": found.prior, "similarities": least,
    })  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GroupOptions:
    """What is joined, and what becomes of it."""

    probability: Annotated[float | None, otherwise("the gallery's, for likely answers")] = None
    """The least probability at which sightings are joined."""
    similarity: Annotated[float | None, otherwise("none")] = None
    """The least mean similarity at which they are, in place of a probability."""
    top: int = 20
    """Number of proposals to show, those with most sightings first."""
    picture: SheetFile = None
    accept: Switch = False
    """Record the proposals that are shown: each is an event, and can be undone."""
    by: By = ""


def group(gallery: GalleryPlace, options: Flat[GroupOptions], where: Flat[FilterOptions], output: Flat[Output]) -> None:
    """Propose which unknown sightings show the same person: a known one, or a new
    one. Nothing is recorded, unless you accept it."""
    check_whole("top", options.top, 1)
    if options.picture:
        from scalereid.figures.found_files import check_sheet

        check_sheet(options.picture)
    with writing(options.picture), at_work(gallery, GalleryCompute(), by=options.by) as at:
        found = at.group(probability=options.probability, similarity=options.similarity, where=where.filter())
        shown = found.proposals[: options.top]
        output.show(_table(shown))
        basis = f"calibrated on {found.calibration.dataset}" if found.calibration else "no probabilities"
        output.say(
            f"{counted(len(found.proposals), 'proposal')} of {sum(len(each.sightings) for each in found.proposals):,} "
            f"sightings, {len(found.alone):,} others are like no other; joined from a mean similarity of "
            f"{found.similarity:.3f} on, {basis}"
        )
        if options.picture and shown:
            drawn = _draw(at, shown, options.picture)
            output.say(f"Look at it: {options.picture}{drawn}")
        events = [at.accept(proposal).number for proposal in shown] if options.accept else []
    if events:
        output.say(
            f"recorded: events {events[0]} to {events[-1]}. Take one back:  {program()} gallery undo {gallery} --event NUMBER"
        )
    elif shown:
        best = shown[0]
        how = "enrol" if best.identity is None else "confirm"
        numbers = [*([] if best.identity is None else [best.identity]), *best.sightings[:6]]
        more = " …" if len(best.sightings) > 6 else ""
        output.say(
            f"Accept one:  {program()} gallery {how} {gallery} {' '.join(map(str, numbers))}{more}\n"
            "Accept all that are shown:  --accept"
        )
    output.result({
        "proposals": [
            {"sightings": each.sightings, "identity": each.identity, "name": each.name, "tracks": each.tracks}
            | {"similarity": each.similarity, "probability": each.probability}
            for each in shown
        ],
        "all_proposals": len(found.proposals), "alone": len(found.alone), "similarity": found.similarity,
        "calibration": found.calibration and found.calibration.dataset,
        "relative_to_cameras": found.relative_to_cameras, "events": events,
        "picture": options.picture and str(options.picture),
    })  # fmt: skip


def _draw(gallery: "Gallery", proposals: "Sequence[Proposal]", file: Path) -> str:
    """Draw the proposals' sightings; gives a remark where there are too many proposals."""
    from scalereid.figures.gallery_sheet import PEOPLE, write_people

    people = [
        (f"proposal {number}", list(gallery.sightings(each.sightings).values()))
        for number, each in enumerate(proposals[:PEOPLE], start=1)
    ]
    write_people(people, gallery.ledger.crop, file)
    return f" (the first {PEOPLE} proposals)" if len(proposals) > PEOPLE else ""


def _table(proposals: "Sequence[Proposal]") -> Table:
    table = Table("proposal", "identity", Column("sightings", justify="right"), "similarity")
    with_probability = any(each.probability is not None for each in proposals)
    if with_probability:
        table.add_column("probability", justify="right")
    table.add_column("numbers")
    for number, each in enumerate(proposals, start=1):
        probability = [f"{each.probability:.1%}" if each.probability is not None else ""] if with_probability else []
        shown = " ".join(map(str, each.sightings[:6])) + (" …" if len(each.sightings) > 6 else "")
        whom = "new" if each.identity is None else named(each.identity, each.name)
        table.add_row(str(number), whom, f"{len(each.sightings):,}", f"{each.similarity:.3f}", *probability, shown)
    return table


def _pair(word: str) -> tuple[str, str]:
    names = word.split(",")
    if len(names) != 2:
        raise UsageError(f"--overlap has {word!r}; expected two cameras with a comma between them: hall,stairs")
    return names[0], names[1]
