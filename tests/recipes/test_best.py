from dataclasses import replace

import pytest

from scalereid.recipes import RECIPES

NAMES = [name for name in RECIPES if "best" in name]


def test_there_is_one_for_each_network() -> None:
    assert {RECIPES[name].model.backbone for name in NAMES} == {"osnet_x0_25", "osnet_x1_0", "dslnet"}
    dev = RECIPES["osnet_x0_25_best_market1501_dev"]
    assert (dev.data.dataset, dev.data.image_size) == ("market1501-dev", (128, 64))


@pytest.mark.parametrize("name", NAMES)
def test_they_hold_what_paid_and_nothing_else(name: str) -> None:
    recipe = RECIPES[name]
    recipe.check()
    data, objective, half = recipe.data, recipe.objective, recipe.schedule.epochs // 2
    assert (data.flip, data.crop, data.erase, data.patch) == (0.5, 0.5, 0.5, 0.0)
    assert (data.batch_size, data.images_per_person, data.images_per_person_from_epoch) == (64, 4, half)
    assert (objective.triplet, objective.triplet_from_epoch, objective.ratio, objective.margin) == (0.5, half, 0.8, 0.3)
    assert (objective.auxiliary, recipe.model.pooling, recipe.model.neck) == (1.0, "average", "fc")
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.schedule.decay) == ("sgd", 0.065, "cosine")
    assert recipe.evaluation.distance == "cosine"


def test_the_small_one_is_the_small_recipe_with_it() -> None:
    small, ours = RECIPES["osnet_x0_25_market1501_dev"], RECIPES["osnet_x0_25_best_market1501_dev"]
    data = replace(ours.data, images_per_person=0, images_per_person_from_epoch=0)
    objective = replace(ours.objective, auxiliary=0.0, triplet=0.0, triplet_from_epoch=0, ratio=0.0)
    assert replace(ours, data=data, objective=objective) == small
