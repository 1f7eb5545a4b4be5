"""Finished runs of a study, written without training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from scalereid.experiments.rows import Row, StudyRun
from scalereid.experiments.study import Study
from scalereid.process import environment
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.facts import DatasetFacts, RunDatasets
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run, create_run


def write_run_of_own_code(row: str, base: Recipe, code: Path, out: Path) -> StudyRun:
    """The run of a study whose backbone is in the file `code` of one's own, finished."""
    code.write_text("SIZE = 3")
    changes = {"model.backbone": f"{code}:Net", "model.width": None}
    (run,) = Study(rows={row: Row(base, changes)}, seeds=(0,)).runs()
    write_run(run, out, [0.5])
    return run


def write_run(
    run: StudyRun,
    out: Path,
    precisions: Sequence[float],
    *,
    pids: Sequence[int] | None = None,
    epoch: int | None = None,
    also: Sequence[Sequence[float]] = (),
) -> Run:
    """A run whose queries have these average precisions (NaN: no match); found at rank 1 where that is 1, else at rank 3.

    `also` are those on each dataset of `evaluation.also`.
    """
    others = run.recipe.evaluation.also
    scores = _scores(run, precisions, pids)
    scores_elsewhere = {name: _scores(run, each, None) for name, each in zip(others, also, strict=True)}
    source, facts, *facts_elsewhere = (
        DatasetFacts(name, "", {}, {}, "market1501", f"fingerprint of {name}")
        for name in (run.recipe.data.dataset, *run.recipe.targets)
    )
    datasets = RunDatasets("", source, facts, dict(zip(others, facts_elsewhere, strict=True)))
    code = filter(Path.is_file, run.recipe.own_files)
    written = create_run(out / run.name, run.recipe, datasets, environment(torch.device("cpu")), code)
    last = run.recipe.schedule.epochs if epoch is None else epoch
    written.append(EpochLog(last, scores=scores, also_scores=scores_elsewhere))
    files = {written.per_query: scores} | {written.per_query_on(name): each for name, each in scores_elsewhere.items()}
    for file, each in files.items():
        if each.per_query:
            each.per_query.save(file)
    return written


def _scores(run: StudyRun, precisions: Sequence[float], pids: Sequence[int] | None) -> Scores:
    values = np.array(precisions)
    counted = ~np.isnan(values)
    first_match = np.where(values == 1, 1, 3) * counted
    cmc = np.array([(first_match[counted] <= k).mean() for k in range(1, 11)])
    people = np.arange(len(values)) if pids is None else np.array(pids)
    return Scores(
        mAP=float(values[counted].mean()),
        mINP=float(values[counted].min()),
        cmc=cmc,
        queries=len(values),
        queries_without_match=int((~counted).sum()),
        distance=run.recipe.evaluation.distance,
        protocol="market1501",
        per_query=PerQuery(values, first_match, people),
    )
