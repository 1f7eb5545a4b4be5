"""Person re-identification with features at every scale.

Find people in pictures, with a run, torchreid's released weights or an exported file:

    import scalereid

    with scalereid.Embedder("runs/demo") as embedder:
        people = embedder("data/toy-1/*_c1_0.jpg")  # a pattern, a folder, files, arrays or tensors
        pictures = embedder("data/toy-1/*_c2_*.jpg")
    found = scalereid.search(people, pictures, top=3)
    print(found.indices[0], found.similarities[0])  # rows of pictures, most similar first

Say what a similarity means, once `scalereid calibrate` has measured it for this run:

    calibration = scalereid.Calibration.load("runs/demo/calibration.json")
    print(calibration.probability(1 - found.similarities[0]))  # that two pictures show one person

`scalereid.train` and `scalereid.evaluate` train and score a model; `dir(scalereid)` lists all public names.
"""

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
