"""Pictures to sightings: what is there already is skipped, so that a call that was stopped can be made again."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from scalereid.data.images import as_jpeg, load_image
from scalereid.files import require_utf8, stamp
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.listing import read_listed_sightings
from scalereid.gallery.naming import NameRule
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import find_items, names_several
from scalereid.inference.pixels import Channels, OneImage, cut_boxes, to_image
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.progress import Progress

_AT_ONCE = 256  # pictures that are embedded, and then added in one transaction
_JPEG = b"\xff\xd8\xff"
_LARGEST = 65_536  # bytes of a file that is kept as it is
_WIDTH, _HEIGHT, _QUALITY = 8_192, 384, 92  # of those that are not; JPEG itself ends at a width of 65,500


@dataclass
class Added:
    """What became of pictures."""

    numbers: list[int] = field(default_factory=list)
    """Of the new sightings."""
    there: int = 0
    """Number of pictures that were in the gallery already."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong with each picture that could not be added, by its source."""


class Picture(NamedTuple):
    """A picture of one person that is to be added."""

    seen: Seen
    digest: str
    image: str | Image.Image
    """The file, or the picture where it is a part of one, or in memory."""
    content: bytes = b""
    """Of the file, where it is the whole picture."""

    def crop(self) -> bytes:
        """It as the ledger keeps it: a small JPEG file as it is, anything else as a JPEG of 8,192 × 384 pixels at most."""
        if self.content.startswith(_JPEG) and len(self.content) <= _LARGEST:
            return self.content
        image = load_image(Path(self.image)) if isinstance(self.image, str) else self.image
        scale = min(_WIDTH / image.width, _HEIGHT / image.height)
        if scale < 1:
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            image = image.resize(size, Image.Resampling.BICUBIC)
        return as_jpeg(image, quality=_QUALITY)


class Unusable(NamedTuple):
    """The source of a picture that cannot be had, and why."""

    source: str
    why: str


def find_pictures(
    images: str | PathLike[str] | Sequence[str | PathLike[str]], rule: NameRule | None
) -> Sequence[Seen | Unusable]:
    """Picture files, each of one person, and what their names tell; or what a table lists.

    Args:
        images: A folder with all folders below it, a pattern such as 'crops/*.jpg', one file, a table (.csv, .jsonl: see
            `read_listed_sightings`), or several of these.
        rule: What the names of files tell about camera, time and track.

    Raises:
        FileNotFoundError: There are no such pictures.
        ValueError: A table cannot be read; or a rule is given for one.
    """
    if not isinstance(images, str | PathLike):
        return [found for each in images for found in _found(str(each), rule)]
    return (
        _found(str(images), rule) if names_several(images) else [_named(item.path, rule) for item in find_items(images)]
    )


def _found(name: str, rule: NameRule | None) -> Sequence[Seen | Unusable]:
    if not names_several(name):
        return [_named(name, rule)]
    if not Path(name).is_file():
        return [_named(item.path, rule) for item in find_items(name)]
    if rule:
        raise ValueError(
            f"{name} is a table, which lists cameras, times and tracks itself; leave the rule for names out"
        )
    return read_listed_sightings(Path(name))


def from_files(listed: Iterable[Seen | Unusable]) -> Iterator[Picture | Unusable]:
    """Pictures by their files, and people cut out of them where there are boxes."""
    for seen in listed:
        if isinstance(seen, Unusable):
            yield seen
            continue
        try:
            _require_utf8(seen)
            yield _part(seen) if seen.box else _whole(seen)
        except (OSError, ValueError) as error:
            yield Unusable(_name(seen), str(error))


def from_memory(images: Iterable[OneImage], seen: Iterable[Seen], channels: Channels) -> Iterator[Picture | Unusable]:
    """Pictures in memory, each of one person, and what is known of them."""
    for image, known in zip(images, seen, strict=True):
        try:
            _require_utf8(known)
            own = to_image(image, channels)
            yield Picture(known, _digest(own.tobytes(), own.size), own)
        except ValueError as error:
            yield Unusable(_name(known), str(error))


def add_pictures(
    ledger: Ledger,
    model: int,
    embedder: Embedder,
    pictures: Iterable[Picture | Unusable],
    number: int,
    *,
    recognizer: AttributeRecognizer | None = None,
    keep_crops: bool = True,
    progress: Progress | None = None,
) -> Added:
    """Add pictures of people to a ledger, with their embeddings by a model.

    Args:
        ledger, model: Where to, and the number of the model there.
        embedder: The same model at work.
        pictures: What is to be added.
        number: How many there are.
        recognizer: Adds likelihoods of attributes; those that are known already stay.
        keep_crops: Keep the pictures, too, so that they can be shown, and embedded by another model.
        progress: Where to show progress. Defaults to nowhere.
    """
    added, remaining = Added(), iter(pictures)
    with (progress or Progress.silent()).stage("adding pictures", number) as advance:
        while part := list(islice(remaining, _AT_ONCE)):
            readable = [each for each in part if isinstance(each, Picture)]
            added.errors |= {each.source: each.why for each in part if isinstance(each, Unusable)}
            new = _new_sightings(ledger, embedder, readable, keep_crops, added)
            if recognizer:
                new = _with_attributes(new, recognizer)
            numbers = ledger.add(model, [sighting for _, sighting in new])
            added.numbers += [number for number in numbers if number is not None]
            added.there += numbers.count(None)
            advance(len(part))
    return added


def _new_sightings(
    ledger: Ledger, embedder: Embedder, pictures: Sequence[Picture], keep_crops: bool, added: Added
) -> list[tuple[Picture, NewSighting]]:
    """Those pictures that are not there yet and can be read, with their embeddings; the others are noted in `added`."""
    known = ledger.known([each.digest for each in pictures])
    chosen = [each for each in pictures if each.digest not in known]
    added.there += len(pictures) - len(chosen)
    collected = embedder.collect([each.image for each in chosen], on_error="report")
    added.errors |= {_name(chosen[i].seen): why for i, why in collected.errors.items()}
    readable = [each for i, each in enumerate(chosen) if i not in collected.errors]
    return [
        (each, NewSighting(each.seen, each.digest, vector, each.crop() if keep_crops else b""))
        for each, vector in zip(readable, collected.embeddings, strict=True)
    ]


def _with_attributes(
    new: Sequence[tuple[Picture, NewSighting]], recognizer: AttributeRecognizer
) -> list[tuple[Picture, NewSighting]]:
    """The same with likelihoods of attributes, where they are not known already."""
    likelihoods = recognizer.collect([picture.image for picture, _ in new]).likelihoods.tolist()
    found = []
    for (picture, sighting), row in zip(new, likelihoods, strict=True):
        attributes = {**dict(zip(recognizer.names, row, strict=True)), **sighting.seen.attributes}
        found.append((picture, replace(sighting, seen=replace(sighting.seen, attributes=attributes))))
    return found


def _named(file: str, rule: NameRule | None) -> Seen | Unusable:
    try:
        return rule.read(file) if rule else Seen(file)
    except ValueError as error:
        return Unusable(file, str(error))


def _require_utf8(seen: Seen) -> None:
    """Check that a ledger can hold the names of a sighting, and a service tell them."""
    for name in (seen.source, seen.camera, seen.track, *seen.attributes):
        require_utf8(name, "as a gallery keeps names; give it another one")


def _whole(seen: Seen) -> Picture:
    content = Path(seen.source).read_bytes()
    return Picture(seen, _digest(content), seen.source, content)


def _part(seen: Seen) -> Picture:
    """The person in a box."""
    assert seen.box is not None
    digest, frame = _frame(seen.source, stamp(seen.source))
    (part,) = cut_boxes(frame, [seen.box])
    if isinstance(part, ValueError):
        raise part
    assert isinstance(part, Image.Image)
    return Picture(seen, _digest(digest.encode(), seen.box), part)


@lru_cache(maxsize=1)  # people of one frame are listed together
def _frame(source: str, _: tuple[int, int, int]) -> tuple[str, Image.Image]:
    """The digest and the pixels of a file with this stamp."""
    return _digest(Path(source).read_bytes()), load_image(Path(source))


def _name(seen: Seen) -> str:
    """A source that is told from others, too where several people are in it."""
    return f"{seen.source}, box {seen.box}" if seen.box else seen.source


def _digest(content: bytes, *more: object) -> str:
    return hashlib.sha256(content + repr(more).encode() if more else content).hexdigest()
