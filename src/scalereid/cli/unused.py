"""Options that would have no effect: an error, since whoever gives one expects it to have."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from scalereid.cli.errors import UsageError
from scalereid.cli.flags import flag_of

if TYPE_CHECKING:
    from scalereid.runs.recipe import Recipe

_NEEDS = {
    "--train-share": ("--write-split",),
    "--alpha": ("--expand-queries", "--augment-gallery"),
}
"""Options that only have an effect with one of some others."""
_REPLACED = {"--max-loss": "--force"}
"""Options that have no effect with another one."""
_TRIPLET = ("objective.triplet_from_epoch", "objective.margin", "objective.soft_margin", "objective.ratio")
_CIRCLE = ("objective.circle_from_epoch", "objective.circle_margin", "objective.circle_scale")
_TERM = ("objective.term_weight", "objective.term_from_epoch")
_PEER = ("mutual.backbone", "mutual.width", "mutual.initial_weights")


def check_used(given: Collection[str], settings: "Recipe | None") -> None:
    """Check that each of the given flags has an effect, beside the others and under the settings of a training.

    Raises:
        UsageError: One has none; the message says why, and so what to change.
    """
    for flag, others in _NEEDS.items():
        if flag in given and not set(others) & set(given):
            raise UsageError(f"{flag} has no effect without {' or '.join(others)}: add that, or leave {flag} out")
    for flag, other in _REPLACED.items():
        if flag in given and other in given:
            raise UsageError(f"{flag} has no effect with {other}: leave one of them out")
    for setting, why in without_effect(settings).items() if settings else ():
        for flag in (flag_of(setting), flag_of(".no_".join(setting.split(".")))):
            if flag in given:
                raise UsageError(f"{flag} has no effect, since {why}: change that, or leave {flag} out")


def without_effect(recipe: "Recipe") -> dict[str, str]:
    """The settings without an effect under the others, and why."""
    objective, optimizer, schedule = recipe.objective, recipe.optimizer, recipe.schedule
    data, searched = recipe.data, [f"search.{name}" for name in vars(recipe.search)]
    needed: list[tuple[object, str, Sequence[str]]] = [  # what must be set, what is set instead, and for which settings
        (not objective.soft_margin, "--objective.soft-margin takes its place", ["objective.margin"]),
        (
            objective.cross_entropy or objective.auxiliary,
            "--objective.cross-entropy and --objective.auxiliary are 0",
            ["objective.label_smoothing"],
        ),
        (
            recipe.evaluation.best != "top-1",
            "classes, by whose top-1 epochs are compared, have no distances between people",
            ["evaluation.distance", "evaluation.protocol"],
        ),
        (objective.triplet, "--objective.triplet is 0", _TRIPLET),
        (objective.circle, "--objective.circle is 0", _CIRCLE),
        (objective.term, "--objective.term names none", _TERM),
        (recipe.mutual.weight, "--mutual.weight is 0", _PEER),
        (optimizer.name == "sgd", f"--optimizer.name is {optimizer.name}", ["optimizer.momentum"]),
        (schedule.decay == "step", f"--schedule.decay is {schedule.decay}", ["schedule.steps", "schedule.factor"]),
        (schedule.classifier_only_epochs, "--schedule.classifier-only-epochs is 0", ["schedule.open_embedding"]),
        (data.jitter, "--data.jitter is 0", ["data.jitter_strengths"]),
        (data.augmentation, "--data.augmentation names none", ["data.augmentation_probability"]),
        (data.images_per_person, "--data.images-per-person is 0", ["data.images_per_person_from_epoch"]),
        (recipe.searches, f"--model.backbone is {recipe.model.backbone}, which is not a super-network", searched),
    ]
    return {setting: why for used, why, settings in needed if not used for setting in settings}
