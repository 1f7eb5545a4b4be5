"""scalereid evaluate: the scores of a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.table import Table

from scalereid.cli.models import ComputeOptions, Model
from scalereid.cli.options import DataFolder, DistanceOptions, Flat, Switch, otherwise
from scalereid.cli.tables import scores_table
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing
from scalereid.files import write_json
from scalereid.retrieval import APRule

if TYPE_CHECKING:
    from scalereid.experiments.options import EvaluationOptions
    from scalereid.retrieval.cameras import CameraPair
    from scalereid.retrieval.scores import Scores


@dataclass(frozen=True, kw_only=True)
class ScoringOptions(DistanceOptions):
    """How embeddings are scored."""

    ap_rule: APRule = "at-matches"
    """Average precision: the mean precision at the matches, or by the trapezoid rule."""
    flip: Switch = False
    """Add the embedding of each image's mirror image to its own."""
    image_size: Annotated[tuple[int, int] | None, otherwise("the model's")] = None
    """Height and width of the images."""
    rerank: Switch = False
    """Re-rank with k-reciprocal encoding (k1 20, k2 6, λ 0.3)."""
    expand_queries: int = 0
    """Number of nearest gallery images added to each query."""
    augment_gallery: int = 0
    """Number of nearest other gallery images added to each gallery image."""
    alpha: float = 0.0
    """Exponent of the cosine by which such neighbours are weighted."""
    multi_query: Switch = False
    """Pool all queries of a person from a camera into one."""

    def evaluation_options(self) -> "EvaluationOptions":
        """These options for the library."""
        from scalereid.experiments.options import EvaluationOptions
        from scalereid.retrieval.reranking import Reranking

        return EvaluationOptions(**(vars(self) | {"rerank": Reranking() if self.rerank else None}))


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What is evaluated, and what is made of it."""

    data: DataFolder
    dataset: Annotated[tuple[str, ...], otherwise("the one the run was scored on")] = ()
    """Names of datasets, of splits (viper#1) or in folders (csv@FOLDER)."""
    camera_pairs: Switch = False
    """Score each pair of cameras by itself, too."""
    out: Annotated[Path | None, otherwise("none")] = None
    """JSON file for the scores and how they were made; - is standard output, as --json."""


def evaluate(
    source: Model,
    options: Flat[EvaluateOptions],
    scoring: Flat[ScoringOptions],
    compute: Flat[ComputeOptions],
    output: Flat[Output],
) -> None:
    """Score a model on the query and gallery images of datasets: mAP, mINP, CMC."""
    from scalereid.experiments.evaluation import evaluate_all
    from scalereid.retrieval.scores import mean_scores

    out = options.out
    if out == Path("-"):
        out, output = None, replace(output, as_json=True)
    with writing(out):
        found = evaluate_all(
            source,
            data=options.data,
            datasets=options.dataset,
            options=scoring.evaluation_options(),
            runtime=compute.runtime_options(source),
            progress=output.progress,
        )
        entries: list[dict[str, Any]] = []
        rows: dict[str, Scores] = {}
        for name, splits in found.items():
            for scored in splits:
                output.say(f"\n{scored}")
                entries.append(scored.to_json())
                if options.camera_pairs:
                    pairs = scored.camera_pairs()
                    if pairs:
                        output.show(_camera_pairs_table(pairs))
                    else:
                        output.say("No person is seen by two cameras: there are no camera pairs to score.")
                    entries[-1]["camera_pairs"] = [pair._asdict() for pair in pairs]
                rows[name if len(splits) == 1 else scored.dataset.name] = scored.scores
            if len(splits) > 1:
                mean = mean_scores([scored.scores for scored in splits])
                rows[f"{name}, {mean.splits} splits"] = mean
                entries.append(splits[0].to_json() | {
                    "dataset": {"name": name},
                    "scores": mean.to_json(),
                    "cautions": [*dict.fromkeys(sentence for scored in splits for sentence in scored.cautions)],
                })  # fmt: skip
        if len(rows) > 1:
            output.show(
                scores_table(rows, caption=f"{entries[0]['model']}, {entries[0]['scores']['distance']} distance")
            )
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
            write_json(out, entries)
    output.result(entries)


def _camera_pairs_table(pairs: "Sequence[CameraPair]") -> Table:
    """Scores of each camera's queries among each other camera's images, worst first."""
    caption = "gallery images of one camera alone, not re-ranked"
    table = Table("query camera", "gallery camera", "mAP", "rank-1", "queries", caption=caption)
    for pair in pairs:
        table.add_row(str(pair.query), str(pair.gallery), f"{pair.mAP:.2%}", f"{pair.rank1:.2%}", f"{pair.queries:,}")
    return table
