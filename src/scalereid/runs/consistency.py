"""What the settings of a recipe must be beside each other."""

from typing import TYPE_CHECKING

from scalereid.files import file_name
from scalereid.runs.ranges import require

if TYPE_CHECKING:
    from scalereid.runs.recipe import Recipe


def check_together(recipe: "Recipe") -> None:
    """Raise a ValueError that names a setting which does not fit the others, its value and what is wanted."""
    files = [file_name(name).lower() for name in recipe.targets]
    distinct = len({*files}) == len(files)
    wanted = f"names of different datasets, other than {recipe.targets[0]}, which is scored on anyway"
    require(distinct, "evaluation.also", recipe.evaluation.also, wanted)
    data, objective = recipe.data, recipe.objective
    halves = 2 if recipe.search.bilevel else 1
    size, of = data.batch_size // halves, "half of data.batch_size" if recipe.search.bilevel else "data.batch_size"
    several = data.images_per_person >= 2 and size % data.images_per_person == 0
    wanted = f"0, or 2 or more and a divisor of {of}, which is {size}"
    require(data.images_per_person == 0 or several, "data.images_per_person", data.images_per_person, wanted)
    begun, wanted = data.images_per_person_from_epoch, "0 or more, and 0 without data.images_per_person"
    possible = begun == 0 or (begun > 0 and data.images_per_person > 0)
    require(possible, "data.images_per_person_from_epoch", begun, wanted)
    shared = data.batch_size % halves == 0 and size >= 2
    wanted = "even for a bi-level search, which halves it, and at least 4"
    require(shared, "data.batch_size", data.batch_size, wanted)
    parts, wanted = (
        recipe.optimizer.accumulate,
        f"a divisor of data.batch_size, which is {data.batch_size}, into 2 or more",
    )
    require(data.batch_size % parts == 0 and data.batch_size >= 2 * parts, "optimizer.accumulate", parts, wanted)
    distilled = objective.self_distillation
    wanted = "0 without optimizer.average, which is the teacher, and with mutual.weight, where the peer is"
    possible = not distilled or bool(recipe.optimizer.average and not recipe.mutual.weight)
    require(possible, "objective.self_distillation", distilled, wanted)
    people = data.images_per_person and size // data.images_per_person
    for name in ("triplet", "circle"):
        if not getattr(objective, name):
            continue
        wanted = f"2 to {size // 2} for a {name} loss, which needs several images of several people"
        require(people >= 2, "data.images_per_person", data.images_per_person, wanted)
        first = getattr(objective, f"{name}_from_epoch")
        wanted = f"at most {first}, objective.{name}_from_epoch, from which the {name} loss counts"
        require(begun <= first, "data.images_per_person_from_epoch", begun, wanted)
    epochs = recipe.schedule.epochs
    wanted = f"below schedule.epochs, which is {epochs}, or it never begins"
    require(begun < epochs, "data.images_per_person_from_epoch", begun, wanted)
    for name in ("triplet", "circle", "term"):
        first = getattr(objective, f"{name}_from_epoch")
        require(not getattr(objective, name) or first < epochs, f"objective.{name}_from_epoch", first, wanted)
    frozen, open_embedding = recipe.schedule.classifier_only_epochs, recipe.schedule.open_embedding
    saved = objective.attributes or recipe.evaluation.best == "top-1"  # a layer that learns meanwhile
    wanted = f"below schedule.epochs, which is {epochs}, or the network never learns"
    require(frozen < epochs or open_embedding or bool(saved), "schedule.classifier_only_epochs", frozen, wanted)
    cropped, wanted = (
        data.framing != "stretch",
        "0 with this data.framing, as the processes of a training see other images",
    )
    require(not (cropped and data.patch), "data.patch", data.patch, wanted)
    _check_attributes(recipe)


def _check_attributes(recipe: "Recipe") -> None:
    data, objective = recipe.data, recipe.objective
    both = bool(data.attributes) == bool(objective.attributes)
    wanted = f"above 0 with data.attributes and 0 without, which is {data.attributes!r}"
    require(both, "objective.attributes", objective.attributes, wanted)
    wanted = "false without objective.attributes"
    usable = bool(objective.attributes) or not objective.balanced_attributes
    require(usable, "objective.balanced_attributes", objective.balanced_attributes, wanted)
    alone = objective.attributes and not (objective.self_distillation or recipe.mutual.weight)
    wanted = "above 0, or 0 with objective.attributes and without self-distillation and mutual learning, which need it"
    require(bool(objective.cross_entropy or alone), "objective.cross_entropy", objective.cross_entropy, wanted)
    if objective.attributes:
        wanted = "0 with objective.attributes, as {}"
        require(not recipe.mutual.weight, "mutual.weight", recipe.mutual.weight, wanted.format("a peer learns none"))
        average = recipe.optimizer.average
        require(not average, "optimizer.average", average, wanted.format("their layer is not averaged"))
        require(
            "+" not in data.dataset, "data.dataset", data.dataset, "one dataset, as the table of attributes is of one"
        )
    wanted = "mAP, mINP or rank-1 without objective.attributes"
    possible = recipe.evaluation.best != "mA" or bool(objective.attributes)
    require(possible, "evaluation.best", recipe.evaluation.best, wanted)
