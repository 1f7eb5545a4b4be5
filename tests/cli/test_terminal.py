import json

import pytest
from rich.table import Table

from scalereid.cli.terminal import Output, program


def table() -> Table:
    shown = Table("name")
    shown.add_row("a cell")
    return shown


def test_lines_and_tables_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.say("a line [not markup]")
    output.show(table())
    output.result({"x": 1})
    captured = capsys.readouterr()
    assert captured.out.startswith("a line [not markup]\n")
    assert "a cell" in captured.out
    assert '"x"' not in captured.out + captured.err


def test_one_document_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.say("a line")
    with output.progress.stage("counting", 2) as advance:
        advance(2)
    output.show(table())
    output.result({"x": 1})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"x": 1}
    assert captured.err.startswith("a line\ncounting: 2 images")
    assert "a cell" not in captured.err


@pytest.mark.usefixtures("second_of_two")
def test_the_first_of_several_processes_alone_prints(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.say("a line")
    output.show(table())
    assert capsys.readouterr() == ("", "")


def test_no_value_is_written_that_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Output(as_json=True).result({"x": float("nan")})


def test_names_from_elsewhere_neither_move_the_cursor_nor_are_markup(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b[2J[red]:smile:[/nothing]\r\udcff"
    shown = Table(name, title=name, caption=name)
    shown.add_row(name)
    output = Output()
    output.say(f"two\nlines: {name}")
    output.show(shown)
    output.caution([name])
    text = capsys.readouterr().out
    assert text.startswith("two\nlines: \\x1b[2J[red]:smile:[/nothing]\\r\\xff\n")
    assert text.count(r"\x1b[2J[red]:smile:[/nothing]\r\xff") == 6
    assert {*text} & {"\x1b", "\r", "\udcff"} == set()


def test_json_has_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b[2J\udcff\n"
    Output(as_json=True).result({name: name})
    assert json.loads(capsys.readouterr().out) == {name: name}


def test_the_program_is_named_as_it_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for given, named in (("/x/scalereid/__main__.py", "python -m scalereid"), ("bin/scalereid", "bin/scalereid")):
        monkeypatch.setattr("sys.argv", [given])
        assert program() == named
