"""A map of embeddings: pictures in a plane, near to each other where their embeddings are."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from scalereid.data.records import ImageRecord
from scalereid.figures.look.model import LookedAt
from scalereid.figures.pictures import Pictures, describe, filterable
from scalereid.retrieval.plane import in_a_plane
from scalereid.wording import counted

_SIZE = (0.019, 0.057)  # three quarters of a picture, as shares of the map's width and height where the window is wide


def map_part(
    models: Sequence[tuple[LookedAt, NDArray[np.float32]]],
    records: Sequence[ImageRecord],
    pictures: Pictures,
    *,
    seed: int,
) -> str:
    """HTML of a map for each model, with its embeddings (n, d) of the records.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
        ValueError: There are too few embeddings.
    """
    numbers = [pictures.add_record(record) for record in records]
    people = counted(len({record.pid for record in records}), "person", "people")
    hues = _hues([record.pid for record in records])
    parts = [
        f"""<p>{counted(len(records), "picture")} of {people}, each with a frame of its
person's colour, laid out by t-SNE: near neighbours have similar embeddings; long distances mean little. Pictures that would
hide each other are moved apart. Zoom with the buttons, the wheel or two fingers, and move by dragging; press a picture to see
its neighbours.</p>"""
    ]
    for model, embeddings in models:
        points = []
        places = moved_apart(in_a_plane(embeddings, seed=seed))
        for record, number, (x, y), hue in zip(records, numbers, places, hues, strict=True):
            if number is None:
                continue
            words = escape(describe(record))
            points.append(
                f'<button type="button" class="picture item point" data-picture="{number}" data-x="{x:.4f}" data-y="{y:.4f}" '
                f'data-hue="{hue}" {filterable(record)}><img alt="{words}"></button>'
            )
        parts.append(
            f"""<h3>{escape(model.name)}</h3>
<div class="map"><div class="buttons"><button type="button" data-zoom="1.5" aria-label="zoom in">+</button>
<button type="button" data-zoom="0.667" aria-label="zoom out">−</button>
<button type="button" data-zoom="0">all</button></div>
<div class="plane" role="group" aria-label="map of embeddings of {escape(model.name)}">{"".join(points)}</div></div>"""
        )
    return "\n".join(parts)


def moved_apart(
    places: NDArray[np.float64], size: tuple[float, float] = _SIZE, *, rounds: int = 300
) -> NDArray[np.float64]:
    """Places (n, 2) from 0 to 1, of which those nearer than a picture of this (width, height) are moved apart, step by step.

    Each pair that overlaps is moved along the direction in which it overlaps least, until none does or for `rounds` steps.
    """
    moved, sides = places.astype(np.float64), np.array(size)
    for _ in range(rounds):
        apart = moved[:, None] - moved[None]
        overlap = sides - np.abs(apart)
        hides = np.logical_and(overlap[..., 0] > 1e-9, overlap[..., 1] > 1e-9) & ~np.eye(len(moved), dtype=bool)
        if not hides.any():
            break
        across = overlap[..., 0] / sides[0] <= overlap[..., 1] / sides[1]
        chosen = np.stack([across, ~across], axis=2) & hides[..., None]
        earlier = np.arange(len(moved))[:, None] < np.arange(len(moved))
        signs = np.where(apart == 0, np.where(earlier, -1.0, 1.0)[..., None], np.sign(apart))
        moved += 0.25 * (chosen * signs * overlap).sum(axis=1)
    lowest, highest = moved.min(axis=0), moved.max(axis=0)
    outside = (lowest < 0).any() or (highest > 1).any()
    scaled: NDArray[np.float64] = (moved - lowest) / np.maximum(highest - lowest, 1e-12)
    return scaled if outside else moved


def _hues(pids: Sequence[int]) -> list[int]:
    """A hue for each person, far from that of the one before; equal for the same person."""
    order = {pid: i for i, pid in enumerate(dict.fromkeys(pids))}
    return [round(137.508 * order[pid]) % 360 for pid in pids]
