"""What is found out before the first epoch, because it would fail or mislead after the last."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from scalereid.data.augmentation import try_augmentation
from scalereid.data.check import check
from scalereid.data.check.findings import Finding
from scalereid.data.overlaps import require_unseen
from scalereid.data.records import ReidDataset
from scalereid.distributed import processes
from scalereid.models.building import to_device
from scalereid.models.trial import try_backbone
from scalereid.processor import computes_bfloat16
from scalereid.progress import Progress
from scalereid.runs.peer import peer_recipe
from scalereid.runs.recipe import Recipe
from scalereid.runs.wiring import build_recipe_model, own_augmentation

_OF_PEOPLE = {"single-images", "distractors-in-training", "one-training-camera", "one-camera-each"}
"""Kinds of findings on who is on the training images."""
_LONG = 50  # epochs, of which a training takes hours on a CPU


def check_parts(recipe: Recipe, device: torch.device) -> None:
    """Try a recipe's backbones, and an augmentation of one's own, on two pictures on `device`. Takes as long as a step or two.

    Raises:
        ValueError: A model cannot be built, or its backbone does not return what it promises; or the augmentation does not
            return pictures like those it was given.
    """
    for each in filter(None, (recipe, peer_recipe(recipe))):
        model = to_device(build_recipe_model(each.model), device)
        try_backbone(model.backbone, recipe.data.image_size)
    if own := own_augmentation(recipe):
        try_augmentation(recipe.data.augmentation, own, recipe.data.image_size, device)


def advise_precision(recipe: Recipe, device: torch.device, progress: Progress) -> None:
    """Say before a long training on a CPU what bfloat16 would save, where the processor has instructions for it."""
    is_slower = device.type == "cpu" and recipe.optimizer.precision == "float32" and computes_bfloat16()
    if is_slower and recipe.schedule.epochs >= _LONG:
        progress.say(
            "This processor has instructions for bfloat16, which make training about 1.3 times as fast as in float32: set "
            "optimizer.precision to bfloat16. Scores may differ by their rounding"
        )


def check_shares(recipe: Recipe) -> None:
    """Check that a batch can be shared by the processes that train together.

    Raises:
        ValueError: It cannot; the message says which sizes can.
    """
    halves = 2 if recipe.search.bilevel else 1
    shares, size = halves * processes() * recipe.optimizer.accumulate, recipe.data.batch_size
    if processes() > 1 and (size % shares or size < 2 * shares):
        parts = f", in {recipe.optimizer.accumulate} parts" if recipe.optimizer.accumulate > 1 else ""
        raise ValueError(
            f"data.batch_size is {size}, and {processes()} processes train on each batch together{parts}; it must be a "
            f"multiple of {shares}, and at least {2 * shares}, as batch norm compares images"
        )


def check_task(recipe: Recipe, dataset: ReidDataset, target: ReidDataset) -> None:
    """Check that a recipe fits what the dataset is for, people or classes.

    Raises:
        ValueError: It does not; the message says what to change.
    """
    best, classes = recipe.evaluation.best, bool(dataset.classes)
    if (best == "top-1") != classes:
        found, wanted = ("classes", "top-1") if classes else ("people", "mAP, mINP or rank-1")
        raise ValueError(f"evaluation.best is {best}, but {dataset.name} has {found}; set it to {wanted}")
    if dataset.classes != target.classes:
        raise ValueError(f"{target.name} does not have the classes of {dataset.name}; leave evaluation.dataset empty")
    if not classes:
        if recipe.data.framing != "stretch":
            raise ValueError(
                f"data.framing is {recipe.data.framing}, but images of people are seen whole; set it to stretch"
            )
        return
    unfit: dict[str, object] = {
        "mutual.weight": recipe.mutual.weight,
        "optimizer.average": recipe.optimizer.average,
        "objective.self_distillation": recipe.objective.self_distillation,
        "data.attributes": recipe.data.attributes,
        "evaluation.also": recipe.evaluation.also,
        "objective.cross_entropy": not recipe.objective.cross_entropy,
    }
    for name, value in unfit.items():
        if value:
            right = "above 0" if name == "objective.cross_entropy" else "off"
            raise ValueError(f"{dataset.name} has classes, not people, for which {name} must be {right}")


def say_if_not_scored(target: ReidDataset, progress: Progress, *, has_people: bool) -> None:
    """Say so where a run will not be scored on `target`: people are searched for, all else is scored without queries, too."""
    if not target.query and (has_people or not target.gallery):
        progress.say(f"{target.name} has no {'query' if has_people else 'test'} images: the run will not be scored")


def check_before_training(
    dataset: ReidDataset,
    target: ReidDataset,
    also: Sequence[ReidDataset],
    progress: Progress,
    *,
    has_people: bool = True,
) -> None:
    """Check what a model is trained on (`dataset`) and what it is scored on (`target` and `also`), and report warnings.

    Without `has_people`, as it learns attributes alone, it does not matter who is on the images.

    Raises:
        ValueError: The data cannot be used as it is; the message lists every error. Or people who are trained on are among the
            test people, as far as names of datasets tell, or one of `also` lacks query or gallery images.
    """
    if not dataset.train:
        raise ValueError(f"{dataset.name} in {dataset.root} has no training images")
    say_if_not_scored(target, progress, has_people=has_people)
    for each in also:
        if not each.query or not each.gallery:
            raise ValueError(
                f"evaluation.also names {each.name}, which has {len(each.query)} query and {len(each.gallery)} gallery images; "
                "both are needed"
            )
    findings = [finding for each in (target, *also) for finding in _seen_in_training(dataset, each)]
    parts = [dataset] if target is dataset else [replace(dataset, query=(), gallery=()), replace(target, train=())]
    parts += [replace(each, train=()) for each in also]
    for part in (replace(part, gallery=part.gallery if part.query else ()) for part in parts):
        images = sum(len(records) for records in part.splits.values())
        if images:
            with progress.stage(f"checking {part.name}", images) as advance:
                findings += check(part, advance=advance)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise ValueError("The data cannot be used as it is; a check of the dataset says more:\n" + "\n".join(errors))
    for finding in findings:
        if finding.kind == "left-out" or (
            finding.severity == "warning" and (has_people or finding.kind not in _OF_PEOPLE)
        ):
            progress.say(str(finding))


def _seen_in_training(dataset: ReidDataset, target: ReidDataset) -> list[Finding]:
    require_unseen(dataset.name, target.name)
    learned = {record.path for record in dataset.train}
    seen = sum(record.path in learned for record in (*target.query, *target.gallery))
    if not seen:
        return []
    message = (
        f"{seen:,} test images of {target.name} are training images too: the scores do not tell how well unseen people are "
        "found"
    )
    return [Finding("warning", "trained-on", message)]
