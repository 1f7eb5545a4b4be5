"""The commands that show something: demo, evaluate, report, and what there is."""

from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from scalereid.cli.tables import backbones_table, camera_pairs_table, datasets_table, recipes_tables, scores_table
from scalereid.cli.terminal import draw_toy_people, program, show
from scalereid.data.protocols import Protocol
from scalereid.data.reading import read_dataset
from scalereid.experiments import evaluation
from scalereid.experiments import training as experiment
from scalereid.experiments.evaluation import Evaluation, How
from scalereid.figures.curves import require_matplotlib
from scalereid.figures.report import write_report
from scalereid.progress import Progress
from scalereid.recipes import RECIPES
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.distances import Distance
from scalereid.retrieval.reranking import Reranking
from scalereid.retrieval.scores import Precision, mean_scores
from scalereid.runs.run import Run, write_json


def demo(
    out: Annotated[Path, arg(help="The run's folder; with a number added where it exists.")] = Path("runs/demo"),
    data: Annotated[Path, arg(help="Where the pictures are drawn.")] = Path("data"),
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Draw toy people, train on some, find the others, and write a report. Offline, minutes on two cores."""
    require_matplotlib()
    progress = Progress()
    out = _free(out)
    draw_toy_people(data, progress, "toy")
    dataset = read_dataset("toy", data)
    counts = dataset.counts()
    progress.say(f"1. {counts['train'].people} drawn people to learn from, {counts['query'].people} others to find")
    progress.say(f"2. Training into {out} …")
    run = experiment.train(RECIPES["toy"], data=data, out=out, device=device, progress=progress)
    progress.say("3. Evaluating …")
    scored, page = _report(run, data, device, False, progress)
    untrained = run.epochs()[0]["scores"]
    command = program()
    progress.say(
        f"\n{scored}\n\n"
        f"untrained network: mAP {untrained['mAP']:.2%}, rank-1 {untrained['cmc'][0]:.2%}\n"
        f"trained network:   mAP {scored.scores.mAP:.2%}, rank-1 {scored.scores.rank(1):.2%}\n\n"
        f"Look at it:      {page}\n"
        f"Score it again:  {command} evaluate {run.folder} --data {data}\n"
        f"Train yourself:  {command} train toy --data {data} --out runs/mine --schedule.epochs 40\n"
        f"Real people:     {command} train osnet_x0_25_market1501_dev --data FOLDER --out runs/market"
    )


def evaluate(
    source: Annotated[Positional[str], arg(metavar="RUN-OR-WEIGHTS", help="A run, our weights, or torchreid's.")],
    *,
    data: Annotated[Path, arg(help="The dataset's folder.")],
    dataset: Annotated[
        tuple[str, ...],
        arg(help="One or more of `scalereid datasets`, also NAME@FOLDER, NAME#SPLIT; the run's own unless told."),
    ] = (),
    distance: Annotated[Distance | None, arg(help="Between embeddings; the recipe's, or cosine.")] = None,
    protocol: Annotated[
        Protocol | None, arg(help="Which gallery images count; as the dataset says unless told.")
    ] = None,
    average_precision: Annotated[
        Precision, arg(help="Mean precision at the matches, or by trapezoids as the oldest tools do.")
    ] = "at-matches",
    flip: Annotated[bool, arg(help="Add each image's mirror image's embedding to its own.")] = False,
    image_size: Annotated[tuple[int, int] | None, arg(help="Height and width; the recipe's, or 256 128.")] = None,
    rerank: Annotated[bool, arg(help="Re-rank with k-reciprocal encoding (k1 20, k2 6, λ 0.3).")] = False,
    expand_queries: Annotated[int, arg(help="Add so many of its nearest gallery images to each query.")] = 0,
    augment_gallery: Annotated[int, arg(help="Add so many of its nearest others to each gallery image.")] = 0,
    alpha: Annotated[float, arg(help="Weigh such neighbours by their cosine to this power.")] = 0.0,
    multi_query: Annotated[bool, arg(help="Pool all queries of a person from a camera.")] = False,
    camera_pairs: Annotated[
        bool, arg(help="Say between which cameras people are found, and between which not.")
    ] = False,
    out: Annotated[Path | None, arg(help="A JSON file for the scores and how they were made.")] = None,
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Score a model on a dataset's query and gallery images: mAP, mINP, CMC."""
    if alpha and not (expand_queries or augment_gallery):
        raise ValueError("--alpha weighs neighbours: give --expand-queries or --augment-gallery too")
    progress = Progress()
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
    evaluations = evaluation.evaluate_all(
        source,
        data=data,
        datasets=dataset,
        how=How(
            distance=distance,
            protocol=protocol,
            average_precision=average_precision,
            flip=flip,
            image_size=image_size,
            rerank=Reranking() if rerank else None,
            expand_queries=expand_queries,
            augment_gallery=augment_gallery,
            alpha=alpha,
            multi_query=multi_query,
        ),
        device=device,
        run_code=run_code,
        progress=progress,
    )
    entries: list[dict[str, Any]] = []
    rows = {}
    for name, splits in evaluations.items():
        for scored in splits:
            progress.say(f"\n{scored}")
            entries.append(scored.to_json())
            if camera_pairs:
                pairs = scored.camera_pairs()
                if not pairs:
                    progress.say("nobody is seen by two cameras here: there are no camera pairs to score")
                show(camera_pairs_table(pairs))
                entries[-1]["camera_pairs"] = [pair._asdict() for pair in pairs]
            label = name if len(splits) == 1 else scored.dataset.name
            rows[label] = scored.scores.to_json()
        if len(splits) > 1:
            mean = mean_scores([scored.scores for scored in splits])
            rows[f"{name}, {mean.splits} splits"] = mean.to_json()
            entries.append(splits[0].to_json() | {"dataset": {"name": name}, "scores": mean.to_json()})
    if len(rows) > 1:
        one = next(iter(evaluations.values()))[0]
        show(scores_table(rows, caption=f"{one.model}, {one.scores.distance} distance"))
    if out:
        write_json(out, entries)


def report(
    run: Annotated[Positional[Path], arg(metavar="RUN", help="The run's folder.")],
    *,
    data: Annotated[Path, arg(help="The dataset's folder.")],
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Write a run's report: scores, training curve, ranked lists, mistakes; one page with pictures."""
    require_matplotlib()
    progress = Progress()
    scored, page = _report(Run(run), data, device, run_code, progress)
    progress.say(f"\n{scored}\n\nLook at it: {page}")


def models() -> None:
    """List the backbones, with their sizes and what they cost for one image of 256×128."""
    show(backbones_table())


def recipes(
    words: Annotated[
        Positional[tuple[str, ...]], arg(metavar="[WORD ...]", help="Only names with all of these in.")
    ] = (),
) -> None:
    """List the recipes, with the scores published for them, where, and what to know about either."""
    show(*recipes_tables(words))


def datasets() -> None:
    """List the datasets that can be read."""
    show(datasets_table())


def _report(run: Run, data: Path, device: str, run_code: bool, progress: Progress) -> tuple[Evaluation, Path]:
    run.recipe()  # says so when it is no run
    scored = evaluation.evaluate(run.folder, data=data, device=device, run_code=run_code, progress=progress)
    page = write_report(
        run,
        scores=scored.scores,
        epoch=scored.epoch,
        summary=str(scored),
        ranking=scored.rank(),
        dataset=scored.dataset,
        calibration=_calibration(run, scored, progress),
    )
    return scored, page


def _calibration(run: Run, scored: Evaluation, progress: Progress) -> Calibration | None:
    """The run's, if it is of these very embeddings."""
    if not run.calibration.is_file():
        return None
    calibration = Calibration.load(run.calibration)
    if (calibration.fingerprint, calibration.distance) == (scored.fingerprint, scored.scores.distance):
        return calibration
    progress.say(f"{run.calibration} is of other weights or another distance and not shown; calibrate anew")
    return None


def _free(folder: Path) -> Path:
    """`folder`, or the first of folder-2, folder-3, … that does not exist."""
    candidates = (folder if i == 1 else folder.with_name(f"{folder.name}-{i}") for i in range(1, 1_000_000))
    return next(candidate for candidate in candidates if not candidate.exists())
