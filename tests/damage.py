"""Ways to damage a file: cut off, bytes flipped, another content, a JSON value replaced."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Json(NamedTuple):
    """Where JSON is in a file."""

    get: Callable[[Path], str]
    put: Callable[[Path, str], Any]


VALUES: list[Any] = [
    None,
    "text",
    "",
    -1,
    0,
    0.5,
    1e308,
    10**30,
    float("nan"),
    [],
    {},
    [[]],
    [1, 2],
    {"a": 1},
    True,
    "DEEP",
]
DEEP = "[" * 100_000 + "]" * 100_000


def spots(values: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in JSON values, as a container and a key."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield values, key
        if isinstance(value, dict | list):
            yield from spots(value)


def with_a_change(text: str, rng: random.Random) -> str:
    """JSON text, or one line of several, with a value replaced or removed, or a key added."""
    lines = text.splitlines() if "\n{" in text.strip() else [text]
    number = rng.randrange(len(lines))
    whole = [json.loads(lines[number])]
    container, key = rng.choice([*spots(whole)])
    how = rng.choice(["replace", "replace", "remove", "add"])
    if how == "remove" and container is not whole:
        del container[key]
    elif how == "add" and isinstance(container, dict):
        container["later"] = rng.choice(VALUES)
    else:
        container[key] = rng.choice(VALUES)
    lines[number] = json.dumps(whole[0]).replace('"DEEP"', DEEP)
    return "\n".join(lines) + "\n"


def damage(file: Path, inside: Json | None, rng: random.Random, other: bytes) -> str:
    """Change a file in one of many ways; returns what was done."""
    how = rng.choice(["cut", "flip", *(["change"] * 4 if inside else ["flip", "flip"])])
    how = rng.choice([how] * 8 + ["empty", "folder", "other"])
    content = file.read_bytes()
    if how == "cut":
        content = content[: rng.randrange(len(content))]
    elif how == "flip":
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 3, 30])):
            flipped[rng.randrange(len(flipped))] = rng.randrange(256)
        content = bytes(flipped)
    elif how in ("empty", "other"):
        content = b"" if how == "empty" else other
    if how == "folder":
        file.unlink()
        file.mkdir()
    elif how == "change" and inside:
        inside.put(file, with_a_change(inside.get(file), rng))
    else:
        file.write_bytes(content)
    return how
