"""What tests of several commands share."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalereid.cli import main
from scalereid.data.records import ReidDataset
from scalereid.experiments.training import train
from scalereid.runs.recipe import Recipe, ScheduleSettings
from tests.cli.json_page import section, undocumented

Say = Callable[..., str]
Answer = Callable[..., Any]
Fail = Callable[..., str]

SMALL = ["--data.dataset", "csv", "--data.image-size", "64", "32", "--data.batch-size", "16", "--schedule.epochs", "1"]
"""Settings that make a recipe's training take seconds."""
ONE_STREAM = ["--model.backbone", "osnet_one_stream", "--model.width", "0.25"]


@pytest.fixture(scope="session")
def runs(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that has learned next to nothing, `short`, and a longer one, `long`."""
    from tests.conftest import TINY

    folder = tmp_path_factory.mktemp("runs")
    for name, epochs, rate in (("short", 1, 1e-6), ("long", 4, 0.01)):
        recipe: Recipe = replace(
            TINY,
            schedule=ScheduleSettings(epochs=epochs, decay="cosine"),
            optimizer=replace(TINY.optimizer, lr=rate),
            evaluation=replace(TINY.evaluation, every=100),
        )
        train(recipe, data=people.root, out=folder / name)
    return folder


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people each of one colour, so that any network tells them apart."""
    folder = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    lines = ["split,path,pid,camid"]
    for pid in range(1, 11):
        colour = rng.integers(0, 255, 3)
        for camid, split in ((1, "query"), (2, "gallery"), (3, "gallery")):
            noisy = (colour + rng.normal(0, 12, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{pid}_{camid}.png")
            lines.append(f"{split},{pid}_{camid}.png,{pid},{camid}")
    (folder / "dataset.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that succeeds; what it prints."""

    def run(*words: str | Path) -> str:
        capsys.readouterr()
        main([*map(str, words)])
        return capsys.readouterr().out

    return run


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    """Run a command with --json; the one document on standard output, whose keys are those of its page."""

    def run(*words: str | Path) -> Any:
        capsys.readouterr()
        main([*map(str, words), "--json"])
        document = json.loads(capsys.readouterr().out)
        assert undocumented(section([*map(str, words)]), document) == set()
        return document

    return run


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str]) -> Fail:
    """Run a command that exits with `code`; what it prints."""

    def run(*words: str | Path, code: int = 1) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*map(str, words)])
        assert ended.value.code == code
        captured = capsys.readouterr()
        return captured.err + captured.out

    return run
