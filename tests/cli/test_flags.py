import re

import pytest

from scalereid.cli import main
from scalereid.cli.commands import COMMANDS
from scalereid.cli.flags import flags
from scalereid.cli.parsing import load


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_are_those_of_the_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*name.split(), "--help"])
    lines = re.findall(r"^[│ ] +(--[a-z].*)", capsys.readouterr().out, re.MULTILINE)
    shown = [flag for line in lines for flag in re.findall(r"(?:^|, )(--[a-z][a-z.-]+)", line)]
    assert sorted(shown) == sorted(flag.name for flag in flags(load(COMMANDS[name].function)))


def test_choices() -> None:
    found = {flag.argument: flag.choices for flag in flags(load("evaluate:evaluate"))}
    assert found["distance"] == ("cosine", "euclidean")
    assert found["data"] == ()
