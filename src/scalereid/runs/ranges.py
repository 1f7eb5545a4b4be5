"""What the values of a recipe's settings must be, each by itself."""

from collections.abc import Callable
from reprlib import repr as shortened
from typing import Any

_MANY = 1_000_000  # the largest number of anything

# What the values of settings must be: group, names, test, and the same in words.
RANGES: tuple[tuple[str, str, Callable[[Any], bool], str], ...] = (
    ("data", "batch_size", lambda value: 2 <= value <= _MANY, f"from 2, as batch norm compares images, to {_MANY:,}"),
    (
        "data",
        "flip crop pad_crop patch jitter grey auto_augment erase augmentation_probability",
        lambda value: 0 <= value <= 1,
        "a probability, from 0 to 1",
    ),
    (
        "data",
        "jitter_strengths",
        lambda value: all(0 <= one <= 1 for one in value) and value[3] <= 0.5,
        "from 0 to 1 each, the last at most 0.5, half of the colour circle",
    ),
    ("model", "embedding_size", lambda value: 1 <= value <= 100_000, "from 1 to 100,000"),
    ("model", "width", lambda value: value is None or 0.1 <= value <= 10, "from 0.1 to 10"),
    ("objective", "label_smoothing", lambda value: 0 <= value < 1, "from 0 to below 1"),
    (
        "objective",
        "cross_entropy attributes triplet triplet_from_epoch margin ratio circle circle_from_epoch centre "
        "self_distillation auxiliary term_weight term_from_epoch",
        lambda value: 0 <= value <= _MANY,
        f"from 0 to {_MANY:,}",
    ),
    ("mutual", "width", lambda value: value is None or 0.1 <= value <= 10, "from 0.1 to 10"),
    ("mutual", "weight", lambda value: 0 <= value <= _MANY, f"from 0 to {_MANY:,}"),
    ("objective", "circle_margin", lambda value: 0 <= value < 1, "from 0 to below 1"),
    ("objective", "circle_scale", lambda value: 0 < value <= _MANY, f"more than 0, and at most {_MANY:,}"),
    ("optimizer", "accumulate", lambda value: 1 <= value <= _MANY, f"from 1 to {_MANY:,}"),
    ("optimizer", "average", lambda value: 0 <= value < 1, "from 0 to below 1"),
    ("optimizer", "lr weight_decay momentum", lambda value: 0 <= value <= _MANY, f"from 0 to {_MANY:,}"),
    ("schedule", "epochs", lambda value: 1 <= value <= _MANY, f"from 1 to {_MANY:,}"),
    ("schedule", "steps", lambda value: sorted({0, *value}) == [0, *value], "epochs after 0, ascending"),
    (
        "schedule",
        "warmup_epochs classifier_only_epochs factor",
        lambda value: 0 <= value <= _MANY,
        f"from 0 to {_MANY:,}",
    ),
    (
        "search",
        "temperature lowest_temperature",
        lambda value: 0 < value <= _MANY,
        f"more than 0, and at most {_MANY:,}",
    ),
    ("search", "halve_every samples", lambda value: 1 <= value <= _MANY, f"from 1 to {_MANY:,}"),
    ("evaluation", "every", lambda value: 1 <= value <= _MANY, f"from 1 to {_MANY:,}"),
)


def require(fits: bool, name: str, value: object, wanted: str) -> None:
    """Raise a ValueError that names a setting, its value and what is wanted, if it does not fit."""
    if not fits:
        raise ValueError(f"{name} is {shortened(value)}; it must be {wanted}")
