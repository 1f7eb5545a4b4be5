import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.kept_results import KeptResults, PackedQueries
from scalereid.experiments.study import Row, Study, run_study
from scalereid.experiments.study_table import tabulate
from scalereid.files import sha256
from scalereid.locks import locked
from scalereid.retrieval.per_query import PerQuery
from scalereid.runs.recipe import Recipe
from tests.experiments.finished_runs import write_run, write_run_of_own_code

NAN = float("nan")
ONE, TWO = (asdict(PackedQueries.pack(PerQuery(np.ones(n), np.ones(n, int), np.ones(n, int)))) for n in (1, 2))


@pytest.fixture
def study(tiny: Recipe) -> Study:
    return Study(rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})}, seeds=(0, 1))


def finish(study: Study, out: Path) -> None:
    for number, run in enumerate(study.runs()):
        also = [[0.2 * number, 0.5]] if run.recipe.evaluation.also else []
        write_run(run, out, [0.1 * number, 1.0, NAN, 1 / 3], pids=[5, 5, 6, 7], also=also)


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


def test_numbers_of_people_that_need_64_bits() -> None:
    pids = np.array([20260101001, 2**62, -(2**31) - 1])
    queries = PerQuery(np.ones(3), np.ones(3, int), pids)
    assert PackedQueries.pack(queries).unpack().pids.tolist() == pids.tolist()


@pytest.mark.parametrize("also", [[], ["csv@away"]])
def test_a_table_needs_only_what_is_kept(study: Study, tmp_path: Path, also: list[str]) -> None:
    """The same table as from the runs, but for what rounding leaves of the interval."""
    rows = {name: Row(row.base, {**row.changes, "evaluation.also": also}) for name, row in study.rows.items()}
    study = replace(study, rows=rows)
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
    assert table.targets == from_runs.targets
    for row, row_of_runs in zip(table.rows, from_runs.rows, strict=True):
        assert row.seeds == row_of_runs.seeds == (0, 1)
        on_each = list(zip((row, *row.also), (row_of_runs, *row_of_runs.also), strict=True))
        assert len(on_each) == 1 + len(also)
        for one, other in on_each:
            assert (one.scores, one.how) == (other.scores, other.how)
            assert bool(one.difference) == bool(other.difference) == (row.name == "b")
            if one.difference and other.difference:
                expected = (other.difference.mean, other.difference.low, other.difference.high)
                found = (one.difference.mean, one.difference.low, one.difference.high)
                assert found == pytest.approx(expected, abs=1e-5)


def test_each_run_is_a_line_without_paths(study: Study, tmp_path: Path) -> None:
    finish(study, tmp_path)
    kept = KeptResults(tmp_path / "results.json")
    for run in study.runs():
        kept.add(run, tmp_path)
    lines = (tmp_path / "results.json").read_text().splitlines()
    assert len(lines) == 6
    assert str(tmp_path) not in "".join(lines)
    values = json.loads("".join(lines))["a/seed-1"]
    assert (values["targets"]["csv"]["fingerprint"], values["device"]) == ("fingerprint of csv", "cpu")
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


def test_results_on_another_version_of_a_dataset_are_refused(people: ReidDataset, study: Study, tmp_path: Path) -> None:
    """Their seeds would be averaged with those that are trained here."""
    finish(study, tmp_path / "runs")
    file, here = tmp_path / "results.json", people.fingerprint()
    KeptResults(file).add(study.runs()[0], tmp_path / "runs")
    message = f"has a result of a/seed-0 on another csv: its fingerprint was fingerprint of csv and is {here} here"
    with pytest.raises(ValueError, match=message):
        run_study(study, data=people.root, out=tmp_path / "new", results=file)
    assert not (tmp_path / "new" / "a").exists()


def test_results_of_other_training_images_are_refused(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    rows = {"a": Row(tiny, {"data.dataset": f"csv@{people.root.name}", "evaluation.dataset": "csv@x"})}
    (run,) = Study(rows=rows, seeds=(0,)).runs()
    write_run(run, tmp_path / "runs", [0.5])
    kept = KeptResults(tmp_path / "results.json")
    kept.add(run, tmp_path / "runs")
    with pytest.raises(ValueError, match=f"has a result of a/seed-0 on another csv@{people.root.name}: .* is new here"):
        KeptResults(kept.file).require_same_datasets({f"csv@{people.root.name}": "new"})
    values = json.loads(kept.file.read_text())
    del values["a/seed-0"]["source"]  # kept by an earlier version
    kept.file.write_text(json.dumps(values))
    KeptResults(kept.file).require_same_datasets({f"csv@{people.root.name}": "new"})


def test_results_of_two_versions_of_a_dataset_are_refused(study: Study, tmp_path: Path) -> None:
    """As of two machines, put into one file by hand; nothing is trained or read here."""
    finish(study, tmp_path / "runs")
    file = tmp_path / "results.json"
    for run in study.runs():
        KeptResults(file).add(run, tmp_path / "runs")
    values = json.loads(file.read_text())
    values["b/seed-1"]["targets"]["csv"]["fingerprint"] = "other"
    file.write_text(json.dumps(values))
    message = (
        "result of b/seed-1 on another csv: its fingerprint was other and is fingerprint of csv of other results in it"
    )
    with pytest.raises(ValueError, match=message):
        run_study(study, data=tmp_path, out=tmp_path / "new", results=file)


def test_results_of_other_code_are_refused(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = Path("net.py")
    run = write_run_of_own_code("a", tiny, code, tmp_path / "runs")
    KeptResults(tmp_path / "results.json").add(run, tmp_path / "runs")
    assert run in KeptResults(tmp_path / "results.json")
    code.write_text("SIZE = 7")
    with pytest.raises(ValueError, match=r"results\.json has a result of a/seed-0 by another net\.py; put that back"):
        _ = run in KeptResults(tmp_path / "results.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": "long"}, r"results\.a/seed-0\.seconds is 'long', not float"),
        ({"recipe": {"seed": -1}}, "seed is -1"),
        ({"more": 1}, "has no more"),
        ({"targets": {}}, "targets are , not those of the recipe: .*'csv'"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(study: Study, tmp_path: Path, change: dict[str, object], message: str) -> None:
    finish(study, tmp_path / "runs")
    file, run = tmp_path / "results.json", study.runs()[0]
    KeptResults(file).add(run, tmp_path / "runs")
    values = json.loads(file.read_text())
    file.write_text(json.dumps({name: kept | change for name, kept in values.items()}))
    with pytest.raises(ValueError, match=message) as raised:
        KeptResults(file).results(run)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("per_query", "message"),
    [
        ({"average_precision": "\"", "first_match": "", "pids": ""}, "a/seed-0: per_query cannot be unpacked"),
        ({**ONE, "pids": TWO["pids"]}, "per_query has 1 precisions, 1 ranks and 2 people"),
    ],
)  # fmt: skip
def test_damaged_results_of_queries_are_named(
    study: Study, tmp_path: Path, per_query: dict[str, str], message: str
) -> None:
    finish(study, tmp_path / "runs")
    file, run = tmp_path / "results.json", study.runs()[0]
    KeptResults(file).add(run, tmp_path / "runs")
    values = json.loads(file.read_text())
    values[run.name]["targets"]["csv"]["per_query"] = per_query
    file.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message) as raised:
        KeptResults(file).results(run)
    assert str(file) in str(raised.value)
