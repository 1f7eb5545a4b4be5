"""Galleries of planted people, who look alike from all cameras but for what the cameras add."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.calibrating import LEAST_PEOPLE
from scalereid.gallery.ledger import GalleryModel, Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.inference.metadata import ModelMetadata
from tests.gallery.conftest import START

METADATA = ModelMetadata("osnet from somewhere", "0123456789ab", (256, 128), 32)


def model_of(ledger: Ledger) -> GalleryModel:
    """A model, added to a ledger."""
    ledger.add_model(METADATA.fingerprint, METADATA.to_json())
    return ledger.models()[-1]


def fill(
    ledger: Ledger, people: int = LEAST_PEOPLE, *, noise: float = 0.6, cameras: float = 0.0, seed: int = 0
) -> dict[int, int]:
    """Three tracks of two pictures for each person, in cameras a, b and c an hour apart; the person of each sighting.

    `cameras` is the length of what each camera adds to the embeddings, beside the person's 1 and a `noise`.
    """
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> NDArray[np.float64]:
        found = random.standard_normal((*shape, METADATA.embedding_size))
        return found / np.linalg.norm(found, axis=-1, keepdims=True)

    who, lights = drawn(people), cameras * drawn(3)
    new, pids = [], []
    for person in range(people):
        for camera in range(3):
            track = noise * drawn()
            for picture in range(2):
                vector = who[person] + lights[camera] + track + 0.1 * drawn()
                seen = Seen(
                    f"{person}_{camera}_{picture}.jpg",
                    camera="abc"[camera],
                    time=START + timedelta(hours=camera, minutes=person, seconds=picture),
                    track=str(person),
                )
                vector = (vector / np.linalg.norm(vector)).astype(np.float32)
                new.append(NewSighting(seen, seen.source, vector))
                pids.append(person)
    numbers = ledger.add(model_of(ledger).number, new)
    return {number: pid for number, pid in zip(numbers, pids, strict=True) if number is not None}


def of_person(pids: dict[int, int], person: int) -> tuple[int, ...]:
    """The sightings of a person."""
    return tuple(number for number, pid in pids.items() if pid == person)
