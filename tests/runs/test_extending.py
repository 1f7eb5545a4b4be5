from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.runs.extending import extended
from scalereid.runs.recipe import Recipe, ScheduleSettings

RUN = Path("runs/x")


@pytest.mark.parametrize("decay", ["step", "constant"])
def test_only_the_number_of_epochs_changes(decay: str) -> None:
    schedule = ScheduleSettings(epochs=2, decay=decay, warmup_epochs=1)  # type: ignore[arg-type]
    recipe = Recipe(schedule=schedule, seed=3)
    assert extended(recipe, 4, RUN) == replace(recipe, schedule=replace(schedule, epochs=4))
    assert extended(recipe, 2, RUN) == recipe


def test_a_cosine_is_not_extended_and_nothing_is_shortened() -> None:
    cosine = Recipe(schedule=ScheduleSettings(epochs=2, decay="cosine"))
    assert extended(cosine, 2, RUN) == cosine
    with pytest.raises(
        ValueError, match=r"runs/x cannot be extended from 2 to 4 .* model\.initial_weights=runs/x, or train anew"
    ):
        extended(cosine, 4, RUN)
    with pytest.raises(ValueError, match="epochs is 1, but runs/x is trained for 2; choose more than 2"):
        extended(cosine, 1, RUN)
