import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Fail, Say
from tests.inference.conftest import CALIBRATION


def test_the_page_of_a_run_is_in_it(runs: Path, colours: Path, tmp_path: Path, say: Say, answer: Answer) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "short", run)
    assert say("report", run, "--data", colours).endswith(f"Look at it: {run}/report/index.html\n")
    found = answer("report", run, "--data", colours)
    assert found["page"] == str(run / "report" / "index.html")
    assert f"{found['evaluation']['scores']['mAP']:.2%}" in Path(found["page"]).read_text()


def test_any_model_on_any_data(
    runs: Path, colours: Path, tmp_path: Path, answer: Answer, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, page = tmp_path / "weights.safetensors", tmp_path / "new" / "page.html"
    shutil.copy(runs / "long" / "last.safetensors", weights)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)  # which only a log needs
    found = answer("report", weights, "--data", colours, "--dataset", "csv", "--out", page)
    assert found["page"] == str(page)
    assert f"<h1>osnet_one_stream (weights.safetensors) on {colours.name}</h1>" in page.read_text()
    assert "<h2>Training</h2>" not in page.read_text()
    failed = fail("report", weights, "--data", colours)
    assert (
        f"{weights} is not a run to keep a report in; name a file: out=page.html\n(on the command line: --out)"
        in failed
    )


def test_a_run_elsewhere(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    page = tmp_path / "page.html"
    say("report", runs / "long", "--data", colours, "--out", page)
    assert "<h2>Training</h2>" in page.read_text()
    assert not (runs / "long" / "report").exists()


def test_answers_carry_their_probability(
    runs: Path, colours: Path, tmp_path: Path, say: Say, answer: Answer, fail: Fail
) -> None:
    run, weights, page = tmp_path / "run", tmp_path / "run" / "last.safetensors", tmp_path / "page.html"
    shutil.copytree(runs / "short", run)
    fingerprint = answer("report", run, "--data", colours)["evaluation"]["model_fingerprint"]
    assert "Per cent" not in (run / "report" / "index.html").read_text()
    fitting = replace(CALIBRATION, fingerprint=fingerprint)
    fitting.save(run / "calibration.json")
    words = ("--data", colours, "--out", page)
    for named in ([run], [weights, "--calibration", run / "calibration.json"]):
        say("report", *named, *words)
        assert "Per cent: the probability of the same person, calibrated on toy (123)" in page.read_text()
    said = fail("report", weights, "--calibration", tmp_path / "gone.json", *words)
    assert f"no calibration at {tmp_path / 'gone.json'}" in said
    assert "embedding" not in said
    replace(fitting, distance="euclidean").save(run / "calibration.json")
    text = say("report", run, *words)
    assert "no probabilities: the calibration is of the euclidean distance, not of the cosine distance" in text
    assert "Per cent" not in page.read_text()
