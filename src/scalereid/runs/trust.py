"""The one gate for code that travels with a model: Python files that its recipe names run only where the user trusts them."""

from collections.abc import Mapping

from scalereid.data.names import named_datasets
from scalereid.lookup import own_file

PLACES = (
    "model.backbone",
    "mutual.backbone",
    "objective.term",
    "data.augmentation",
    "data.dataset",
    "evaluation.dataset",
    "evaluation.also",
)
"""Settings of a recipe that may name a Python file."""


def require_trust(names: Mapping[str, str], of: str, *, run_code: bool) -> None:
    """Refuse to run the Python files among `names`, unless `run_code` says that they are trusted.

    Names that a user gives need no such check; those in a run, in weights or in an exported file do.

    Args:
        names: What the recipe says, by setting.
        of: What the recipe is of, for the message.
        run_code: Whether the user trusts it.

    Raises:
        ValueError: One of the names is FILE.py:NAME, and `run_code` is False.
    """
    for setting, name in own_code(names).items():
        if not run_code:
            what = "dataset" if setting == "evaluation.also" else setting.rpartition(".")[2]
            raise ValueError(
                f"the {what} of {of} is {name}, and using it runs that file; if you trust it, set run_code=True"
            )


def own_code(names: Mapping[str, str]) -> dict[str, str]:
    """Those of `names`, by setting, that name a Python file."""
    return {setting: name for setting, name in names.items() if _names_file(setting, name)}


def _names_file(setting: str, name: str) -> bool:
    of_datasets = setting.endswith(("dataset", "evaluation.also"))
    readers = [part.reader for part in named_datasets(name)] if of_datasets else [name]
    return any(own_file(reader) for reader in readers)
