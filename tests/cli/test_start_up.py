"""What help, lists and completion import: a person waits for each of them."""

import subprocess
import sys

import pytest

from scalereid.cli.commands import COMMANDS

HEAVY = {
    "torch",
    "safetensors",
    "scipy",
    "onnx",
    "onnxruntime",
    "openvino",
    "matplotlib",
    "sklearn",
    "pyarrow",
    "filelock",
}
LISTS = ["completion", "models", "recipes", "datasets"]
RUN = """
import atexit, sys
from scalereid.cli import main
atexit.register(lambda: print(*{name.partition('.')[0] for name in sys.modules}))
main(sys.argv[1:])
"""


def imported(*words: str) -> set[str]:
    """The packages that are imported once a command has ended."""
    done = subprocess.run([sys.executable, "-c", RUN, *words], check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["data"]])
def test_the_list_of_commands_imports_hardly_anything(words: list[str]) -> None:
    assert imported(*words) & (HEAVY | {"numpy", "PIL", "rich", "tyro"}) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_does_not_wait_for_torch(name: str) -> None:
    assert imported(*name.split(), "--help") & HEAVY == set()


@pytest.mark.parametrize(
    "words", [*([name] for name in LISTS), ["train", "toy", "--help"], ["train", "--resume", "--help"]]
)
def test_lists_and_completion_do_not_wait_for_torch(words: list[str]) -> None:
    assert imported(*words) & HEAVY == set()
