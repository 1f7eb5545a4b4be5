"""Likelihoods of attributes of people: bars beside pictures, right and wrong where it is known what is there."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes import read_attributes
from scalereid.attributes.layer import LIKELY
from scalereid.attributes.table import UNKNOWN
from scalereid.data.images import load_image
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.experiments.attribute_labels import other_people
from scalereid.figures.likelihoods import in_cards, likelihood_card, likelihood_table, number_right
from scalereid.figures.look.model import LookedAt
from scalereid.figures.pictures import Pictures, describe, filterable
from scalereid.figures.tiles import Tile
from scalereid.runs.saved_recipe import SavedRecipe


class _Recognised(NamedTuple):
    """What a model says of some pictures, and what is known of them."""

    caption: str
    """The letter of the model, above its bars; empty for the only one."""
    names: tuple[str, ...]
    likelihoods: NDArray[np.float32]
    known: NDArray[np.int8] | None


def attributes_part(
    models: Sequence[LookedAt], records: Sequence[ImageRecord], dataset: ReidDataset, data: Path, pictures: Pictures
) -> str:
    """HTML of the likelihoods of the attributes that each model has learned, as bars beside some pictures of a dataset.

    What a person has is known where the table of the model's training, which is looked for in `data`, is of these people.

    Raises:
        ValueError: An image cannot be read.
    """
    images, recognised, notes = [load_image(record.path) for record in records], [], []
    for model in models:
        layer = model.inspector.attributes
        if layer is None:
            notes.append(f"{model.name} has learned no attributes.")
            continue
        known, why = _known(model, layer.names, records, dataset, data)
        notes += [f"{model.name}: right and wrong are not marked, as {why}."] if why else []
        caption = model.letter if len(models) > 1 else ""
        recognised.append(_Recognised(caption, layer.names, model.inspector(images).likelihoods, known))
    words = [f"How likely a person has each attribute; what is at least {LIKELY:.0%} likely is taken to be there."]
    if any(each.known is not None for each in recognised):
        words.append(
            "Bold: what the person has. Green and ✓: right; red and ×: wrong; without a mark: not known. Attributes that are "
            "known by person hold for all pictures of that person, whether or not this one shows them."
        )
    cards = []
    for row, record in enumerate(records):
        pictures.add_record(record)
        tile = Tile(str(record.path), "found", (f"person {record.pid}", record.path.name), describe(record))
        tables = [_table(each, row) for each in recognised]
        cards.append(likelihood_card(pictures.tiles([tile]), tables, f'class="item" {filterable(record)}'))
    explained = "".join(f"<p><small>{escape(note)}</small></p>\n" for note in notes)
    return f"<p>{escape(' '.join(words))}</p>\n{explained}{in_cards(cards)}"


def _table(recognised: _Recognised, row: int) -> str:
    """The bars of a model for one picture, with the number of those that are right."""
    likelihoods = recognised.likelihoods[row].tolist()
    known = None if recognised.known is None else recognised.known[row].tolist()
    right, compared = number_right(likelihoods, known or [UNKNOWN] * len(likelihoods))
    counted = f"{right} of {compared} right" if compared else ""
    caption = " · ".join(filter(None, (recognised.caption, counted)))
    return likelihood_table(recognised.names, likelihoods, known, caption=caption)


def _known(
    model: LookedAt, names: tuple[str, ...], records: Sequence[ImageRecord], dataset: ReidDataset, data: Path
) -> tuple[NDArray[np.int8] | None, str]:
    """What the records (n, attributes) have, by the table of a model's training; or None, and why that is not known."""
    name = SavedRecipe(model.inspector.metadata.recipe).attributes
    try:
        table = read_attributes(name, data)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        return None, f"the table of the training cannot be read: {error}"
    if why := other_people(table, model.inspector.metadata, dataset):
        return None, f"{name} {why}"
    labels = table.of(records)
    if labels.names != names:
        return None, f"{name} now has other attributes than the model has learned"
    if (labels.values == UNKNOWN).all():
        return None, f"{name} says nothing of these pictures"
    return labels.values, ""
