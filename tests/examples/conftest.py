"""The small run that the tests of inference make."""

from tests.inference.conftest import cache, own_cache, run

__all__ = ["cache", "own_cache", "run"]
