"""What a check found: how severe it is, what it is, and what to do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing about a dataset."""

    severity: Severity
    """`error`: training or scoring cannot work. `warning`: the result will be worse or mean less. `note`: good to know."""
    kind: str
    """A short name for programs, like `no-match`."""
    message: str
    """What it is, and what to do, in a sentence or two."""
    examples: tuple[str, ...] = ()
    """All files or people it is about."""

    def __str__(self) -> str:
        rest = len(self.examples) - _SHOWN
        lines = [*self.examples[:_SHOWN], *([f"… and {rest:,} more"] if rest > 0 else [])]
        shown = "".join(f"\n    {line}" for line in lines)
        return f"{self.severity}: {self.message}{shown}"

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return asdict(self)


def named(things: Sequence[object]) -> tuple[str, ...]:
    """The names of what a finding is about."""
    return tuple(map(str, things))


def share(part: int, whole: int) -> str:
    """`part` of `whole` in words.

    >>> share(5, 2000)
    '5 of 2,000'
    """
    return f"{part:,} of {whole:,}"
