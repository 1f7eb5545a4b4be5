"""A model of attributes on the query and gallery images of a dataset: recognise, score."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalereid.arguments import check_kind
from scalereid.attributes import read_attributes
from scalereid.attributes.scores import AttributeScores
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.experiments.attribute_labels import attributes_of_test, other_people, score_sides
from scalereid.experiments.evaluation import own_dataset
from scalereid.inference.opening import RuntimeOptions, default_runtime, open_model
from scalereid.inference.query_gallery import QueryGallery
from scalereid.inference.recognizer import require_attributes
from scalereid.progress import Progress
from scalereid.runs.checkpoint import Source
from scalereid.runs.facts import describe


@dataclass(frozen=True, eq=False)
class AttributeEvaluation:
    """Scores of attributes, and what they were made with."""

    scores: AttributeScores
    model: str
    """Backbone and source of the weights."""
    model_fingerprint: str
    dataset: ReidDataset
    table: str
    """The table of attributes."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "model": self.model,
            "model_fingerprint": self.model_fingerprint,
            "dataset": describe(self.dataset).to_json(),
            "table": self.table,
            "scores": self.scores.to_json(),
        }


def evaluate_attributes(
    source: Source,
    *,
    data: str | Path,
    dataset: str | None = None,
    table: str | None = None,
    runtime: RuntimeOptions | None = None,
    progress: Progress | None = None,
) -> AttributeEvaluation:
    """Score the attributes that a model recognises in the query and gallery images of a dataset.

    Args:
        source: A run or a weights file of a training with attributes.
        data: The folder of the dataset and of the table.
        dataset: Name of the dataset. Defaults to the one that the run was scored on.
        table: The table of attributes, as in `data.attributes` of a recipe. Defaults to that of the training, which fits the
            dataset of the training alone if it is of people rather than of images.
        runtime: What computes the embeddings. Defaults to torch.
        progress: Where to show progress. Defaults to nowhere.

    Raises:
        FileNotFoundError, ValueError: Something does not exist or does not fit; the message says what.
    """
    check_kind("dataset", dataset, str, or_none=True)
    check_kind("table", table, str, or_none=True)
    options, progress = runtime or RuntimeOptions(runtime=default_runtime(source)), progress or Progress.silent()
    model = open_model(source, options)
    layer = require_attributes(model.attributes, model.metadata.model)
    recipe = model.recipe
    assert recipe is not None, "what has learned attributes says by which recipe"
    if dataset is None:
        dataset = own_dataset(model.metadata, run_code=options.run_code)
    read, given, table = read_dataset(dataset, Path(data)), table is not None, table or recipe.attributes
    found = read_attributes(table, Path(data))
    if not given and (why := other_people(found, model.metadata, read)):
        raise ValueError(f"{table}, which the model was trained with, {why}; name the table of {read.name}")
    if found.names != layer.names:
        raise ValueError(
            f"{table} has the attributes {', '.join(found.names)}, but the model has learned {', '.join(layer.names)}; give "
            "the table that it was trained on"
        )
    labels = attributes_of_test(found, read)
    sides = QueryGallery(read, model.metadata.image_size, progress).embed(model, progress=progress)
    scores = score_sides(layer, sides, labels)
    return AttributeEvaluation(scores, model.metadata.model, model.metadata.fingerprint, read, table)
