"""Activation maps: where in a picture a network's feature maps are large, stage by stage."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.images import as_jpeg, load_image
from scalereid.data.records import ImageRecord
from scalereid.figures.look.heat import legend, over
from scalereid.figures.look.model import LookedAt
from scalereid.figures.page import png_uri
from scalereid.figures.pictures import Pictures, describe, filterable
from scalereid.figures.tiles import Tile

_SIZE = (120, 240)  # (width, height) of a picture


def activation_part(
    models: Sequence[LookedAt], records: Sequence[ImageRecord], stages: Sequence[int], pictures: Pictures
) -> str:
    """HTML of the activation maps of some images, of the chosen stages of each model, or of all its stages.

    Raises:
        ValueError: A model has no such stage, or an image cannot be read.
    """
    images = [load_image(record.path) for record in records]
    maps = [model.inspector(images).activations for model in models]
    chosen = [_stages(model, len(found), stages) for model, found in zip(models, maps, strict=True)]
    rows = []
    for row, record in enumerate(records):
        shown = images[row].resize(_SIZE, Image.Resampling.LANCZOS)
        pictures.add_record(record)
        tiles = [Tile(str(record.path), "query", (f"person {record.pid}",), describe(record))]
        for model, found, numbers in zip(models, maps, chosen, strict=True):
            for stage in numbers:
                drawn = as_jpeg(over(shown, found[stage - 1][row]), quality=80)
                caption = (f"stage {stage}", model.letter) if len(models) > 1 else (f"stage {stage}",)
                tiles.append(Tile(drawn, "found", caption, f"activation of {model.name}, stage {stage}"))
        rows.append(f'<div class="item" {filterable(record)}>{pictures.tiles(tiles)}</div>')
    scale = f'<img class="legend" src="{png_uri(legend((120, 10)))}" alt="dark blue to light yellow">'
    return f"""<p>Where the feature maps of a stage are large: for each place the sum of the channels' absolute values, over the
picture in grey. Each map has its own scale, from its least value {scale} to its greatest: it shows where, not how
much. The first stages see edges and colours, the last one what the embedding is made of.</p>
<p><small>{escape("; ".join(_sizes(model, found) for model, found in zip(models, maps, strict=True)))}</small></p>
{"".join(rows)}"""


def _stages(model: LookedAt, there: int, asked: Sequence[int]) -> list[int]:
    if wrong := [stage for stage in asked if stage > there]:
        raise ValueError(f"stages has {wrong[0]}, but {model.name} has {there}; choose from 1 to {there}")
    return sorted({*asked}) or [*range(1, there + 1)]


def _sizes(model: LookedAt, maps: Sequence[NDArray[np.float32]]) -> str:
    sizes = ", ".join("×".join(map(str, stage.shape[1:])) for stage in maps)
    return f"{model.name}: maps of {sizes}"
