from dataclasses import replace

from scalereid.runs.peer import peer_recipe
from scalereid.runs.recipe import ModelSettings, MutualSettings, Recipe

OWN = Recipe(
    model=ModelSettings(
        backbone="osnet_x0_5",
        genotype=("batch", *["none"] * 6),
        options=("depth=2",),
        embedding_size=64,
        initial_weights="a",
    ),
    seed=3,
)


def peer(**settings: object) -> Recipe:
    found = peer_recipe(replace(OWN, mutual=MutualSettings(weight=1.0, **settings)))  # type: ignore[arg-type]
    assert found
    return found


def test_there_is_none_without_mutual_learning() -> None:
    assert peer_recipe(Recipe()) is None
    assert peer_recipe(replace(OWN, mutual=MutualSettings(width=0.25))) is None


def test_it_is_of_the_same_network_unless_told() -> None:
    assert peer().model == replace(OWN.model, initial_weights="")
    assert peer(width=0.25).model == replace(OWN.model, initial_weights="", width=0.25)
    same_width = peer_recipe(replace(Recipe(model=ModelSettings(width=0.5)), mutual=MutualSettings(weight=1.0)))
    assert same_width
    assert same_width.model.width == 0.5


def test_another_network_takes_neither_width_nor_genotype_nor_options_of_the_first() -> None:
    assert peer(backbone="dslnet", initial_weights="b").model == ModelSettings(
        backbone="dslnet", embedding_size=64, initial_weights="b"
    )
    assert peer(backbone="dslnet", width=0.3).model.width == 0.3


def test_it_sees_the_first_as_its_peer() -> None:
    found = peer(backbone="dslnet")
    assert found.mutual == MutualSettings(weight=1.0, backbone="osnet_x0_5", initial_weights="a")
    assert (found.seed, found.data, found.schedule) == (3, OWN.data, OWN.schedule)
