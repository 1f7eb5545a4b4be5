"""The evaluation of a model in training: its scores, and which are the best so far."""

from collections.abc import Mapping
from typing import Any

from scalereid.data.records import ReidDataset
from scalereid.inference.query_gallery import QueryGallery, live_embedder
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.progress import Progress
from scalereid.retrieval.scores import Scores, score
from scalereid.runs.recipe import Recipe


class Evaluator:
    """Scores a model as it is now, and remembers the best score; its state is saved with the training's.

    `also` are the datasets that are scored once, at the end.

    Attributes:
        metric: The score by which epochs are compared, from the recipe's `evaluation.best`.
        higher_is_better: The direction of `metric`.
    """

    def __init__(
        self, dataset: ReidDataset, recipe: Recipe, progress: Progress, also: Mapping[str, ReidDataset] | None = None
    ) -> None:
        self.dataset, self.distance = dataset, recipe.evaluation.distance
        self.also, self.image_size = also or {}, recipe.data.image_size
        self.metric, self.higher_is_better = recipe.evaluation.best, True
        self.best: float | None = None
        self.images = QueryGallery(dataset, self.image_size, progress) if dataset.query else None

    def __call__(self, model: EmbeddingModel) -> Scores | None:
        """The scores of `model`, which keeps its mode; None if the dataset has no queries."""
        if self.images is None:
            return None
        return self._score(self.images, model)

    def score_also(self, model: EmbeddingModel) -> dict[str, Scores]:
        """The scores of `model` on the other datasets, by name; their images are decoded for this alone."""
        return {name: self._score(QueryGallery(each, self.image_size), model) for name, each in self.also.items()}

    def _score(self, images: QueryGallery, model: EmbeddingModel) -> Scores:
        query, gallery = images.embed(live_embedder(model))
        return score(query, gallery, distance=self.distance, protocol=images.dataset.protocol)

    def improves(self, scores: Scores) -> bool:
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
