import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scalereid import __version__
from scalereid.cli import main
from scalereid.data.records import ReidDataset
from tests.cli.conftest import ONE_STREAM, SMALL, Fail, Say


def test_the_version(say: Say) -> None:
    assert re.fullmatch(r"scalereid \d+\.\d+\.\d+\n", say("--version"))


def test_a_command_line_that_is_not_understood_exits_with_2(fail: Fail) -> None:
    assert fail("evalute", code=2).startswith("scalereid: No such command: 'evalute'. Did you mean evaluate?")
    assert "is now a study" in fail("leave-one-out", "toy", code=2)


def test_an_error_exits_with_1_and_says_where_to_look(
    tmp_path: Path, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", tmp_path, "--data", tmp_path)
    assert re.search(r"^scalereid: .* is not a run.*\n\(SCALEREID_TRACEBACK=1 shows where", fail(*words))
    monkeypatch.setenv("SCALEREID_TRACEBACK", "1")

    with pytest.raises(FileNotFoundError):
        main([*map(str, words)])


def test_an_error_of_the_library_comes_with_the_flags_of_what_it_names(tmp_path: Path, fail: Fail) -> None:
    new = ("--data", tmp_path, "--out", tmp_path / "x")
    text = fail("train", "osnet_market1501", *new, "--schedule.epochs", "0")
    assert "schedule.epochs is 0; it must be at least 1\n(on the command line: --schedule.epochs)\n" in text
    text = fail("train", "osnet_market1501", *new, "--data.batch-size", "30", "--data.images-per-person", "4")
    assert "(on the command line: --data.batch-size, --data.images-per-person)" in text


def test_ctrl_c_saves_and_says_how_to_go_on(people: ReidDataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [
        "train",
        "toy",
        "--data",
        str(people.root),
        "--out",
        str(run),
        *SMALL,
        *ONE_STREAM,
        "--schedule.epochs",
        "500",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    program = [sys.executable, "-c", "from scalereid.cli import main; main()", *words]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        while not (run / "log.jsonl").is_file() or len((run / "log.jsonl").read_text().splitlines()) < 2:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(rf"stopped and saved\. Go on with:  \S+ train --resume {run}\n", text)
    assert (run / "resume.safetensors").is_file()


def test_the_module_is_the_command() -> None:
    found = subprocess.run([sys.executable, "-m", "scalereid", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout == f"scalereid {__version__}\n"
