"""scalereid gallery create, add, search, similar, reembed: what needs the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from PIL import Image
from tyro.conf import DisallowNone, Positional, arg

from scalereid.cli.detector import OptionalDetector
from scalereid.cli.errors import UsageError
from scalereid.cli.gallery.options import (
    By,
    GalleryCompute,
    GalleryPlace,
    MovedModel,
    NewModel,
    PeopleOptions,
    SheetFile,
    at_work,
    attribute_model,
    moment,
    user,
)
from scalereid.cli.gallery.scenes import BoxOption, parts
from scalereid.cli.gallery.tables import answer_document, answer_table, verdict
from scalereid.cli.models import CalibrationFile, PixelOptions, find_calibration
from scalereid.cli.options import Flat, Switch, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.cli.writing import writing
from scalereid.data.images import as_jpeg
from scalereid.wording import counted, named_reason

if TYPE_CHECKING:
    from scalereid.gallery.answers import Answer
    from scalereid.gallery.gallery import Gallery
    from scalereid.gallery.sightings import Seen

Images = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="IMAGES …",
        help="A folder with all folders below it, a quoted pattern, or files; each of one person.",
        help_behavior_hint="(at least one)",
    ),
]


@dataclass(frozen=True, kw_only=True)
class NameOptions:
    r"""What the names of files tell, and what is added to that."""

    camera_from: Annotated[str, otherwise("unknown")] = ""
    r"""Where a path has the camera: a regular expression with one group, cam(\d+)"""
    time_from: Annotated[
        str, otherwise("unknown"), arg(help="Where a name has the time, in UTC: a format such as %Y%m%d_%H%M%S")
    ] = ""
    track_from: Annotated[str, otherwise("unknown")] = ""
    """Where a path has the track: a regular expression with one group."""
    attributes: Annotated[
        str | None,
        DisallowNone,
        otherwise("none"),
        arg(metavar="MODEL", help="A run or weights trained with attributes: adds likelihoods, to filter by."),
    ] = None
    no_crops: Switch = False
    """Keep no pictures: they cannot be shown, added later, or
    embedded by another model."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What is shown."""

    top: int = 20
    """Number of sightings to find for each picture."""
    picture: SheetFile = None
    purpose: Annotated[str, otherwise("none")] = ""
    """What the search is for, which is recorded."""
    by: By = ""


@dataclass(frozen=True, kw_only=True)
class QueryOptions(SearchOptions):
    """What is shown, and what is known of the pictures."""

    seen_by: Annotated[str, otherwise("unknown")] = ""
    """The camera that took the pictures: who was elsewhere at the time is not found."""
    seen_at: Annotated[str, otherwise("unknown")] = ""
    """When they were taken: 2026-11-01T13:05:20, in UTC."""
    box: BoxOption = None

    def seen(self) -> "Seen":
        """Where and when the pictures were taken."""
        from scalereid.gallery.sightings import Seen

        return Seen("", self.seen_by, moment("--seen-at", self.seen_at))


def create(
    gallery: GalleryPlace,
    model: NewModel,
    compute: Flat[GalleryCompute],
    pixels: Flat[PixelOptions],
    output: Flat[Output],
    calibration: Annotated[CalibrationFile, DisallowNone] = None,
    index: Annotated[str, arg(help="What searches; see Engines in the documentation.")] = "exact",
) -> None:
    """Make a new gallery for the embeddings of one model. With a calibration of it,
    answers have probabilities."""
    from scalereid.gallery.gallery import Gallery
    from scalereid.inference.metadata import ModelMetadata
    from scalereid.retrieval.calibration import Calibration

    given = Calibration.load(calibration) if calibration else None
    with Gallery.create(
        gallery, model, calibration=given, index=index, options=compute.options(pixels), by=user("")
    ) as made:
        metadata = ModelMetadata.from_json(made.model.metadata)
        if not given and (found := find_calibration(model, None, metadata, "cosine", output)):
            made.calibration = found
        known, name = made.calibration, made.ledger.name
    meaning = (
        f"probabilities as calibrated on {known.dataset}" if known else "no probabilities: the model is not calibrated"
    )
    output.say(f"{name}: {metadata.model}, {meaning}. Next:  {program()} gallery add {gallery} IMAGES")
    output.result({
        "gallery": str(gallery), "database": name, "model": metadata.model, "model_fingerprint": metadata.fingerprint,
        "calibration": known and known.dataset, "index": index,
    })  # fmt: skip


def add(
    gallery: GalleryPlace,
    images: Images,
    names: Flat[NameOptions],
    compute: Flat[GalleryCompute],
    output: Flat[Output],
    model: MovedModel = None,
) -> None:
    """Add pictures of people. What is there is skipped, so that a call that was
    stopped can be made again. A table (.csv, .jsonl) lists pictures with camera,
    time, track, and the boxes of people. Exits with 1 if some could not be added."""
    from scalereid.gallery.naming import NameRule

    if not images:
        raise UsageError("Name pictures: a folder, a quoted pattern, a table, or files")
    rule = NameRule(names.camera_from, names.time_from, names.track_from)
    with at_work(gallery, compute, model) as at:
        before = at.ledger.count()
        with attribute_model(names.attributes, compute) as recognizer:
            added = at.add(
                images,
                None if rule == NameRule() else rule,
                recognizer=recognizer,
                keep_crops=not names.no_crops,
                progress=output.progress,
            )
        question = at.embedder().shapes.question()
    for source, why in added.errors.items():
        output.say(f"not added: {named_reason(source, why)}")
    output.say(
        f"{counted(len(added.numbers), 'sighting')} added, {added.there:,} were there already, "
        f"{len(added.errors):,} could not be added; the gallery has {before + len(added.numbers):,}"
    )
    cautions = output.caution([question])
    output.result({
        "added": len(added.numbers), "there": added.there, "sightings": before + len(added.numbers),
        "first": min(added.numbers, default=None), "last": max(added.numbers, default=None),
        "errors": added.errors, "cautions": cautions,
    })  # fmt: skip
    if added.errors:
        raise SystemExit(1)


def search(
    gallery: GalleryPlace,
    images: Images,
    options: Flat[QueryOptions],
    where: Flat[PeopleOptions],
    compute: Flat[GalleryCompute],
    output: Flat[Output],
    detector: Flat[OptionalDetector],
    model: MovedModel = None,
) -> None:
    """Find who is on a picture, or on several pictures of one person. In a scene it
    is the person in a box, or the only one that a detector finds."""
    with writing(_checked(options.picture)), at_work(gallery, compute, model, options.by) as at:
        finder = detector.open(detector.detector) if detector.detector else None
        pictures = parts(_files(images), options.box, finder)
        own = at.model
        answer = at.find(
            at.embedder()(pictures),
            top=options.top,
            where=where.filter(),
            among=where.whom(),
            seen=options.seen(),
            purpose=options.purpose,
            model=own,
        )
        cautions = output.caution([at.embedder().shapes.question()])
        queries = [as_jpeg(each, quality=92) if isinstance(each, Image.Image) else each for each in pictures]
        _show(at, answer, queries, options, output, cautions)


def similar(
    gallery: GalleryPlace,
    sighting: Annotated[Positional[int], arg(metavar="SIGHTING", help="The number of a sighting.")],
    options: Flat[SearchOptions],
    where: Flat[PeopleOptions],
    output: Flat[Output],
) -> None:
    """Find who is on a sighting of the gallery, of others than those that it was
    said not to show."""
    with writing(_checked(options.picture)), at_work(gallery, GalleryCompute(), by=options.by) as at:
        answer = at.similar(
            sighting, top=options.top, where=where.filter(), among=where.whom(), purpose=options.purpose
        )
        picture = at.ledger.crop(sighting) or at.sightings([sighting])[sighting].seen.source
        _show(at, answer, [picture], options, output, [])


def reembed(
    gallery: GalleryPlace,
    model: NewModel,
    compute: Flat[GalleryCompute],
    pixels: Flat[PixelOptions],
    output: Flat[Output],
) -> None:
    """Take another model, and embed all kept pictures by it. A call that was stopped
    can be made again; until it is done, the model that was there goes on."""
    with at_work(gallery, compute) as at:
        done = at.reembed(model, pixels=pixels.format(), progress=output.progress)
        if not at.calibration and (found := find_calibration(model, None, at.embedder().metadata, "cosine", output)):
            at.calibration = found
        own, known = at.model, at.calibration
    output.say(f"{counted(done.embedded, 'sighting')} embedded by the model {own.fingerprint}")
    if done.without_picture:
        output.say(
            f"{counted(len(done.without_picture), 'sighting')} cannot be found any more, as their pictures were not kept"
        )
    if not known:
        output.say("no probabilities: this model is not calibrated")
    output.result({
        "embedded": done.embedded, "without_picture": done.without_picture, "model_fingerprint": own.fingerprint,
        "calibration": known and known.dataset,
    })  # fmt: skip


def _files(images: tuple[str, ...]) -> list[str]:
    """The files that words name."""
    from scalereid.inference.items import find_items

    if not images:
        raise UsageError("Name pictures: a folder, a quoted pattern, or files")
    return [item.path for each in images for item in find_items(each)]


def _checked(picture: Path | None) -> Path | None:
    if picture:
        from scalereid.figures.found_files import check_sheet

        check_sheet(picture)
    return picture


def _show(
    gallery: "Gallery",
    answer: "Answer",
    queries: Sequence[bytes | str],
    options: SearchOptions,
    output: Output,
    cautions: list[str],
) -> None:
    from scalereid.figures.gallery_sheet import write_answer

    calibration = gallery.calibration
    output.show(answer_table(answer))
    output.say(verdict(answer))
    if not calibration:
        output.say("No probabilities: the model is not calibrated.")
    if answer.matches and not answer.candidates:
        output.say(f"Say who they are:  {program()} gallery enrol {gallery.where} SIGHTING … --name NAME")
    if options.picture:
        write_answer(queries, answer, gallery.ledger.crop, options.picture)
        output.say(f"Look at it: {options.picture}")
    output.result(
        answer_document(answer)
        | {"calibration": calibration and calibration.dataset, "thresholds": vars(gallery.thresholds)}
        | {"cautions": cautions, "picture": options.picture and str(options.picture)}
    )
