"""How to evaluate, where that differs from what the model's recipe and the dataset say."""

from dataclasses import dataclass

from scalereid.arguments import check_choice, check_kind, check_number, check_whole
from scalereid.data.image_size import ImageSize, check_image_size
from scalereid.data.protocols import Protocol
from scalereid.progress import Progress
from scalereid.retrieval import APRule, Distance
from scalereid.retrieval.expansion import augment_gallery, expand_queries
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.pooling import pool_people
from scalereid.retrieval.reranking import Reranking
from scalereid.wording import counted


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """Options of an evaluation; what is None defaults to the recipe's or the dataset's.

    Raises:
        ValueError: One is of the wrong type, out of range or unknown.
    """

    distance: Distance | None = None
    """Distance between embeddings. Defaults to the recipe's; cosine for released weights."""
    protocol: Protocol | None = None
    """Which gallery images count. Defaults to the recipe's, or the dataset's."""
    ap_rule: APRule = "at-matches"
    """How a query's average precision is computed: see `scalereid.score`."""
    flip: bool = False
    """Add the embedding of each image's mirror image to its own."""
    image_size: ImageSize | None = None
    """(height, width). Defaults to the size the model was trained with."""
    rerank: Reranking | None = None
    """Settings of k-reciprocal re-ranking; None for none."""
    expand_queries: int = 0
    """Number of nearest gallery images added to each query (query expansion)."""
    augment_gallery: int = 0
    """Number of nearest other gallery images added to each gallery image (database-side augmentation)."""
    alpha: float = 0.0
    """Exponent of the cosine by which such neighbours are weighted; 0 weights all alike."""
    multi_query: bool = False
    """Pool all queries of a person from a camera into one."""

    def __post_init__(self) -> None:
        if self.distance is not None:
            check_choice("distance", self.distance, Distance)
        if self.protocol is not None:
            check_choice("protocol", self.protocol, Protocol)
        check_choice("ap_rule", self.ap_rule, APRule)
        check_kind("flip", self.flip, bool)
        check_kind("multi_query", self.multi_query, bool)
        if self.image_size is not None:
            check_image_size(self.image_size)
        check_kind("rerank", self.rerank, Reranking, or_none=True)
        if self.rerank:
            self.rerank.check()
        check_whole("expand_queries", self.expand_queries, 0)
        check_whole("augment_gallery", self.augment_gallery, 0)
        check_number("alpha", self.alpha, 0)

    def check(self, distance: Distance, protocol: Protocol) -> None:
        """Refuse options that do not fit together, before anything is embedded.

        Raises:
            ValueError: Neighbours are added under another distance than cosine, or weighted where none are added; or
                queries are pooled under a protocol by which they would find themselves.
        """
        if distance != "cosine" and (self.expand_queries or self.augment_gallery):
            raise ValueError(
                f"distance is {distance!r}, but expand_queries and augment_gallery give embeddings of length 1; "
                "set distance to 'cosine'"
            )
        if self.alpha and not (self.expand_queries or self.augment_gallery):
            raise ValueError(
                f"alpha is {self.alpha}, but no neighbours are added; set expand_queries or augment_gallery"
            )
        if self.multi_query and protocol == "all-cameras":
            raise ValueError("multi_query pools queries that the all-cameras protocol would then find; set it to False")

    def apply(
        self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, progress: Progress
    ) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
        """Queries pooled, gallery augmented and queries expanded, in this order, where asked for."""
        if self.multi_query:
            images = len(query)
            query = pool_people(query)
            progress.say(f"{counted(images, 'query image')} pooled into {len(query):,}")
        if self.augment_gallery:
            gallery = augment_gallery(gallery, top=self.augment_gallery, alpha=self.alpha)
        if self.expand_queries:
            query = expand_queries(query, gallery, top=self.expand_queries, alpha=self.alpha)
        return query, gallery

    def neighbours(self) -> str:
        """What `apply` does, in words; empty for nothing."""
        said = ["queries pooled by person and camera"] if self.multi_query else []
        said += [f"gallery augmented by {self.augment_gallery}"] if self.augment_gallery else []
        said += [f"queries expanded by {self.expand_queries}"] if self.expand_queries else []
        return ", ".join(said) + (f" (α {self.alpha:g})" if self.expand_queries or self.augment_gallery else "")
