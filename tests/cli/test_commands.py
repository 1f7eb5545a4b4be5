import inspect
import re
from pathlib import Path

import pytest

from scalereid.cli import main
from scalereid.cli.commands import COMMANDS, GROUPS
from scalereid.cli.parsing import load

FUNCTIONS = [function for command in COMMANDS.values() for function in (command.function, command.resume) if function]


@pytest.mark.parametrize("columns", ["80", "200"])
@pytest.mark.parametrize("name", [*COMMANDS, *(f"{name} --resume" for name, own in COMMANDS.items() if own.resume)])
def test_help_is_short_lines_that_are_not_dimmed(
    name: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(SystemExit, match="0"):
        main([*name.split(), "--help"])
    text = capsys.readouterr().out
    assert text.startswith(f"usage: scalereid {name.removesuffix(' --resume')} ")
    assert "\x1b[" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_command_has_its_function(function: str) -> None:
    loaded = load(function)
    assert inspect.getdoc(loaded)
    assert len(inspect.signature(loaded).parameters) <= 8


def test_the_list_of_commands_is_narrow(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS if name.split()[0] not in GROUPS)
    assert all(text.count(f"  {group} ") == 1 for group in GROUPS)
    assert max(map(len, text.splitlines())) <= 80


def test_the_page_of_commands_lists_them_with_their_summaries() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
    listed = re.findall(r"^\| `([^`-]+)` \| (.+\.) \|$", page.read_text(), re.MULTILINE)
    assert dict(listed) == {name: command.summary for name, command in COMMANDS.items()}
