"""scalereid compare: two models on the same queries."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from tyro.conf import Positional, arg

from scalereid.cli.models import ANY_MODEL, ComputeOptions
from scalereid.cli.options import DatasetOptions, DistanceOptions, Flat
from scalereid.cli.tables import scores_table
from scalereid.cli.terminal import Output
from scalereid.data.records import one_per_tracklet
from scalereid.inference.opening import is_of_others

if TYPE_CHECKING:
    from scalereid.experiments.evaluation import Evaluation
    from scalereid.retrieval.comparison import Comparison

_SHOWN = 5


def compare(
    one: Annotated[Positional[str], arg(metavar="ONE", help=ANY_MODEL)],
    other: Annotated[
        Positional[str], arg(metavar="OTHER", help="The model to compare it with, of any of these kinds.")
    ],
    options: Flat[DatasetOptions],
    distances: Flat[DistanceOptions],
    compute: Flat[ComputeOptions],
    output: Flat[Output],
) -> None:
    """Compare two models query by query: the difference in mAP with its 95 %
    interval, and the queries that differ most. Unless a dataset, a distance or a
    protocol is named, both are scored by those of the first model. Options for
    pixels are for those of the two that need them."""
    from scalereid.experiments.evaluation import evaluate, own_dataset
    from scalereid.experiments.options import EvaluationOptions
    from scalereid.inference.opening import require_source
    from scalereid.retrieval.comparison import compare as compare_scores

    dataset = options.dataset
    how = EvaluationOptions(distance=distances.distance, protocol=distances.protocol)
    scored: list[Evaluation] = []
    for source in (one, other):
        require_source(source)
    of_others = [source for source in (one, other) if is_of_others(source)]
    for source in (one, other):
        runtime = compute.runtime_options(source)
        if of_others and source not in of_others:
            runtime = replace(runtime, pixels=None)
        found = evaluate(
            source, data=options.data, dataset=dataset, options=how, runtime=runtime, progress=output.progress
        )
        dataset = dataset or own_dataset(found.model.metadata, run_code=runtime.run_code)
        how = replace(how, distance=found.scores.distance, protocol=found.scores.protocol)
        scored.append(found)
    comparison = compare_scores(scored[0].scores, scored[1].scores)
    for number, evaluation in enumerate(scored, start=1):
        height, width = evaluation.model.metadata.image_size
        output.say(f"{number}: {evaluation.model.metadata.model}, {height}×{width}")
    rows = {str(number): evaluation.scores for number, evaluation in enumerate(scored, start=1)}
    output.show(scores_table(rows, caption=f"{scored[0].dataset.name}, {scored[0].scores.how()}"))
    output.say(str(comparison))
    output.caution(sentence for evaluation in scored for sentence in evaluation.cautions)
    most = _most_changed(comparison, [record.path for record in one_per_tracklet(scored[0].dataset.query)])
    for direction, queries in most.items():
        if queries:
            lines = "\n".join(f"  {query.change:+.2f}  {query.path}" for query in queries)
            output.say(f"most {direction}, by average precision:\n{lines}")
    output.result({
        "one": scored[0].to_json(),
        "other": scored[1].to_json(),
        **{key: value for key, value in vars(comparison).items() if key != "changes"},
        **{f"most_{direction}": [query._asdict() for query in queries] for direction, queries in most.items()},
    })  # fmt: skip


class _Query(NamedTuple):
    """A query, and how its average precision changes from the first model to the second."""

    path: str
    change: float


def _most_changed(comparison: "Comparison", paths: Sequence[Path]) -> dict[str, list[_Query]]:
    """The queries that differ most, worst and best first."""
    changes = comparison.changes
    order = [_Query(str(paths[row]), float(changes[row])) for row in changes.argsort() if not np.isnan(changes[row])]
    return {
        "worse": [query for query in order[:_SHOWN] if query.change < 0],
        "better": [query for query in order[::-1][:_SHOWN] if query.change > 0],
    }
