import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.cli.conftest import Answer, Fail, Say


def test_the_page_is_written_and_named(runs: Path, colours: Path, tmp_path: Path, say: Say, answer: Answer) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "short", run)
    assert say("report", run, "--data", colours).endswith(f"Look at it: {run}/report/index.html\n")
    assert {path.name for path in (run / "report").iterdir()} >= {"index.html", "curve.png", "ranked_lists.png"}
    found = answer("report", run, "--data", colours)
    assert found["page"] == str(run / "report" / "index.html")
    assert f"{found['evaluation']['scores']['mAP']:.2%}" in Path(found["page"]).read_text()


def test_answers_carry_their_probability(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    run, lists = tmp_path / "run", []
    shutil.copytree(runs / "short", run)
    for calibrated in (False, True):
        if calibrated:
            say("calibrate", run, "--data", colours)
        say("report", run, "--data", colours)
        with Image.open(run / "report" / "ranked_lists.png") as picture:
            lists.append(np.asarray(picture))
    assert (
        "Per cent: the probability of the same person, calibrated on colours"
        in (run / "report" / "index.html").read_text()
    )
    assert lists[0].shape == lists[1].shape
    assert (lists[0] != lists[1]).any()


def test_a_calibration_of_another_distance_is_not_shown(runs: Path, colours: Path, tmp_path: Path, say: Say) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "short", run)
    say("calibrate", run, "--data", colours, "--distance", "euclidean")
    assert "is of other weights or another distance and not shown" in say("report", run, "--data", colours)


def test_a_folder_that_is_not_a_run_is_named(tmp_path: Path, colours: Path, fail: Fail) -> None:
    assert f"{tmp_path} is not a run" in fail("report", tmp_path, "--data", colours)
