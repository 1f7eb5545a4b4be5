"""The keys of each command's JSON, as docs/reference/json.md lists them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"


def documented() -> dict[str, set[str]]:
    """The keys by command: `scores.mAP`, `findings[].kind`, `counts.*.people`."""
    sections = re.split(r"^## `(.+)`$", PAGE.read_text(), flags=re.MULTILINE)
    return {
        name: set(re.findall(r"^\| `(\S+)`", text, re.MULTILINE))
        for names, text in zip(sections[1::2], sections[2::2], strict=True)
        for name in names.split("`, `")  # which print the same
    }


def section(words: Sequence[str]) -> str:
    """The section on what a command line prints: a command's own, or that of an option with which it prints other keys."""
    command = " ".join(words[: 2 if words[0] in ("data", "gallery") else 1])
    with_options = [name for name in documented() if name.startswith(f"{command} --") and name.split()[-1] in words]
    return (with_options or [command])[0]


def undocumented(command: str, document: Any) -> set[str]:
    """The keys in which a document and the page differ."""
    known = documented()[command]
    return set(_keys(document, "", known)) ^ known


def _keys(value: Any, path: str, known: set[str]) -> Iterator[str]:
    """The keys of what the page describes key by key."""
    described = not path or any(key.startswith((f"{path}.", f"{path}[]")) for key in known)
    if isinstance(value, dict) and value and described:
        by_name = any(key.startswith(f"{path}.*") for key in known)
        for name, item in value.items():
            yield from _keys(item, f"{path}.{'*' if by_name else name}".lstrip("."), known)
    elif isinstance(value, list | dict) and not value and described:
        yield from (key for key in known if key.startswith((f"{path}.", f"{path}[]")))
    elif isinstance(value, list) and described:
        for item in value:
            yield from _keys(item, f"{path}[]", known)
    else:
        yield path
