"""Every recipe against a table of what the sources say: scores and settings."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from scalereid.models import BACKBONES
from scalereid.recipes import PUBLISHED
from scalereid.runs.recipe import Recipe

WAYS = [
    *("market1501_to_duke", "duke_to_market1501"),
    *(f"msmt17_all_to_{target}" for target in ("market1501", "duke", "cuhk03")),
    *(f"others_to_{target}" for target in ("market1501", "duke", "cuhk03", "msmt17")),
]
OURS = {
    "cifar10_osnet_small",
    *(
        f"imagenet_{name}"
        for name in ("resnet50", "osnet_x0_25", "osnet_ibn_x1_0", "dslnet", "dslnet_ibn", "dslnet_ain")
    ),
    *(f"imagenet_osnet_ain_x{width}" for width in ("1_0", "0_75", "0_5", "0_25")),
    "attributes_toy",
    *("osnet_x0_25_best", "osnet_x1_0_best", "dslnet_best", "osnet_x0_25_best_market1501_dev"),
    *(f"attributes_market1501{ending}" for ending in ("", "_maximum", "_joint", "_dev", "_dev_joint")),
    *("toy", "osnet_x0_25_market1501_dev", "nas_toy", "nas_msmt17_one_gpu", "nas_dslnet_msmt17", "nas_dslnet_toy"),
    *(f"{model}_{way}" for model in ("dslnet", "dslnet_ibn", "dslnet_ain") for way in WAYS),
}
"""Recipes that nobody has published."""


def said() -> dict[str, list[str]]:
    """What the sources say of each recipe."""
    lines = (Path(__file__).parent / "sources.txt").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def cells(name: str) -> list[str]:
    """A recipe in the same words."""
    published = PUBLISHED[name]
    recipe, scores = published.recipe, published.scores or (None, None)
    data, schedule, objective = recipe.data, recipe.schedule, recipe.objective
    height, width = data.image_size
    size = "" if (height, width) == (256, 128) else f" {height}x{width}"
    several = f"{data.batch_size // data.images_per_person}x{data.images_per_person}" if data.images_per_person else ""
    decay = "cosine" if schedule.decay == "cosine" else " ".join(map(str, schedule.steps))
    words = {
        "auxiliary": f"{objective.auxiliary:g}" if objective.auxiliary else "",
        "classifier": str(schedule.classifier_only_epochs or ""),
        "open": "embedding" if schedule.open_embedding else "",
        "triplet": f"{objective.triplet:g}" if objective.triplet else "",
        "ratio": f"{objective.ratio:g}" if objective.ratio else "",
        "margin": f"{objective.margin:g}" if objective.triplet else "",
        "from": str(objective.triplet_from_epoch or ""),
        "people-from": str(data.images_per_person_from_epoch or ""),
        "mutual": f"{recipe.mutual.weight:g}" if recipe.mutual.weight else "",
        "attributes": f"{data.attributes} {objective.attributes:g} {objective.cross_entropy:g}"
        if data.attributes
        else "",
        "pooling": recipe.model.pooling if recipe.model.pooling != "average" else "",
        "framing": data.framing if data.framing != "stretch" else "",
        "options": " ".join(recipe.model.options),
        "neck": f"{recipe.model.neck} {recipe.model.embedding_size}" if recipe.model.neck == "none" else "",
        "weight-decay": f"{recipe.optimizer.weight_decay:g}" if recipe.evaluation.best == "top-1" else "",
        "smoothing": f"{objective.label_smoothing:g}" if recipe.evaluation.best == "top-1" else "",
        "error": "" if published.top1_error is None else f"{published.top1_error}",
        "factor": f"{schedule.factor:g}" if schedule.factor != Recipe().schedule.factor else "",
        "ranks": "{} {}".format(*published.ranks) if published.ranks else "",
    }
    if recipe.searches:
        search = recipe.search
        words["temperature"] = f"{search.temperature:g} {search.halve_every} {search.lowest_temperature:g}"
    return [
        " ".join("-" if score is None else str(score) for score in scores),
        f"{data.dataset} > {recipe.evaluation.dataset}" if recipe.evaluation.dataset else data.dataset,
        f"{recipe.model.backbone}{size}{f' x{recipe.model.width:g}' if recipe.model.width else ''}",
        f"{recipe.optimizer.name} {recipe.optimizer.lr:g} {several or data.batch_size}",
        f"{schedule.epochs}: {decay}",
        " ".join(name for name in ("flip", "crop", "pad_crop", "patch", "jitter", "erase") if getattr(data, name)),
        recipe.evaluation.distance,
        " ".join(f"{word} {value}" for word, value in words.items() if value),
    ]


@pytest.mark.parametrize("name", said())
def test_a_recipe_is_what_its_source_says(name: str) -> None:
    assert cells(name) == said()[name]


def test_every_published_recipe_is_in_the_table() -> None:
    assert said().keys() == PUBLISHED.keys() - OURS
    assert all(PUBLISHED[name].scores is None for name in OURS)


def without_what_the_table_tells(recipe: Recipe) -> dict[str, object]:
    """The settings that no cell above is of."""
    plain = Recipe()
    same_data = {
        "dataset",
        "attributes",
        "image_size",
        "batch_size",
        "images_per_person",
        "crop",
        "pad_crop",
        "framing",
        "patch",
        "jitter",
        "erase",
    } | {"images_per_person_from_epoch"}
    same_schedule = {"epochs", "decay", "steps", "factor", "classifier_only_epochs", "open_embedding"}
    same_search = {"temperature", "halve_every", "lowest_temperature"}
    same_evaluation = {"every", "dataset", "distance", "best"}
    same_objective = {"attributes", "cross_entropy", "auxiliary", "triplet", "ratio", "triplet_from_epoch"}
    if recipe.evaluation.best == "top-1":  # of these the table tells more
        recipe = replace(
            recipe,
            model=replace(recipe.model, neck="fc", embedding_size=512, width=None, options=()),
            objective=replace(recipe.objective, label_smoothing=0.1),
            optimizer=replace(recipe.optimizer, weight_decay=5e-4),
        )
    return asdict(
        replace(
            recipe,
            data=replace(recipe.data, **{name: getattr(plain.data, name) for name in same_data}),
            model=replace(recipe.model, backbone=plain.model.backbone, pooling=plain.model.pooling),
            objective=replace(recipe.objective, **{name: getattr(plain.objective, name) for name in same_objective}),
            mutual=replace(recipe.mutual, weight=plain.mutual.weight),
            optimizer=replace(recipe.optimizer, name=plain.optimizer.name, lr=plain.optimizer.lr),
            schedule=replace(recipe.schedule, **{name: getattr(plain.schedule, name) for name in same_schedule}),
            search=replace(recipe.search, **{name: getattr(plain.search, name) for name in same_search}),
            evaluation=replace(
                recipe.evaluation, **{name: getattr(plain.evaluation, name) for name in same_evaluation}
            ),
        )
    )


@pytest.mark.parametrize("name", said())
def test_nothing_else_is_set(name: str) -> None:
    """Weight decay 5e-4, momentum 0.9, label smoothing 0.1, float32, no warm-up, the dataset's protocol and all the rest.

    Augmentations have probability 0.5, but for jitter and padded crops, which change every image.
    """
    recipe = PUBLISHED[name].recipe
    assert without_what_the_table_tells(recipe) == without_what_the_table_tells(Recipe())
    used = {recipe.data.flip, recipe.data.crop, recipe.data.patch, recipe.data.erase}
    assert used <= {0.0, 0.5}
    assert {recipe.data.jitter, recipe.data.pad_crop} <= {0.0, 1.0}
    assert recipe.data.jitter in (0.0, 1.0)  # torchreid's has no probability
    schedule = recipe.schedule
    assert (schedule.warmup_epochs, schedule.factor) == (0, 0.2 if "cifar" in name else 0.1)
    assert recipe.model.backbone in BACKBONES
    recipe.check()


def test_defaults_are_the_papers() -> None:
    recipe = Recipe()
    optimizer = recipe.optimizer
    assert (optimizer.weight_decay, optimizer.momentum, optimizer.precision) == (5e-4, 0.9, "float32")
    assert (recipe.objective.label_smoothing, recipe.model.embedding_size, recipe.data.flip) == (0.1, 512, 0.5)


def test_the_dataset_left_out_is_not_trained_on() -> None:
    between = [entry.recipe for name, entry in PUBLISHED.items() if "_to_" in name]
    assert len(between) == 4 + 2 + 3 + 18 + 12 + 3 * len(WAYS)
    for recipe in between:
        assert recipe.evaluation.dataset not in recipe.data.dataset.split("+")
        assert not recipe.data.erase
        assert not recipe.data.patch


def test_the_rows_are_counted_once() -> None:
    """In the README and on the page about recipes, whose table adds up."""
    rows = {
        (entry.source, entry.recipe.data.dataset, entry.recipe.evaluation.dataset, entry.scores)
        for entry in PUBLISHED.values()
        if entry.scores
    }
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reference" / "recipes.md").read_text()
    assert f"[{len(rows)} rows]" in (root / "README.md").read_text()
    assert f"**{len(rows)} distinct rows**" in page
    assert sum(
        int(line.split("|")[2]) for line in page.splitlines() if line.startswith(("| OSNet", "| DSL", "| torch"))
    ) == len(rows)


def test_dslnet_between_datasets_differs_from_osnet_in_the_network_alone() -> None:
    """And in its auxiliary branch; OSNet-AIN's settings hold for all three."""
    for kind in ("", "_ibn", "_ain"):
        for way in WAYS:
            published = f"osnet_ain_{way}" if f"osnet_ain_{way}" in PUBLISHED else "osnet_ain_msmt17_all_to_duke"
            own, osnets = PUBLISHED[f"dslnet{kind}_{way}"].recipe, PUBLISHED[published].recipe
            evaluation = replace(osnets.evaluation, dataset=own.evaluation.dataset)
            objective = replace(osnets.objective, auxiliary=1.0)
            model = replace(osnets.model, backbone=f"dslnet{kind}")
            assert own == replace(osnets, model=model, objective=objective, evaluation=evaluation)


def test_dslnet_is_searched_as_osnet_is() -> None:
    for name in ("msmt17", "toy"):
        own, osnets = PUBLISHED[f"nas_dslnet_{name}"].recipe, PUBLISHED[f"nas_{name}"].recipe
        assert own == replace(osnets, model=replace(osnets.model, backbone="dslnet_supernet"))
