"""Settings beside each other; those of pairs, parts and searches are tested with the recipe."""

from dataclasses import replace
from typing import Any

import pytest

from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    MutualSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
)

TABLE = DataSettings(attributes="market1501")
BOTH = Recipe(data=TABLE, objective=ObjectiveSettings(attributes=0.5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": DataSettings()},
            "objective.attributes is 0.5; it must be above 0 with data.attributes and 0 without",
        ),
        ({"objective": ObjectiveSettings()}, "objective.attributes is 0.0; it must be above 0 with data.attributes"),
        (
            {"data": DataSettings(), "objective": ObjectiveSettings(balanced_attributes=True)},
            "objective.balanced_attributes is True; it must be false without objective.attributes",
        ),
        (
            {"data": DataSettings(), "objective": ObjectiveSettings(cross_entropy=0)},
            "objective.cross_entropy is 0; it must",
        ),
        ({"mutual": MutualSettings(weight=1.0)}, "mutual.weight is 1.0; it must be 0 with objective.attributes"),
        (
            {"optimizer": OptimizerSettings(average=0.9)},
            "optimizer.average is 0.9; it must be 0 with objective.attributes",
        ),
        ({"data": replace(TABLE, dataset="a+b")}, "data.dataset is 'a\\+b'; it must be one dataset"),
        (
            {
                "data": DataSettings(),
                "objective": ObjectiveSettings(),
                "evaluation": EvaluationSettings(best="mA"),
            },
            "evaluation.best is 'mA'; it must be mAP, mINP or rank-1",
        ),
    ],
)
def test_attributes_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    BOTH.check()
    with pytest.raises(ValueError, match=message):
        replace(BOTH, **changes).check()


def test_attributes_alone_and_beside_people() -> None:
    replace(BOTH, objective=ObjectiveSettings(cross_entropy=0, attributes=1)).check()
    replace(BOTH, evaluation=EvaluationSettings(best="mA")).check()
