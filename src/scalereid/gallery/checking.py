"""What is in a gallery, and what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select

from scalereid.gallery import schema
from scalereid.gallery.history import History
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.indexes import Index
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.sightings import from_microseconds
from scalereid.inference.metadata import ModelMetadata
from scalereid.wording import counted

_LENGTH = 1e-3  # by which the length of an embedding may differ from 1


@dataclass(frozen=True)
class Stats:
    """What is in a gallery."""

    database: str
    model: str
    fingerprint: str
    calibration: str
    """What the model was calibrated on; empty without a calibration."""
    sightings: int
    cameras: dict[str, int]
    """Number of sightings by each; the empty name for those whose camera is not known."""
    first: datetime | None
    last: datetime | None
    """When the first and the last of them were taken, as far as is known."""
    crops: int
    """Number of sightings whose picture is kept."""
    embedded: int
    """Number of sightings with an embedding by the model, which can be found."""
    identities: int
    identified: int
    """Number of sightings with an identity."""
    events: int
    searches: int
    bytes: int
    """Of the database."""


def count_by_camera(ledger: Ledger) -> dict[str, int]:
    """Number of sightings by each camera; the empty name for those whose camera is not known."""
    camera = schema.sightings.c.camera
    with ledger.engine.begin() as connection:
        counted = connection.execute(select(camera, func.count()).group_by(camera).order_by(camera))
        return {name: number for name, number in counted}


def take_stock(ledger: Ledger, history: History, model: GalleryModel) -> Stats:
    """What is in a gallery."""
    own, identities, cameras = schema.sightings.c, history.identities(), count_by_camera(ledger)
    with ledger.engine.begin() as connection:
        first, last = connection.execute(select(func.min(own.time), func.max(own.time))).one()
        crops = connection.scalar(select(func.count()).select_from(schema.crops))
        of_model = select(func.count()).select_from(schema.embeddings).where(schema.embeddings.c.model == model.number)
        embedded, searches = (
            connection.scalar(of_model),
            connection.scalar(select(func.count()).select_from(schema.searches)),
        )
    calibration = model.calibrated
    return Stats(
        database=ledger.name,
        model=ModelMetadata.from_json(model.metadata).model,
        fingerprint=model.fingerprint,
        calibration=calibration.dataset if calibration else "",
        sightings=sum(cameras.values()),
        cameras=cameras,
        first=None if first is None else from_microseconds(first),
        last=None if last is None else from_microseconds(last),
        crops=crops or 0,
        embedded=embedded or 0,
        identities=len(identities.by_number),
        identified=len(identities.of),
        events=len(history.events()),
        searches=searches or 0,
        bytes=schema.size(ledger.engine),
    )


def find_problems(ledger: Ledger, history: History, model: GalleryModel, index: Index) -> list[str]:
    """What is wrong with a gallery, in sentences that say what to do."""
    problems = schema.damages(ledger.engine)
    if problems:
        return [f"{ledger.name} is damaged: {each}; restore it from a copy" for each in problems]
    try:
        identities = history.identities()
    except (ConflictError, ValueError) as error:
        return [f"{error}; restore {ledger.name} from a copy"]
    numbers = set(ledger.select().tolist())
    if unknown := sorted(set(identities.of) - numbers):
        problems.append(f"an identity has sighting {unknown[0]}, which is not there; forget it to mend that")
    embedded, size = set[int](), ModelMetadata.from_json(model.metadata).embedding_size
    for block in ledger.vectors(model.number):
        embedded |= set(block.sightings.tolist())
        if block.matrix.shape[1] != size:
            problems.append(
                f"embeddings have {block.matrix.shape[1]} values, and the model's have {size}; embed again (reembed)"
            )
            return problems
        wrong = ~(np.abs(np.linalg.norm(block.matrix, axis=1) - 1) <= _LENGTH)
        problems += [
            f"the embedding of sighting {number} is not of length 1; forget the sighting, and add it again"
            for number in block.sightings[wrong].tolist()
        ]
    if missing := numbers - embedded:
        problems.append(
            f"{counted(len(missing), 'sighting')} cannot be found, as no embedding by the model is there ({min(missing)}, …): "
            "embed them (reembed), or forget them"
        )
    if set(index.numbers().tolist()) != embedded:
        problems.append("the index does not have the sightings that the database has; rebuild it")
    return problems
