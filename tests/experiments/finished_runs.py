"""Finished runs of a study, written without training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from scalereid.experiments.rows import StudyRun
from scalereid.process import environment
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.facts import DatasetFacts, RunDatasets
from scalereid.runs.log import EpochLog
from scalereid.runs.run import Run, create_run


def write_run(
    run: StudyRun,
    out: Path,
    precisions: Sequence[float],
    *,
    pids: Sequence[int] | None = None,
    epoch: int | None = None,
) -> Run:
    """A run whose queries have these average precisions (NaN: no match); found at rank 1 where that is 1, else at rank 3."""
    values = np.array(precisions)
    counted = ~np.isnan(values)
    first_match = np.where(values == 1, 1, 3) * counted
    cmc = np.array([(first_match[counted] <= k).mean() for k in range(1, 11)])
    people = np.arange(len(values)) if pids is None else np.array(pids)
    per_query = PerQuery(values, first_match, people)
    scores = Scores(
        mAP=float(values[counted].mean()),
        mINP=float(values[counted].min()),
        cmc=cmc,
        queries=len(values),
        queries_without_match=int((~counted).sum()),
        distance=run.recipe.evaluation.distance,
        protocol="market1501",
        per_query=per_query,
    )
    facts = DatasetFacts(run.target, "", {}, {}, "market1501", f"fingerprint of {run.target}")
    written = create_run(out / run.name, run.recipe, RunDatasets("", facts, facts), environment(torch.device("cpu")))
    written.append(EpochLog(run.recipe.schedule.epochs if epoch is None else epoch, scores=scores))
    per_query.save(written.per_query)
    return written
