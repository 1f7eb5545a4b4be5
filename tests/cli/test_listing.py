import re
import subprocess
import sys

import pytest

from scalereid.data import DATASETS
from scalereid.models import BACKBONES
from scalereid.recipes import RECIPES
from tests.cli.conftest import Answer, Fail, Say


def test_models(say: Say, answer: Answer) -> None:
    assert re.search(r"osnet_x1_0 .*2,169,508 .*978\.88 M", say("models"))
    found = answer("models")
    assert [model["name"] for model in found] == [*BACKBONES]
    assert found[0] == {"name": "osnet_x1_0", "parameters": 2_169_508, "multiply_adds": 978_875_392}


@pytest.mark.parametrize("command", ["models", "recipes", "datasets"])
def test_lists_do_not_wait_for_torch(command: str) -> None:
    program = (
        f"import sys\nfrom scalereid.cli import main\nmain([{command!r}])\nassert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_recipes(say: Say, answer: Answer, fail: Fail) -> None:
    text = say("recipes")
    assert all(name in text for name in RECIPES)
    assert re.search(r"dslnet_market1501_etrihard +95\.1 / 87\.3 +cosine", text)
    assert "The text swaps the learning rates" in text
    text = say("recipes", "dslnet", "cuhk03")
    assert "dslnet_not_dense_cuhk03" in text
    assert "osnet_cuhk03" not in text
    assert "No recipe has x and y in its name" in fail("recipes", "x", "y")
    found = {recipe["name"]: recipe for recipe in answer("recipes")}
    assert found.keys() == RECIPES.keys()
    assert found["dslnet_market1501_etrihard"]["rank1"] == pytest.approx(0.951)
    assert found["toy"]["mAP"] is None


def test_datasets(say: Say, answer: Answer) -> None:
    text = say("datasets")
    assert re.search(r"viper#1 … #10 +\S", text)
    assert re.search(r"cuhk03-pair1, #1 … #10 +\S", text)
    found = {dataset["name"]: dataset for dataset in answer("datasets")}
    assert found.keys() == DATASETS.keys()
    assert (found["viper"]["splits"], found["market1501"]["splits"]) == (10, 1)
    assert all(dataset["description"] for dataset in found.values())
