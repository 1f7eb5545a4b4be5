"""The commands that say what a model's answers are worth: calibrate, compare."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scalereid.cli.tables import open_set_table, points_table, scores_table
from scalereid.cli.terminal import show
from scalereid.data.protocols import Protocol
from scalereid.data.records import one_per_tracklet
from scalereid.experiments import evaluation
from scalereid.experiments.evaluation import Evaluation, How
from scalereid.figures.calibration import draw_distances, draw_roc
from scalereid.figures.curves import require_matplotlib
from scalereid.progress import Progress
from scalereid.retrieval import calibration
from scalereid.retrieval.calibration import Method
from scalereid.retrieval.comparison import compare as compare_scores
from scalereid.retrieval.distances import Distance
from scalereid.retrieval.open_set import score_open_set
from scalereid.retrieval.pairs import pair_distances
from scalereid.runs.run import Run, write

_SHOWN = 5


def calibrate(
    source: Annotated[Positional[str], arg(metavar="RUN-OR-WEIGHTS", help="A run, our weights, or torchreid's.")],
    *,
    data: Annotated[Path, arg(help="The folder of a dataset whose people the model has not seen.")],
    dataset: Annotated[str, arg(help="Its name; the run's own unless told.")] = "",
    rates: Annotated[
        tuple[float, ...], arg(help="False-match rates to give thresholds for; 0.1 to 0.0001 unless told.")
    ] = (),
    method: Annotated[Method, arg(help="Of turning distances into probabilities.")] = "logistic",
    distance: Annotated[Distance | None, arg(help="Between embeddings; the recipe's, or cosine.")] = None,
    protocol: Annotated[Protocol | None, arg(help="Which pairs count; as the dataset says unless told.")] = None,
    out: Annotated[Path | None, arg(help="A folder for what is found; the run's unless told.")] = None,
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Find out what a model's distances mean: thresholds at error rates, the probability of one person, open-set rates."""
    require_matplotlib()
    if out is None:
        if not (Path(source) / "recipe.json").is_file():
            raise ValueError(f"{source} is no run to keep a calibration in: name a folder with --out")
        out = Path(source)
    for rate in rates:
        if not 0 < rate < 1:
            raise ValueError(f"a false-match rate of {rate} is not between 0 and 1")
    progress = Progress()
    scored = evaluation.evaluate(
        source,
        data=data,
        dataset=dataset or None,
        how=How(distance=distance, protocol=protocol),
        device=device,
        run_code=run_code,
        progress=progress,
    )
    how = {"distance": scored.scores.distance, "protocol": scored.scores.protocol}
    pairs = pair_distances(scored.query, scored.gallery, **scored.labels, **how)  # type: ignore[arg-type]
    found = calibration.calibrate(
        pairs,
        distance=scored.scores.distance,
        model=scored.model,
        fingerprint=scored.fingerprint,
        dataset=f"{scored.dataset.name} ({scored.dataset.fingerprint()})",
        method=method,
        rates=rates,
    )
    open_set = score_open_set(scored.query, scored.gallery, **scored.labels, **how)  # type: ignore[arg-type]
    out.mkdir(parents=True, exist_ok=True)
    file = Run(out).calibration
    if file.exists():
        progress.say(f"an earlier calibration, on {calibration.Calibration.load(file).dataset}, is replaced")
    write(file, found.save)
    draw_distances(pairs, found, out / "distances.png")
    draw_roc(pairs, found, out / "roc.png")
    progress.say(f"\n{scored}\n\n{found.same_pairs:,} pairs of one person, {found.different_pairs:,} of two")
    show(points_table(found.points), open_set_table(open_set))
    middle = found.points[min(2, len(found.points) - 1)]
    sure = found.probability(middle.threshold, prior=0.5)
    progress.say(
        f"At a distance of {middle.threshold:.4f} one person is {sure:.1%} probable where one and two are equally likely "
        f"beforehand, {found.probability(middle.threshold):.1%} among this dataset's pairs, {found.prior:.2%} of which "
        f"are of one.\nIt is in {file}; pictures: {out / 'distances.png'}, {out / 'roc.png'}"
    )


def compare(
    one: Annotated[Positional[str], arg(metavar="ONE", help="A run, our weights, or torchreid's.")],
    other: Annotated[Positional[str], arg(metavar="OTHER", help="The one that may be better.")],
    *,
    data: Annotated[Path, arg(help="The dataset's folder.")],
    dataset: Annotated[str, arg(help="Its name; the first run's own unless told.")] = "",
    distance: Annotated[Distance | None, arg(help="Between embeddings; the first's recipe's, or cosine.")] = None,
    protocol: Annotated[
        Protocol | None, arg(help="Which gallery images count; as the dataset says unless told.")
    ] = None,
    run_code: Annotated[bool, arg(help="Run the Python files that backbones are.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Compare two models query by query: the difference in mAP with its 95 % interval, and where they differ most."""
    progress = Progress()
    names = [dataset] if dataset else []
    scored: list[Evaluation] = []
    for source in (one, other):
        evaluated = evaluation.evaluate_all(
            source, data=data, datasets=names, how=How(distance=distance, protocol=protocol), device=device, run_code=run_code,
            progress=progress,
        )  # fmt: skip
        [(name, splits)] = evaluated.items()
        names, distance = [name], splits[0].scores.distance
        if len(splits) > 1:
            raise ValueError(f"{name} has {len(splits)} splits; name one of them, like {name}#1")
        scored += splits
    found = compare_scores(scored[0].scores, scored[1].scores, scored[0].labels["query_pids"])
    table = {str(i): model.scores.to_json() for i, model in enumerate(scored, start=1)}
    for i, model in enumerate(scored, start=1):
        progress.say(f"{i}: {model.model}, {model.image_size[0]}×{model.image_size[1]}")
    show(scores_table(table, caption=f"{scored[0].dataset.name}, {scored[0].scores.how()}"))
    progress.say(str(found))
    query = one_per_tracklet(scored[0].dataset.query)
    order = found.changes.argsort()  # NaN last
    counted = order[: int((found.changes == found.changes).sum())]
    for words, sign, rows in (("worse", -1, counted[:_SHOWN]), ("better", 1, counted[::-1][:_SHOWN])):
        lines = [f"  {found.changes[row]:+.2f}  {query[row].path}" for row in rows if sign * found.changes[row] > 0]
        if lines:
            progress.say(f"most {words}, by average precision:\n" + "\n".join(lines))
