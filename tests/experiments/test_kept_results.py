import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from scalereid.experiments.kept_results import KeptResults, PackedQueries
from scalereid.experiments.study import Row, Study, run_study
from scalereid.experiments.study_table import tabulate
from scalereid.files import sha256
from scalereid.locks import locked
from scalereid.retrieval.per_query import PerQuery
from scalereid.runs.recipe import Recipe
from tests.experiments.finished_runs import write_run

NAN = float("nan")
ONE, TWO = (asdict(PackedQueries.pack(PerQuery(np.ones(n), np.ones(n, int), np.ones(n, int)))) for n in (1, 2))


@pytest.fixture
def study(tiny: Recipe) -> Study:
    return Study(rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})}, seeds=(0, 1))


def finish(study: Study, out: Path) -> None:
    for number, run in enumerate(study.runs()):
        write_run(run, out, [0.1 * number, 1.0, NAN, 1 / 3], pids=[5, 5, 6, 7])


def test_queries_packed_and_unpacked() -> None:
    rng = np.random.default_rng(0)
    precision = np.array([NAN, 0.0, 1.0, 1 + 1e-12, *rng.random(500)])
    first = np.array([0, 5, 1, 1, *rng.integers(1, 10**6, 500)])
    queries = PerQuery(precision, first, rng.integers(0, 2**31, 504))
    packed = PackedQueries.pack(queries)
    found = packed.unpack()
    np.testing.assert_allclose(found.average_precision, precision, atol=1 / 131_070)
    assert np.isnan(found.average_precision).tolist() == np.isnan(precision).tolist()
    assert (found.first_match == first).all() and (found.pids == queries.pids).all()
    assert [array.dtype for array in found] == [np.float64, np.int64, np.int64]
    assert sum(map(len, (packed.average_precision, packed.first_match, packed.pids))) < 504 * 14 * 5 / 4


def test_a_table_needs_only_what_is_kept(study: Study, tmp_path: Path) -> None:
    """The same table as from the runs, but for what rounding leaves of the interval."""
    finish(study, tmp_path / "runs")
    from_runs = tabulate(study.runs(), tmp_path / "runs", baseline="a", metric="mAP")
    file = tmp_path / "new" / "results.json"
    kept = KeptResults(file)
    for run in study.runs():
        assert run not in kept
        kept.add(run, tmp_path / "runs")
        assert run in KeptResults(file)
    table = run_study(study, data=tmp_path / "nothing", out=tmp_path / "elsewhere", results=file)
    assert table.missing == ()
    for one, other in zip(table.rows, from_runs.rows, strict=True):
        assert (one.scores, one.how, one.seeds) == (other.scores, other.how, other.seeds)
    one_difference, other_difference = table.rows[1].difference, from_runs.rows[1].difference
    assert one_difference and other_difference
    assert one_difference.mean == pytest.approx(other_difference.mean, abs=1e-5)
    assert (one_difference.low, one_difference.high) == pytest.approx(
        (other_difference.low, other_difference.high), abs=1e-5
    )


def test_each_run_is_a_line_without_paths(study: Study, tmp_path: Path) -> None:
    finish(study, tmp_path)
    kept = KeptResults(tmp_path / "results.json")
    for run in study.runs():
        kept.add(run, tmp_path)
    lines = (tmp_path / "results.json").read_text().splitlines()
    assert len(lines) == 6
    assert str(tmp_path) not in "".join(lines)
    values = json.loads("".join(lines))["a/seed-1"]
    assert (values["fingerprint"], values["device"]) == ("fingerprint of csv", "cpu")
    assert values["recipe"]["seed"] == 1


def test_what_is_kept_is_not_trained_and_what_is_finished_is_kept(study: Study, tmp_path: Path) -> None:
    """Nothing is left to train; the data folder is not even read."""
    finish(study, tmp_path / "runs")
    first, *others = study.runs()
    kept = KeptResults(tmp_path / "results.json")
    for run in others:
        kept.add(run, tmp_path / "runs")
    with pytest.raises(FileNotFoundError):  # the first is to be trained, or is finished by the same data
        run_study(study, data=tmp_path / "nothing", out=tmp_path / "empty", results=tmp_path / "results.json")
    assert first not in KeptResults(tmp_path / "results.json")


def test_a_result_of_another_recipe_is_refused(study: Study, tiny: Recipe, tmp_path: Path) -> None:
    finish(study, tmp_path / "runs")
    file = tmp_path / "results.json"
    KeptResults(file).add(study.runs()[0], tmp_path / "runs")
    before = sha256(file)
    other = Study(rows={"a": Row(tiny, {"optimizer.lr": 0.3})}, seeds=(0,))
    with pytest.raises(
        ValueError, match=r"results\.json has a result of a/seed-0 by another recipe; choose another file"
    ):
        run_study(other, data=tmp_path, out=tmp_path / "new", results=file)
    assert sha256(file) == before
    with locked(file), pytest.raises(BlockingIOError, match="is being written by another process"):
        run_study(study, data=tmp_path, out=tmp_path / "new", results=file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": "long"}, r"results\.a/seed-0\.seconds is 'long', not float"),
        ({"recipe": {"seed": -1}}, "seed is -1"),
        ({"more": 1}, "has no more"),
        ({"per_query": {"average_precision": "\"", "first_match": "", "pids": ""}}, "a/seed-0: per_query cannot be unpacked"),
        ({"per_query": {**ONE, "pids": TWO["pids"]}}, "per_query has 1 precisions, 1 ranks and 2 people"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(study: Study, tmp_path: Path, change: dict[str, object], message: str) -> None:
    finish(study, tmp_path / "runs")
    file, run = tmp_path / "results.json", study.runs()[0]
    KeptResults(file).add(run, tmp_path / "runs")
    values = json.loads(file.read_text())
    file.write_text(json.dumps({name: kept | change for name, kept in values.items()}))
    with pytest.raises(ValueError, match=message) as raised:
        KeptResults(file).result(run)
    assert str(file) in str(raised.value)
