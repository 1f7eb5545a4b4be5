"""The small run of the tests of inference."""

from tests.inference.conftest import cache, own_cache, run

__all__ = ["cache", "own_cache", "run"]
