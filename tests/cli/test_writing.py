"""Where a command writes is looked at before anything is read, computed or drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from scalereid.cli.commands import COMMANDS
from scalereid.cli.flags import flags
from scalereid.cli.parsing import load
from scalereid.locks import locked
from tests.cli.conftest import Fail

MODEL, DATA = "no/such/model", ["--data", "no/such/data"]
OUTPUTS: dict[tuple[str, str], list[str]] = {
    ("demo", "--out"): [],
    ("demo", "--data"): [],
    ("train", "--out"): ["toy", *DATA, "--genotype", MODEL],
    ("nas", "--out"): ["nas_toy", *DATA],
    ("study", "--out"): ["no_such_study.py", *DATA],
    ("study", "--results"): ["no_such_study.py", *DATA, "--out", "study"],
    ("evaluate", "--out"): [MODEL, *DATA],
    ("calibrate", "--out"): [MODEL, *DATA],
    ("label", "--out"): [MODEL, "no/such/images"],
    ("report", "--out"): [MODEL, *DATA],
    ("look", "--out"): [MODEL, *DATA],
    ("attributes", "--out"): [MODEL, "no/such/images"],
    ("attributes", "--page"): [MODEL, "no/such/images"],
    ("detect", "--out"): ["no/such/images", "--detector", "no.onnx"],
    ("detect", "--draw"): ["no/such/images", "--detector", "no.onnx"],
    ("search", "--html"): [MODEL, "no/such/query", "no/such/gallery"],
    ("search", "--picture"): [MODEL, "no/such/query", "no/such/gallery"],
    ("embed", "--out"): [MODEL, "no/such/images"],
    ("export", "--out"): [MODEL],
    ("quantize", "--out"): [MODEL, *DATA, "--dataset", "toy"],
    ("gallery search", "--picture"): ["no/such/gallery", "no/such/image"],
    ("gallery similar", "--picture"): ["no/such/gallery", "1"],
    ("gallery show", "--picture"): ["no/such/gallery"],
    ("gallery group", "--picture"): ["no/such/gallery"],
    ("gallery export", "--out"): ["no/such/gallery", "1"],
}
"""Each option that names what a command writes, and the other words of a command line on which nothing else exists."""
SUFFIXES = {
    "label": ".html",
    "look": ".html",
    "--page": ".html",
    "attributes": ".csv",
    "--draw": "",
    "detect": ".csv",
    "--html": ".html",
    "--picture": ".png",
    "embed": ".npz",
    "export": ".onnx",
    "quantize": ".xml",
}
NEW = {"train", "nas", "label", "embed", "export", "quantize", "gallery export", "attributes --out", "detect --draw"}
"""Commands, and options of others, that write over nothing."""
READ = {"--detector", "--tokens", "--data", "--genotype", "--resume", "--calibration", "--pairs"}
"""Options of paths that are only read, but for the folder in which `demo` draws."""


def path_options(command: str) -> Iterator[str]:
    """The options of a command that take a path."""
    for name, kind in flags_with_types(command):
        if Path in (kind, *get_args(kind)):
            yield name


def flags_with_types(command: str) -> Iterator[tuple[str, Any]]:
    from dataclasses import is_dataclass
    from inspect import signature
    from typing import Annotated, get_type_hints

    known = {flag.argument: flag.name for flag in flags(load(COMMANDS[command].function))}

    def walk(holder: Any) -> Iterator[tuple[str, Any]]:
        hints = get_type_hints(holder, include_extras=True)
        for name in signature(holder).parameters:
            kind = hints[name]
            kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
            if isinstance(kind, type) and is_dataclass(kind):
                yield from walk(kind)
            elif name in known:
                yield known[name], kind

    return walk(load(COMMANDS[command].function))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_names_an_output_is_in_the_table(command: str) -> None:
    written = {option for name, option in OUTPUTS if name == command}
    read = READ - ({"--data"} if command == "demo" else set())
    assert {*path_options(command)} - read == written


def words(command: str, option: str, path: Path) -> list[str]:
    return [*command.split(), *OUTPUTS[command, option], option, str(path)]


@pytest.mark.parametrize(("command", "option"), OUTPUTS)
def test_an_output_that_cannot_be_written_is_found_first(
    command: str, option: str, tmp_path: Path, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    out = tmp_path / "file" / f"out{SUFFIXES.get(option, SUFFIXES.get(command, ''))}"
    said = fail(*words(command, option, out))
    assert f"cannot be written: {tmp_path}/file is not a folder; choose another name" in said
    assert f"scalereid: {out}" in said
    assert "SCALEREID_TRACEBACK" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(("command", "option"), [name for name in OUTPUTS if name != ("demo", "--data")])
def test_an_output_of_the_wrong_kind_is_found_first(command: str, option: str, tmp_path: Path, fail: Fail) -> None:
    """A folder that is not empty in place of a file, or a file in place of a folder."""
    folder = (command, option) in {("study", "--out"), ("calibrate", "--out")}
    out = tmp_path / f"out{SUFFIXES.get(option, SUFFIXES.get(command, ''))}"
    if command == "demo":
        pytest.skip("demo adds a number to the name of a run that exists")
    if folder:
        out.touch()
    else:
        (out / "inside").mkdir(parents=True)
    reason = "is not a folder" if folder else "exists" if {command, f"{command} {option}"} & NEW else "it is a folder"
    assert reason in fail(*words(command, option, out))


@pytest.mark.parametrize(("command", "option"), [name for name in OUTPUTS if name[0] != "demo"])
def test_an_output_that_another_process_writes_is_found_first(
    command: str, option: str, tmp_path: Path, fail: Fail
) -> None:
    out = tmp_path / f"out{SUFFIXES.get(option, SUFFIXES.get(command, ''))}"
    with locked(out / "calibration.json" if command == "calibrate" else out):
        said = fail(*words(command, option, out))
    assert "is being written by another process; wait until it has ended, or choose another name" in said
