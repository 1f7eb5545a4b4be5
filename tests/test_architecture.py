"""The house stays in order: who may import whom, how long a file may be, how many parameters a function may have."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "scalereid"
LAYERS = [  # a folder or file may import only what stands above it
    {
        "arguments",
        "distributed",
        "locks",
        "lookup",
        "memory",
        "named_layer",
        "packages",
        "processor",
        "typed_json",
        "wording",
    },
    {"files", "process", "progress", "signals"},
    {"data", "models"},
    {"attributes", "classification", "training", "retrieval"},
    {"runs"},
    {"recipes"},
    {"inference"},
    {"detection", "experiments", "gallery"},
    {"figures"},
    {"service"},
    {"api"},
    {"cli"},
    {"__main__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
LONGEST = 300  # lines of a file
MOST_PARAMETERS = 8  # of a function, but for the public faces that take every label array, or every option
FACES = {"score", "rank", "Embedder"}
FILES = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).parts[0] != "recipes"]


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
        for other in sorted(imported(file))
        if other != own and LEVEL[other] >= LEVEL[own]
    ]


def functions(file: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a file by name, a constructor by that of its class."""
    classes: dict[ast.AST, str] = {}
    for node in ast.walk(ast.parse(file.read_text())):  # a class comes before what is in it
        if isinstance(node, ast.ClassDef):
            classes |= dict.fromkeys(node.body, node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (classes[node] if node.name == "__init__" else node.name), node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_every_part_has_a_place() -> None:
    assert {part_of(file) for file in PACKAGE.rglob("*.py")} - {"__init__"} == LEVEL.keys()


def test_lower_layers_do_not_import_higher_ones() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if part_of(file) != "__init__"]
    assert [problem for file in files for problem in wrong_imports(part_of(file), file)] == []


def test_a_wrong_import_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "metrics.py"
    file.write_text("from scalereid.data import DATASETS\nfrom scalereid import runs\nimport scalereid.cli\n")
    assert wrong_imports("retrieval", file) == [
        "metrics.py imports cli, which is not below retrieval",
        "metrics.py imports runs, which is not below retrieval",
    ]
    assert wrong_imports("cli", file) == []


def test_files_fit_a_readers_head() -> None:
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_functions_have_few_parameters() -> None:
    too_many = {
        f"{file.relative_to(PACKAGE)}: {name}": parameters(function)
        for file in FILES
        for name, function in functions(file)
        if name not in FACES and parameters(function) > MOST_PARAMETERS
    }
    assert too_many == {}


def test_too_many_parameters_would_be_found() -> None:
    (tree,) = ast.parse("def f(self, a, b=1, *, c, d=2): ...").body
    assert isinstance(tree, ast.FunctionDef)
    assert parameters(tree) == 4


@pytest.mark.parametrize("words", ["dict[str, Any]", "Mapping[str, Any]"])
def test_untyped_mappings_stay_where_json_is_read_or_written(words: str) -> None:
    """A function that has one reads or writes JSON, which its name or its file's other lines say."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text()
        if words in text and "json" not in text.lower():
            found[str(file.relative_to(PACKAGE))] = text.count(words)
    assert found == {}


def test_only_the_command_line_names_its_flags() -> None:
    """Elsewhere an error names the argument or the setting."""
    flags = []
    for file in PACKAGE.rglob("*.py"):
        if part_of(file) == "cli":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = node.value.replace("`", " ").replace("(", " ").split()
                flags += [
                    f"{file.name}:{node.lineno}: {word}"
                    for word in words
                    if word.startswith("--") and word[2:3].isalpha()
                ]
    assert flags == []


def test_core_dependencies_stay_few() -> None:
    project = tomllib.loads((PACKAGE.parent.parent / "pyproject.toml").read_text())["project"]
    names = {requirement.split(">")[0].split("<")[0] for requirement in project["dependencies"]}
    assert names == {"torch", "numpy", "pillow", "safetensors", "tyro", "rich", "filelock", "sqlalchemy"}
