"""Person re-identification with features at every scale."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalereid.api import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used, so that the command line does not wait for torch."""
    if name.startswith("_"):  # which Python itself asks for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("scalereid.api"), name)


def __dir__() -> list[str]:
    return [*import_module("scalereid.api").__all__, "__version__"]
