import re
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.training import train
from scalereid.runs.recipe import ScheduleSettings
from tests.cli.conftest import Answer, Fail, Say
from tests.conftest import TINY


def test_the_better_model_is_found(runs: Path, people: ReidDataset, say: Say, answer: Answer) -> None:
    words = ("compare", runs / "short", runs / "long", "--data", people.root)
    text = say(*words)
    rows = re.findall(r"│ (\d) +│ ([\d.]+)%", text)
    assert [name for name, _ in rows] == ["1", "2"]
    assert "1: osnet_one_stream (short), 64×32" in text
    gain = re.search(r"mAP ([+-][\d.]+) points, 95 % interval", text)
    assert gain
    assert float(gain[1]) == pytest.approx(float(rows[1][1]) - float(rows[0][1]), abs=0.011)
    assert text.count("caution: The scores are of 16 queries only") == 1  # of both models
    assert re.search(r"most better, by average precision:\n  \+0\.\d\d  \S+\.jpg", text)
    found = answer(*words)
    difference = found["other"]["scores"]["mAP"] - found["one"]["scores"]["mAP"]
    assert found["difference"] == pytest.approx(difference)
    assert found["interval"][0] <= found["difference"] <= found["interval"][1]
    assert found["better"] + found["worse"] + found["equal"] == 16
    changes = [query["change"] for query in found["most_better"]]
    assert changes == sorted(changes, reverse=True)
    assert min(changes) > 0


def test_a_model_is_as_good_as_itself(runs: Path, people: ReidDataset, say: Say) -> None:
    text = say("compare", runs / "long", runs / "long", "--data", people.root)
    assert "mAP +0.00 points, 95 % interval +0.00 to +0.00, which may be chance; 0 queries better, 0 worse" in text
    assert "most better" not in text


def test_a_model_that_is_not_there_is_named(runs: Path, people: ReidDataset, fail: Fail) -> None:
    said = fail("compare", runs / "long", runs / "gone", "--data", people.root)
    assert f"No weights at {runs / 'gone'}" in said
    assert "embedding" not in said  # by the first one


def test_both_are_scored_as_the_first_one_is(runs: Path, people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    recipe = replace(TINY, schedule=ScheduleSettings(epochs=1))
    evaluation = replace(recipe.evaluation, protocol="all-cameras", distance="euclidean")
    train(replace(recipe, evaluation=evaluation), data=people.root, out=tmp_path / "x")
    found = answer("compare", tmp_path / "x", runs / "long", "--data", people.root)
    how = [(found[name]["scores"]["distance"], found[name]["scores"]["protocol"]) for name in ("one", "other")]
    assert how == [("euclidean", "all-cameras")] * 2
