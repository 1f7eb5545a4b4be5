"""docs/papers.md names commands and recipes that exist, and every recipe with scores from a paper."""

import itertools
import re
import shlex
from pathlib import Path

import pytest

from scalereid.cli.parsing import parse
from scalereid.recipes import PUBLISHED

PAGE = Path(__file__).parent.parent / "docs" / "papers.md"
_TRAINS = ["--data", "x", "--out", "y"]
REQUIRED = {"train": _TRAINS, "nas": _TRAINS, "look": ["--data", "x"], "report": ["--data", "x"]}


def spelled_out(text: str) -> list[str]:
    """What a text with braces stands for: `{a,b}_c` for a_c and b_c."""
    parts = [part.split(",") for part in re.split(r"\{([^}]*)\}", text)[1::2]]
    fixed = re.split(r"\{[^}]*\}", text)
    return [
        "".join(itertools.chain(*itertools.zip_longest(fixed, chosen, fillvalue="")))
        for chosen in itertools.product(*parts)
    ]


SHOWN = [each for text in re.findall(r"`(scalereid [^`]+)`", PAGE.read_text()) for each in spelled_out(text)]


def test_braces() -> None:
    assert spelled_out("x_{a,b}_y_{c,d}") == ["x_a_y_c", "x_a_y_d", "x_b_y_c", "x_b_y_d"]
    assert spelled_out("plain") == ["plain"]


@pytest.mark.parametrize("command", SHOWN)
def test_commands_and_recipes_exist(command: str) -> None:
    _, *words = shlex.split(command)
    assert callable(parse([*words, *REQUIRED.get(words[0], [])]))


def test_every_recipe_with_scores_from_a_paper_is_named() -> None:
    named = {word for command in SHOWN for word in shlex.split(command)}
    of_papers = {name for name, row in PUBLISHED.items() if row.scores and "torchreid's model zoo" not in row.source}
    assert of_papers - named == set()
