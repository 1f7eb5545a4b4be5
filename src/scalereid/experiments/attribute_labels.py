"""The attributes of a training: those of its training images, those that it is scored on, and their scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from scalereid.attributes import read_attributes
from scalereid.attributes.layer import AttributeLayer
from scalereid.attributes.scores import AttributeScores, score_attributes
from scalereid.attributes.table import AttributeLabels, AttributeTable, require_known
from scalereid.data.records import ReidDataset, one_per_tracklet
from scalereid.inference.metadata import ModelMetadata
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.runs.recipe import Recipe


class LearnedAttributes(NamedTuple):
    """What a training needs of a table of attributes; nothing of it where none are learned."""

    train: AttributeLabels | None = None
    """Of the training images."""
    test: AttributeLabels | None = None
    """Of the query images or tracklets, followed by those of the gallery. None where there are none, or the table is of the
    people of another dataset than the one that is scored on: the same number there is another person."""
    fingerprint: str = ""
    """Of the table."""

    @classmethod
    def of(cls, recipe: Recipe, data: Path, dataset: ReidDataset, target: ReidDataset) -> Self:
        """The attributes of what a recipe trains on, and of its `target`.

        Raises:
            FileNotFoundError, ValueError: The table is not there, cannot be read, or is not of this dataset; or epochs are
                compared by attributes that cannot be scored.
        """
        if not recipe.data.attributes:
            return cls()
        table = read_attributes(recipe.data.attributes, data)
        train = table.of(dataset.train)
        require_known(train, f"training images of {dataset.name}")
        why = "has no test images" if not (target.query or target.gallery) else ""
        if target is not dataset and table.by_person:
            why = f"has other people than {dataset.name}, whose attributes {recipe.data.attributes} has"
        if why and recipe.evaluation.best == "mA":
            raise ValueError(f"evaluation.best is mA, but {target.name} {why}; set it to mAP, mINP or rank-1")
        return cls(train, None if why else attributes_of_test(table, target), table.fingerprint())


def attributes_of_test(table: AttributeTable, dataset: ReidDataset) -> AttributeLabels:
    """The attributes of a dataset's query images or tracklets, followed by those of its gallery.

    Raises:
        ValueError: None is known.
    """
    labels = table.of([*one_per_tracklet(dataset.query), *one_per_tracklet(dataset.gallery)])
    require_known(labels, f"test images of {dataset.name}")
    return labels


def other_people(table: AttributeTable, metadata: ModelMetadata, dataset: ReidDataset) -> str:
    """Why the table that a model was trained with says nothing of a dataset: words after the table's name; empty if it does."""
    if not table.by_person or dataset.name == metadata.trained_on or dataset.fingerprint() in metadata.training:
        return ""
    return f"is of the people of {metadata.trained_on}, and the same number is another person in {dataset.name}"


def score_sides(layer: AttributeLayer, sides: Sequence[LabelledEmbeddings], labels: AttributeLabels) -> AttributeScores:
    """The scores of the attributes that a layer recognises on query and gallery, whose labels `attributes_of_test` gives."""
    likelihoods = np.concatenate([layer(side.embeddings.numpy()) for side in sides if len(side)])
    return score_attributes(likelihoods, labels)
