"""What a notebook shows of the public values: one short line, with sizes and the numbers that matter."""

from dataclasses import replace

import numpy as np
import pytest

import scalereid
from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import Evaluation, evaluate
from scalereid.experiments.training import train
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.pairs import PairDistances, pair_distances
from scalereid.runs.recipe import ScheduleSettings
from scalereid.runs.run import Run
from tests.conftest import TINY


@pytest.fixture(scope="module")
def run(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = replace(TINY, schedule=ScheduleSettings(epochs=1))
    return train(recipe, data=people.root, out=tmp_path_factory.mktemp("runs") / "demo")


@pytest.fixture(scope="module")
def evaluation(people: ReidDataset, run: Run) -> Evaluation:
    return evaluate(run.folder, data=people.root)


@pytest.fixture(scope="module")
def pairs(evaluation: Evaluation) -> PairDistances:
    return pair_distances(evaluation.query, evaluation.gallery, distance="cosine", protocol="market1501")


def test_data_and_runs(people: ReidDataset, run: Run) -> None:
    assert repr(people) == f"<ReidDataset toy in {people.root}: 72 train, 16 query, 32 gallery images>"
    assert repr(run) == f"Run('{run.folder}')"


def test_models(run: Run) -> None:
    loaded = scalereid.load_checkpoint(run.folder)
    assert repr(loaded) == "<LoadedModel osnet_one_stream: 64×32 to 32 numbers>"
    assert repr(loaded.report).startswith("<LoadReport osnet_one_stream: ")
    embedder = scalereid.Embedder(run.folder, runtime="torch")
    assert repr(embedder) == "<Embedder osnet_one_stream (demo): 64×32 to 32 numbers, torch in float32>"
    assert "recipe" not in repr(embedder.metadata)
    embedder.close()
    assert repr(embedder) == "<Embedder osnet_one_stream (demo): 64×32 to 32 numbers, closed>"


def test_scores(evaluation: Evaluation) -> None:
    scores, ranking = evaluation.scores, evaluation.rank(top=5)
    mean, first = f"{scores.mAP:.2%}", f"{scores.rank(1):.2%}"
    assert repr(evaluation) == f"<Evaluation of osnet_one_stream (demo) on people: mAP {mean}, rank-1 {first}>"
    how = "16 queries, cosine distance, market1501 protocol"
    assert repr(scores) == f"<Scores: mAP {mean}, mINP {scores.mINP:.2%}, rank-1 {first}; {how}>"
    assert repr(scores.per_query) == "<PerQuery: 16 queries, 0 without a match>"
    right = round(16 * scores.rank(1))
    assert repr(ranking) == f"<Ranking: the 5 nearest of 16 queries, the first correct for {right}>"


def test_embeddings(evaluation: Evaluation) -> None:
    assert repr(evaluation.query) == "<LabelledEmbeddings: 16 rows of 32 numbers, 4 people, 4 cameras>"
    assert repr(evaluation.query.rows(slice(0, 1))) == ("<LabelledEmbeddings: 1 row of 32 numbers, 1 person, 1 camera>")


def test_search_results() -> None:
    found = scalereid.search(np.eye(2, 4), np.eye(3, 4), top=3)
    assert repr(found) == "<SearchResult: the 3 most similar of 2 queries, similarities 0.00 to 1.00>"
    nothing = scalereid.search(np.eye(1, 4), np.eye(3, 4), top=1, mask=np.zeros(3, bool))
    assert repr(nothing) == "<SearchResult: the 1 most similar of 1 query>"


def test_calibrations(pairs: PairDistances) -> None:
    assert repr(pairs) == f"<PairDistances: {pairs.same.sum()} pairs of one person, {pairs.different.sum()} of two>"
    known = PairDistances(np.linspace(0, 2, 3), np.array([9, 1]), np.array([10, 90]))
    found = calibrate(known, distance="cosine", model="x", fingerprint="", dataset="y", rates=[0.1])
    assert repr(found) == ("<Calibration of x on y: cosine distance, thresholds (false-match rates) 1.0000 (0.1)>")


def test_no_public_value_takes_more_than_a_line(evaluation: Evaluation, people: ReidDataset) -> None:
    values = (evaluation, evaluation.scores, evaluation.query, evaluation.rank(), evaluation.model.report, people)
    assert all(len(repr(value)) < 300 and "\n" not in repr(value) for value in values)
