"""The completion script, tried in a real shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scalereid.cli.commands import COMMANDS
from scalereid.cli.completion import script
from scalereid.recipes import RECIPES
from tests.cli.conftest import Say

_ASK = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_scalereid
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "scalereid"
    file.write_text(script())
    return file


def complete(file: Path, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    asked = ["bash", "--norc", "-c", _ASK, "bash", str(file), *line.split(" ")]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("scalereid tr", ["train"]),
        ("scalereid data ", ["check", "unpack"]),
        ("scalereid data c", ["check"]),
        ("scalereid train osnet_market1501_", [name for name in RECIPES if name.startswith("osnet_market1501_")]),
        ("scalereid nas nas_t", ["nas_toy"]),
        ("scalereid evaluate runs/x --dist", ["--distance"]),
        ("scalereid evaluate runs/x --distance ", ["cosine", "euclidean"]),
        (
            "scalereid train toy --data.im",
            ["--data.image-size", "--data.images-per-person", "--data.images-per-person-from-epoch"],
        ),
        ("scalereid train --res", ["--resume"]),
        ("scalereid data check x --prot", ["--protocol"]),
        ("scalereid embed x y --no", ["--no-normalize"]),
        ("scalereid evaluate x --dataset vi", ["viper"]),
        ("scalereid train toy --model.backbone dslnet_not", ["dslnet_not_dense"]),
        ("scalereid evaluate run", []),  # then bash offers files
        ("scalereid evaluate x --out ", []),
    ],
)
def test_bash_offers_what_fits(file: Path, line: str, offered: list[str]) -> None:
    assert complete(file, line) == offered


def test_all_commands_are_offered(file: Path) -> None:
    assert complete(file, "scalereid ") == list(dict.fromkeys(name.split()[0] for name in COMMANDS))


def test_the_command_prints_the_script(say: Say, file: Path) -> None:
    assert say("completion") == file.read_text()


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_reads_it(file: Path) -> None:
    program = f"autoload -U compinit && compinit -u && source {file} && whence _scalereid"
    assert subprocess.run(["zsh", "-fc", program], check=True, capture_output=True, text=True).stdout == "_scalereid\n"
