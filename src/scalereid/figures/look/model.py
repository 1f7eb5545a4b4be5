"""A model on a page, and what it is called there."""

from dataclasses import dataclass

from scalereid.inference.inspector import Inspector


@dataclass(frozen=True)
class LookedAt:
    """A model on a page."""

    letter: str
    """A, or B for the second one."""
    inspector: Inspector

    @property
    def name(self) -> str:
        """The model, for a reader; with its letter."""
        return f"{self.letter}: {self.inspector.metadata.model}"
