from pathlib import Path

import pytest

from scalereid.lookup import copy_in, find, own_file

KNOWN = {"one": lambda: 1, "two": lambda: 2}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text("NUMBER = 3\n\ndef three() -> int:\n    return NUMBER\n\nclass Four:\n    value = 4\n")
    return file


def test_known_names_and_ones_own(mine: Path) -> None:
    assert find("two", KNOWN)() == 2
    assert find(f"{mine}:three", KNOWN)() == 3
    assert find(f"{mine}:Four", KNOWN)().value == 4


def test_what_cannot_be_found_is_named(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"No such name: 'x'. Choose from one, two. Or name your own as FILE\.py:NAME."
    ):
        find("x", KNOWN)
    with pytest.raises(
        ValueError, match=r"No such name: 'onee'. Did you mean one\? Or name your own as FILE\.py:NAME."
    ):
        find("onee", KNOWN)
    with pytest.raises(ValueError, match=r"the file .*gone\.py does not exist"):
        find(f"{tmp_path / 'gone.py'}:three", KNOWN)
    for name in ("five", "NUMBER"):
        with pytest.raises(ValueError, match=rf"mine\.py does not define a function or class '{name}'"):
            find(f"{mine}:{name}", KNOWN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(\n", r"mine\.py, line 2: SyntaxError: '\(' was never closed"),
        (
            "import math\nx = math.sqroot(2)\n",
            r"mine\.py, line 2: AttributeError: module 'math' has no attribute 'sqroot'",
        ),
        ("import nosuch\n", r"mine\.py, line 1: ModuleNotFoundError: No module named 'nosuch'"),
        ("int('x')\n", r"mine\.py, line 1: invalid literal for int"),
    ],
)
def test_a_file_that_fails_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ValueError, match=message):
        find(f"{tmp_path / 'mine.py'}:f", KNOWN)


def test_known_names_never_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").write_text("raise AssertionError('was run')")
    monkeypatch.chdir(tmp_path)
    assert find("one", KNOWN)() == 1
    assert own_file("one") is None


def test_the_file_of_a_name() -> None:
    assert own_file("folder/net.py:Net") == Path("folder/net.py")
    assert own_file("osnet_x1_0") is None


def test_a_copy_replaces_the_file(mine: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    name = f"{mine}:three"
    assert copy_in(folder, name) == name  # there is none
    (folder / "mine.py").write_text("def three() -> int:\n    return 33\n")
    assert copy_in(folder, name) == f"{folder / 'mine.py'}:three"
    assert find(copy_in(folder, name), KNOWN)() == 33
    assert copy_in(None, name) == name
    assert copy_in(folder, "one") == "one"
