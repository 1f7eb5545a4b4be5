"""Another model for a gallery: the embeddings of its kept pictures, computed again."""

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image
from sqlalchemy import delete, select

from scalereid.data.images import open_image, upright
from scalereid.gallery import schema
from scalereid.gallery.ledger import Ledger, in_parts
from scalereid.inference.embedder import Embedder
from scalereid.progress import Progress

_AT_ONCE = 256  # pictures that are embedded, and then recorded in one transaction


class Reembedded(NamedTuple):
    """What became of the sightings of a gallery."""

    model: int
    """The number of the new model."""
    embedded: int
    """Number of sightings that were embedded now."""
    without_picture: list[int]
    """Those that cannot be, as their pictures were not kept. They are not found until they are forgotten and added again."""


def reembed(ledger: Ledger, embedder: Embedder, *, progress: Progress | None = None) -> Reembedded:
    """Embed the pictures of a gallery by another model. What is done already is not done again.

    Embeddings by other models of the same sightings are deleted once all are there.

    Raises:
        ValueError: A picture is damaged; the message names its sighting.
    """
    model = ledger.add_model(embedder.metadata.fingerprint, embedder.metadata.to_json())
    embedded, missing = 0, _missing(ledger, model)
    with (progress or Progress.silent()).stage("embedding again", len(missing)) as advance:
        while missing:
            for start in range(0, len(missing), _AT_ONCE):
                part = missing[start : start + _AT_ONCE]
                read = ((number, ledger.crop(number)) for number in part)
                crops = {number: crop for number, crop in read if crop is not None}  # the others were forgotten
                images = [_decoded(number, crop) for number, crop in crops.items()]
                if images:
                    embedded += ledger.embed(model, [*crops], embedder.collect(images).embeddings)
                advance(len(part))
            missing = _missing(ledger, model)  # what other processes have added meanwhile
    return Reembedded(model, embedded, _without_picture(ledger, model))


def delete_others(ledger: Ledger, model: int) -> None:
    """Delete the embeddings by other models of sightings that have one by this one."""
    columns = schema.embeddings.c
    with schema.writing(ledger.engine) as connection:
        have = connection.scalars(select(columns.sighting).where(columns.model == model)).all()
        for part in in_parts(have):
            connection.execute(delete(schema.embeddings).where(columns.model != model, columns.sighting.in_(part)))


def _decoded(number: int, crop: bytes) -> Image.Image:
    with open_image(BytesIO(crop), f"the picture of sighting {number}") as image:
        return upright(image)


def _missing(ledger: Ledger, model: int) -> Sequence[int]:
    """Sightings with a picture and without an embedding by a model."""
    have = select(schema.embeddings.c.sighting).where(schema.embeddings.c.model == model)
    own = schema.crops.c.sighting
    with ledger.engine.begin() as connection:
        return connection.scalars(select(own).where(own.not_in(have)).order_by(own)).all()


def _without_picture(ledger: Ledger, model: int) -> list[int]:
    """Sightings with neither."""
    have = select(schema.embeddings.c.sighting).where(schema.embeddings.c.model == model)
    own = schema.sightings.c.number
    lost = select(own).where(own.not_in(have), own.not_in(select(schema.crops.c.sighting))).order_by(own)
    with ledger.engine.begin() as connection:
        return list(connection.scalars(lost))
