"""Pictures to sightings: what is there already is skipped, so that a call that was stopped can be made again."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from PIL import Image

from scalereid.data.images import as_jpeg, load_image
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.naming import NameRule
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.inference.embedder import Embedder
from scalereid.progress import Progress

_AT_ONCE = 256  # pictures that are embedded, and then added in one transaction
_JPEG = b"\xff\xd8\xff"
_LARGEST = 65_536  # bytes of a file that is kept as it is
_HEIGHT, _QUALITY = 384, 92  # of those that are not


@dataclass
class Added:
    """What became of pictures."""

    numbers: list[int] = field(default_factory=list)
    """Of the new sightings."""
    there: int = 0
    """Number of pictures that were in the gallery already."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong with each picture that could not be added."""


def add_files(
    ledger: Ledger,
    model: int,
    embedder: Embedder,
    files: Sequence[str],
    rule: NameRule,
    *,
    keep_crops: bool = True,
    progress: Progress | None = None,
) -> Added:
    """Add pictures of people to a ledger, with their embeddings by a model.

    Args:
        ledger, model: Where to, and the number of the model there.
        embedder: The same model at work.
        files: Picture files, each of one person.
        rule: What their names tell.
        keep_crops: Keep the pictures, too, so that they can be shown, and embedded by another model.
        progress: Where to show progress. Defaults to nowhere.
    """
    added = Added()
    with (progress or Progress.silent()).stage("adding pictures", len(files)) as advance:
        remaining = iter(files)
        while part := list(islice(remaining, _AT_ONCE)):
            _add(ledger, model, embedder, list(_read(part, rule, added)), keep_crops, added)
            advance(len(part))
    return added


def _read(files: Sequence[str], rule: NameRule, added: Added) -> Iterator[tuple[Seen, bytes, str]]:
    """What each name tells, the bytes of the file and their digest."""
    for file in files:
        try:
            content = Path(file).read_bytes()
            yield rule.read(file), content, hashlib.sha256(content).hexdigest()
        except (OSError, ValueError) as error:
            added.errors[file] = str(error)


def _add(
    ledger: Ledger,
    model: int,
    embedder: Embedder,
    read: Sequence[tuple[Seen, bytes, str]],
    keep_crops: bool,
    added: Added,
) -> None:
    known = ledger.known([digest for _, _, digest in read])
    chosen = [each for each in read if each[2] not in known]
    collected = embedder.collect([seen.source for seen, _, _ in chosen], on_error="report")
    added.errors |= {chosen[i][0].source: why for i, why in collected.errors.items()}
    readable = [each for i, each in enumerate(chosen) if i not in collected.errors]
    new = [
        NewSighting(seen, digest, vector, crop(content, Path(seen.source)) if keep_crops else b"")
        for (seen, content, digest), vector in zip(readable, collected.embeddings, strict=True)
    ]
    numbers = ledger.add(model, new)
    added.numbers += [number for number in numbers if number is not None]
    added.there += len(read) - len(chosen) + numbers.count(None)


def crop(content: bytes, file: Path) -> bytes:
    """A picture as the ledger keeps it: a small JPEG file as it is, anything else as a JPEG of at most 384 pixels in height."""
    if content.startswith(_JPEG) and len(content) <= _LARGEST:
        return content
    image = load_image(file)
    if image.height > _HEIGHT:
        image = image.resize((max(1, round(image.width * _HEIGHT / image.height)), _HEIGHT), Image.Resampling.BICUBIC)
    return as_jpeg(image, quality=_QUALITY)
