"""What help, lists and completion import: a person waits for each of them."""

import json
import subprocess
import sys

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
LIGHT = {"numpy", "PIL", "rich", "tyro"}
LISTS = ["completion", "models", "recipes", "datasets"]
RUN = """
import json, sys
from scalereid.cli import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as end:
        assert not end.code, end
    print()
    print(json.dumps([words, sorted({name.partition('.')[0] for name in sys.modules})]))
"""


def importing(packages: set[str], *commands: list[str]) -> dict[str, set[str]]:
    """Which of the packages are imported once a command has ended, in a process that runs one after the other.

    By command; those that import none are left out.
    """
    done = subprocess.run([sys.executable, "-c", RUN, json.dumps(commands)], check=True, capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('[["')]
    assert [words for words, _ in told] == list(commands)
    return {" ".join(words): found for words, names in told if (found := packages.intersection(names))}


def test_the_list_of_commands_imports_hardly_anything() -> None:
    assert importing(HEAVY | LIGHT, ["--version"], ["data"], ["--help"]) == {}


def test_help_lists_and_completion_do_not_wait_for_torch() -> None:
    found = importing(
        HEAVY,
        *([*name.split(), "--help"] for name in COMMANDS),
        *([name] for name in LISTS),
        ["train", "toy", "--help"],
        ["train", "--resume", "--help"],
    )
    assert found == {}
