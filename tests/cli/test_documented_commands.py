"""Every command that README and docs show is understood."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from scalereid.cli.parsing import parse

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each `scalereid …` line in the page's sh blocks, up to a pipe or redirection."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL):
        for line in dedent(block).replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["scalereid"]:
                end = next((i for i, word in enumerate(words) if word in ("|", ">", "&&")), len(words))
                yield ["toy" if word == "RECIPE" else word for word in words[1:end]]


SHOWN = {" ".join([page.name, *words]): words for page in PAGES for words in commands(page)}


def test_there_are_commands_to_try() -> None:
    assert len(SHOWN) > 20


@pytest.mark.parametrize("words", SHOWN.values(), ids=SHOWN)
def test_it_is_understood(words: list[str]) -> None:
    if words[-1] not in ("--help", "--version"):
        assert callable(parse(words))
