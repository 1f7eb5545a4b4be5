"""The evaluation of a model in training: its scores, and which are the best so far."""

from collections.abc import Mapping
from typing import Any

from scalereid.attributes.layer import AttributeLayer
from scalereid.attributes.scores import AttributeScores
from scalereid.attributes.table import AttributeLabels
from scalereid.classification.layer import ClassLayer
from scalereid.classification.scores import ClassScores, score_classes
from scalereid.data.records import ReidDataset
from scalereid.experiments.attribute_labels import score_sides
from scalereid.inference.query_gallery import QueryGallery, live_embedder
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.progress import Progress
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.scores import Scores, score
from scalereid.runs.recipe import Recipe


class Evaluator:
    """Scores a model as it is now, and remembers the best score; its state is saved with the training's.

    `also` are the datasets that are scored once, at the end; `attributes` are those of the query images or tracklets, followed
    by those of the gallery.

    Attributes:
        metric: The score by which epochs are compared, from the recipe's `evaluation.best`.
        higher_is_better: The direction of `metric`.
    """

    def __init__(
        self,
        dataset: ReidDataset,
        recipe: Recipe,
        progress: Progress,
        also: Mapping[str, ReidDataset] | None = None,
        attributes: AttributeLabels | None = None,
    ) -> None:
        self.dataset, self.distance = dataset, recipe.evaluation.distance
        self.also, self.image_size = also or {}, recipe.data.image_size
        self.metric, self.higher_is_better = recipe.evaluation.best, True
        self.best: float | None = None
        self.attributes = attributes if dataset.gallery else None
        needed = dataset.query or self.attributes or (dataset.classes and dataset.gallery)
        self.images = QueryGallery(dataset, self.image_size, progress, recipe.data.framing) if needed else None
        self.framing = recipe.data.framing

    def __call__(self, model: EmbeddingModel) -> Scores | None:
        """The scores of `model`, which keeps its mode; None if the dataset has no queries."""
        return self.with_attributes(model, None)[0]

    def with_attributes(
        self, model: EmbeddingModel, layer: AttributeLayer | None
    ) -> tuple[Scores | None, AttributeScores | None]:
        """The same, and the scores of the attributes that `layer` recognises; None without any."""
        if self.images is None:
            return None, None
        query, gallery = self.images.embed(live_embedder(model))
        found = score_sides(layer, (query, gallery), self.attributes) if layer and self.attributes else None
        return self._score(query, gallery, self.dataset) if len(query) else None, found

    def of_classes(self, model: EmbeddingModel, layer: ClassLayer) -> ClassScores | None:
        """How well `model` and the classifier `layer` classify the test images; None without any."""
        if self.images is None:
            return None
        _, test = self.images.embed(live_embedder(model))
        return score_classes(layer.logits(test.embeddings.numpy()), test.pids.numpy())

    def score_also(self, model: EmbeddingModel) -> dict[str, Scores]:
        """The scores of `model` on the other datasets, by name; their images are decoded for this alone."""
        found = {}
        for name, each in self.also.items():
            embedded = QueryGallery(each, self.image_size, framing=self.framing).embed(live_embedder(model))
            found[name] = self._score(*embedded, each)
        return found

    def _score(self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, dataset: ReidDataset) -> Scores:
        return score(query, gallery, distance=self.distance, protocol=dataset.protocol)

    def improves(self, scores: Scores | AttributeScores | ClassScores) -> bool:
        """Whether these scores are better than all before; if so they are the best from now on."""
        value = scores.metric(self.metric)
        better = self.best is None or (value > self.best if self.higher_is_better else value < self.best)
        self.best = value if better else self.best
        return better

    def state_dict(self) -> dict[str, Any]:
        """The best score so far, as a JSON value."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.best = state["best"]
