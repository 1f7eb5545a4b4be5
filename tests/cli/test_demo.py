import re
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data import toy
from scalereid.recipes import RECIPES
from scalereid.runs.run import Run
from tests.cli.conftest import Answer, Say
from tests.conftest import TINY


def scores(text: str) -> list[float]:
    """The mAPs printed, of the untrained and the trained network, in per cent."""
    return [float(found) for found in re.findall(r"trained network: +mAP ([\d.]+)%", text)]


def test_demo_needs_nothing_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say, answer: Answer
) -> None:
    """The real command, on fewer people, smaller images and a smaller network for a shorter time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(toy.TOY_SETS, "toy", toy.TOY_SETS["toy"]._replace(train_people=4, test_people=2))
    recipe = RECIPES["toy"]
    smaller = replace(recipe.data, image_size=(64, 32))
    schedule = replace(recipe.schedule, epochs=1)
    monkeypatch.setitem(RECIPES, "toy", replace(TINY, data=smaller, schedule=schedule))
    text = say("demo")
    assert "Expected after training: mAP 82 to 87 %, rank-1 78 to 88 %" in text
    printed = scores(text)
    logged = [entry.scores for entry in Run(Path("runs/demo")).log()]
    assert printed == [round(100 * found.mAP, 2) for found in (logged[0], logged[-1]) if found]
    found = answer("demo")
    assert found["run"] == "runs/demo-2"
    assert [round(100 * each["mAP"], 2) for each in (found["untrained"], found["evaluation"]["scores"])] == printed
    assert Path(found["page"]).is_file()
    assert len(list(Path("data").iterdir())) == 1  # drawn once


@pytest.mark.slow
def test_demo_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.chdir(tmp_path)
    untrained, trained = scores(say("demo"))
    assert untrained < 10
    assert trained > 50
