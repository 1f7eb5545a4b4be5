"""The house stays in order: who may import whom, and how long a file may be."""

import ast
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "scalereid"
LAYERS = [  # a folder or file may import only what stands above it
    {"data", "models"},
    {"training", "retrieval"},
    {"recipe"},
    {"recipes", "run", "process", "progress"},
    {"assembly", "testside"},
    {"checkpoint"},
    {"resume", "evaluation", "inference"},
    {"experiment", "figures", "tables"},
    {"series"},
    {"cli"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
LONGEST = 300


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("scalereid.") and not name.endswith("__version__")}


def wrong_imports(own: str, file: Path) -> list[str]:
    return [
        f"{file.name} imports {other}, which is not below {own}"
        for other in sorted(imported(file) - {own})
        if LEVEL[other] >= LEVEL[own]
    ]


def test_every_part_has_a_layer() -> None:
    assert {part_of(file) for file in PACKAGE.rglob("*.py")} - {"__init__"} == LEVEL.keys()


def test_lower_layers_do_not_import_higher_ones() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if part_of(file) != "__init__"]
    assert [problem for file in files for problem in wrong_imports(part_of(file), file)] == []


def test_a_wrong_import_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "metrics.py"
    file.write_text("from scalereid.data import DATASETS\nfrom scalereid import recipe\nimport scalereid.cli\n")
    assert wrong_imports("retrieval", file) == [
        "metrics.py imports cli, which is not below retrieval",
        "metrics.py imports recipe, which is not below retrieval",
    ]
    assert wrong_imports("cli", file) == []


def test_files_fit_a_readers_head() -> None:
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_core_dependencies_stay_few() -> None:
    project = tomllib.loads((PACKAGE.parent.parent / "pyproject.toml").read_text())["project"]
    names = {requirement.split(">")[0].split("<")[0] for requirement in project["dependencies"]}
    assert names == {"torch", "numpy", "pillow", "safetensors", "tyro", "rich"}
