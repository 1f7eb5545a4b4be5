"""The small training that the tests of experiments make."""

from tests.experiments.conftest import trained

__all__ = ["trained"]
