"""Functions and classes by name: one of scalereid's, or your own as FILE.py:NAME."""

import difflib
import runpy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any


def find(name: str, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """Return `known[name]`, or the function or class NAME of a Python file, given as `FILE.py:NAME`.

    The latter runs the file.

    Raises:
        ValueError: No such name, file or function, or the file fails; the message says what, and which known names are near.
    """
    if name in known:
        return known[name]
    file, attribute = own_file(name), name.rpartition(":")[2]
    if file is None:
        raise ValueError(f"{no_such('name', name, known)} Or name your own as FILE.py:NAME.")
    if not file.is_file():
        raise ValueError(f"{name}: the file {file} does not exist")
    found = run_file(file).get(attribute)
    if not callable(found):
        raise ValueError(f"{name}: {file} does not define a function or class {attribute!r}")
    return found


def run_file(file: Path) -> Mapping[str, object]:
    """Run a Python file of someone's own, and return its values by name.

    Raises:
        ValueError: It fails; the message names file, line and error.
    """
    try:
        return runpy.run_path(str(file))
    except Exception as error:
        raise own_error(file, error) from error


def own_error(file: Path, error: Exception) -> ValueError:
    """An error in a Python file of someone's own, named after file, line and kind."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    what = error.msg if isinstance(error, SyntaxError) else error
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return ValueError(f"{file}{f', line {line}' if line else ''}: {kind}{what}")


_WORSE = 0.2  # than the nearest name: what is farther from the given one was hardly meant


def no_such(what: str, name: str, known: Iterable[str], where: str = "") -> str:
    """The sentences for an unknown name: the known ones nearest to it, and `where` they are listed.

    >>> no_such("recipe", "toi", ["toy", "osnet_cuhk03"], "`scalereid recipes` lists them.")
    "No such recipe: 'toi'. Did you mean toy? `scalereid recipes` lists them."
    >>> no_such("distance", "l2", ["cosine", "euclidean"])
    "No such distance: 'l2'. Choose from cosine, euclidean."
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    likeness = [difflib.SequenceMatcher(None, other, name).ratio() for other in near]
    near = [other for other, alike in zip(near, likeness, strict=True) if alike > likeness[0] - _WORSE]
    meant = [f"Did you mean {' or '.join(near)}?"] if near else [] if where else [f"Choose from {', '.join(names)}."]
    return " ".join([f"No such {what}: {name!r}.", *meant, *filter(None, [where])])


def own_file(name: str) -> Path | None:
    """Return the file in a name like `FILE.py:NAME`; None for a known name."""
    file = name.rpartition(":")[0]
    return Path(file) if file else None


def copy_in(folder: Path | None, name: str) -> str:
    """Replace the file in a name like `FILE.py:NAME` by its copy in `folder`; names without a copy there stay the same."""
    file = own_file(name)
    if folder is None or file is None or not (folder / file.name).is_file():
        return name
    return f"{folder / file.name}:{name.rpartition(':')[2]}"
