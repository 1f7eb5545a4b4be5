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


def test_an_error_of_ours_exits_with_1_and_a_sentence(
    tmp_path: Path, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", tmp_path, "--data", tmp_path)
    assert fail(*words) == f"scalereid: {tmp_path} is not a run: recipe.json is missing\n"
    monkeypatch.setenv("SCALEREID_TRACEBACK", "1")

    with pytest.raises(FileNotFoundError):
        main([*map(str, words)])


def test_an_error_from_below_says_where_to_look(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.cli.listing.read_json", lambda _: Path("/dev/null/x").read_text())
    assert fail("models") == (
        "scalereid: [Errno 20] Not a directory: '/dev/null/x'\n(SCALEREID_TRACEBACK=1 shows where this was raised)\n"
    )


def test_an_error_that_nobody_expected_is_to_be_reported(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.cli.listing.read_json", lambda _: dict[str, int]()["\x1b[31m"])
    said = fail("models")
    assert said.startswith("Traceback (most recent call last):\n")
    assert "\nKeyError: '\\x1b[31m'\n" in said
    assert said.endswith(
        "\nscalereid: this error was not expected, here or in a package that scalereid uses: please report it\n"
    )


def test_too_little_memory_is_a_sentence(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.cli.listing.read_json", lambda _: bytearray(2**62))
    assert fail("models") == "scalereid: there is not enough memory, a smaller batch size needs less: \n"


def test_control_characters_of_names_are_escaped(tmp_path: Path, fail: Fail) -> None:
    name = "\x1b[31m[red]\r\udcff\x9b2J"
    assert fail("evaluate", tmp_path / name, "--data", tmp_path) == (
        f"scalereid: No weights at {tmp_path}/\\x1b[31m[red]\\r\\xff\\x9b2J\n"
    )


def test_an_error_of_the_library_comes_with_the_flags_of_what_it_names(tmp_path: Path, fail: Fail) -> None:
    new = ("--data", tmp_path, "--out", tmp_path / "x")
    text = fail("train", "osnet_market1501", *new, "--schedule.epochs", "0")
    assert "schedule.epochs is 0; it must be from 1 to 1,000,000\n(on the command line: --schedule.epochs)\n" in text
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


PROGRAM = [sys.executable, "-m", "scalereid"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_imports_ends_quietly(name: str, tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("import time; print('importing', flush=True); time.sleep(60)")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen(
        [*PROGRAM, "embed", "x", "y", "--out", "z.npz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "importing\n"
        process.send_signal(getattr(signal, name))
        text, _ = process.communicate(timeout=30)
    assert (process.returncode, text) == (128 + getattr(signal, name), "")


READING = """
import sys, time
from scalereid.data import images

def slowly(path):
    print("reading", flush=True)
    time.sleep(0.2)
    return loaded(path)

loaded, images.load_image = images.load_image, slowly
from scalereid.__main__ import main
sys.argv[1:] = {words}
main()
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SIGINT", ["evaluate", "{run}", "--data", "{data}"]),
        ("SIGTERM", ["search", "{run}", "{data}", "{data}", "--html", "{out}/found.html"]),
        ("SIGHUP", ["embed", "{run}", "{data}", "--out", "{out}/table.npz", "--runtime", "torch"]),
    ],
)
def test_a_signal_while_images_are_read_ends_quietly(
    name: str, words: list[str], runs: Path, people: ReidDataset, tmp_path: Path
) -> None:
    given = [word.format(run=runs / "short", data=people.root, out=tmp_path) for word in words]
    program = [sys.executable, "-c", READING.format(words=given)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while process.stdout.readline() != "reading\n":
            assert process.poll() is None
        process.send_signal(getattr(signal, name))
        sent = time.monotonic()
        _, error = process.communicate(timeout=60)
    assert time.monotonic() - sent < 10  # all 120 images would take longer
    assert (process.returncode, error) == (128 + getattr(signal, name), "stopped\n")
    assert [path.name for path in tmp_path.iterdir() if "lock" in path.name or "partial" in path.name] == []


@pytest.mark.parametrize("words", [["--help"], ["datasets"], ["datasets", "--json"], ["embed", "--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_error(words: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        [*PROGRAM, *words], stdout=writing, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_closed_streams_are_no_error() -> None:
    words = ["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *PROGRAM, "datasets"]
    assert subprocess.run(words, check=False).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device is full here")
@pytest.mark.parametrize("words", [["--version"], ["datasets"], ["datasets", "--json"]])
def test_output_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "scalereid: the output cannot be written: No space left on device\n"
