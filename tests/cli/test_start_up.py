"""What help, lists and completion import: a person waits for each of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scalereid.cli import main
from scalereid.cli.commands import COMMANDS
from scalereid.data.records import ReidDataset

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


def test_files_in_onnx_are_used_without_torch(attribute_run: Path, people: ReidDataset, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra `export` is not installed")
    from tests.detection.graphs import write_detector, yolox

    model, picture = tmp_path / "model.onnx", people.query[0].path
    main(["export", str(attribute_run), "--format", "onnx", "--out", str(model)])
    people_found = write_detector(tmp_path / "found.onnx", {"output": yolox([(103, (0.5, 0.5, 1.0, 1.0), 0.9)])})
    out = [str(tmp_path / name) for name in ("boxes.csv", "drawn", "likelihoods.csv", "likelihoods.html")]
    detect = ["detect", str(picture), "--detector", str(people_found), "--out", out[0], "--draw", out[1]]
    attributes = ["attributes", str(model), str(picture), "--out", out[2], "--page", out[3]]
    assert importing({"torch"}, detect, attributes) == {}
    assert all(Path(file).exists() for file in out)
