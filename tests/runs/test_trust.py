import pytest

from scalereid.runs.recipe import Recipe
from scalereid.runs.saved_recipe import SavedRecipe
from scalereid.runs.trust import PLACES, own_code, require_trust


@pytest.mark.parametrize(
    ("setting", "name", "is_code"),
    [
        ("backbone", "osnet_x1_0", False),
        ("model.backbone", "net.py:Net", True),
        ("mutual.backbone", "net.py:Net", True),
        ("data.dataset", "market1501", False),
        ("data.dataset", "viper#3@folder+grid#3", False),
        ("data.dataset", "mine.py:read", True),
        ("data.dataset", "market1501+mine.py:read#2@folder", True),
        ("evaluation.dataset", "../up/mine.py:read", True),
        ("evaluation.also", "market1501+viper#1", False),
        ("evaluation.also", "market1501+../up/mine.py:read", True),
        ("objective.term", "", False),
        ("objective.term", "loss.py:Loss", True),
        ("data.augmentation", "/abs/blur.py:blur", True),
    ],
)
def test_a_name_of_a_file_needs_trust(setting: str, name: str, is_code: bool) -> None:
    assert bool(own_code({setting: name})) is is_code
    require_trust({setting: name}, "runs/x", run_code=True)
    if is_code:
        what = "dataset" if setting == "evaluation.also" else setting.rpartition(".")[2]
        with pytest.raises(
            ValueError, match=rf"^the {what} of runs/x is .*, and using it runs that file; .* run_code=True"
        ):
            require_trust({setting: name}, "runs/x", run_code=False)
    else:
        require_trust({setting: name}, "runs/x", run_code=False)


def test_every_place_of_a_recipe_is_looked_at() -> None:
    """Where a recipe's default is empty or a name of ours, and no other setting can hold FILE.py:NAME."""
    values = Recipe().to_json()
    assert {f"{group}.{name}" for group, name in (place.split(".") for place in PLACES) if name in values[group]} == {
        *PLACES
    }


def test_what_a_file_says_need_not_fit() -> None:
    text = '{"model": {"backbone": "n.py:N", "unknown": 1}, "data": 3, "objective": {"term": 4}}'
    assert SavedRecipe(text).names == {"model.backbone": "n.py:N"}
    assert SavedRecipe("{}").names == {}
    assert SavedRecipe('{"evaluation": {"also": ["a", "n.py:read"]}}').names == {"evaluation.also": "a+n.py:read"}
    assert SavedRecipe('{"evaluation": {"also": ["a", 1], "dataset": null}}').names == {}
