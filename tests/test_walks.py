"""The walks in docs/architecture.md are those that the program takes."""

import re
import sys
from collections import Counter
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType

import pytest

import scalereid
from scalereid import cli
from scalereid.data.records import ReidDataset

PACKAGE = Path(scalereid.__file__).parent
PAGE = PACKAGE.parent.parent / "docs" / "architecture.md"
SMALL = ["--data.dataset", "csv", "--data.image-size", "64", "32", "--data.batch-size", "16", "--schedule.epochs", "1"]
NETWORK = ["--model.backbone", "osnet_one_stream", "--model.width", "0.25"]


def written(command: str) -> list[str]:
    """The files of a walk, in the order of the page."""
    text = PAGE.read_text().partition(f"**`scalereid {command}")[2]
    return re.findall(r"`([\w/]+\.py)`", text.partition("\n**")[0].partition("\n## ")[0])


def taken(words: list[str]) -> list[str]:
    """The files that a command enters, in the order of their first entries."""
    entered: dict[str, None] = {}
    package = f"{PACKAGE}/"

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        handed_on = code.co_name[0] == "<" or code.co_name.endswith("_json")  # values are read and written anywhere
        is_function = code.co_flags & CO_OPTIMIZED  # not a module or a class that is being defined
        if event == "call" and is_function and not handed_on and code.co_filename.startswith(package):
            entered.setdefault(code.co_filename)

    sys.setprofile(note)
    try:
        cli.main(words)
    finally:
        sys.setprofile(None)
    return [file.removeprefix(package) for file in entered]


def test_the_walks(people: ReidDataset, tmp_path: Path) -> None:
    data = ["--data", str(people.root)]
    for command, words in (
        ("train", ["train", "toy", *data, "--out", str(tmp_path / "x"), *SMALL, *NETWORK]),
        ("evaluate", ["evaluate", str(tmp_path / "x"), *data]),
    ):
        files = written(command)
        assert len(files) > 15
        order = [*dict.fromkeys(files)]
        really = taken(words)
        assert [file for file in really if file in order] == order


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_no_file_is_entered_more_than_twice(command: str) -> None:
    assert max(Counter(written(command)).values()) <= 2
