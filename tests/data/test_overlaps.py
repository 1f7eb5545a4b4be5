import pytest

from scalereid.data import DATASETS, overlaps
from scalereid.data.overlaps import guess_training, is_drawn, require_unseen, shared_people


@pytest.mark.parametrize(
    ("trained_on", "scored_on", "shared"),
    [
        ("market1501", "market1501-dev", "market1501"),
        ("market1501-dev", "market1501-dev-cameras", ""),  # the same people are held out
        ("market1501-dev", "market1501", ""),  # the official test people are others
        ("market1501", "market1501-500k", ""),
        ("market1501-dev", "market1501-all", "market1501-dev"),
        ("market1501-dev", "mars", "market1501-dev"),  # filmed by the same cameras at the same time
        ("mars", "market1501-500k", "mars"),
        ("mars", "mars", ""),
        ("cuhk03-pair1", "cuhk03-pair1#1", "cuhk03-pair1"),
        ("cuhk03-pair1#1", "cuhk03-pair1", "cuhk03-pair1#1"),
        ("cuhk03-pair1#2", "cuhk03-pair1#2", ""),
        ("cuhk03-pair1", "cuhk03-pair1-all", "cuhk03-pair1"),
        ("cuhk03-pair1#2", "cuhk03-pair1-all", "cuhk03-pair1#2"),
        ("cuhk03-np-labelled", "cuhk03-pair1-all", "cuhk03-np-labelled"),
        ("cuhk03-classic-detected#4", "cuhk03-pair1-all", "cuhk03-classic-detected#4"),
        ("market1501-dev", "cuhk03-pair1-all", ""),
        ("cuhk03-np-detected", "cuhk03-pair1", ""),  # the same division of the people
        ("cuhk03-np-detected", "cuhk03-pair1#1", "cuhk03-np-detected"),
        ("msmt17-all", "msmt17", "msmt17-all"),
        ("viper#1", "viper#2", "viper#1"),
        ("viper#1", "viper#1", ""),
        ("msmt17+viper#1", "viper#2", "viper#1"),
        ("cuhk02", "cuhk01#3", "cuhk02"),
        ("cuhk03-np-detected", "cuhk03-np-labelled", ""),
        ("cuhk03-np-detected", "cuhk03-classic-labelled#2", "cuhk03-np-detected"),
        ("cuhk03-classic-detected#2", "cuhk03-classic-labelled#2", ""),
        ("cuhk03-classic-detected#1", "cuhk03-classic-labelled#2", "cuhk03-classic-detected#1"),
        ("", "viper#1", ""),
        ("mine", "a+b", ""),
    ],
)
def test_shared_people(trained_on: str, scored_on: str, shared: str) -> None:
    assert shared_people(trained_on, scored_on) == shared


def test_people_who_are_trained_on_cannot_be_scored_on() -> None:
    require_unseen("market1501-dev", "market1501-dev")
    require_unseen("market1501-dev", "cuhk03-pair1-all")
    with pytest.raises(
        ValueError,
        match="^market1501-dev is trained on, and so some or all of the test people of market1501-all: the scores would say "
        "how well people are remembered, not how well unseen people are found; choose another dataset to score on$",
    ):
        require_unseen("cuhk03-pair1+market1501-dev", "market1501-all")


def test_all_names_are_of_datasets() -> None:
    shared = {name for pair in overlaps._SHARED.items() for name in (pair[0], *pair[1])}
    assert shared <= {overlaps._people(f"{name}{split}")[0] for name in DATASETS for split in ("", "#1")}
    assert {*overlaps._BY_CLASSES.values()} | {*overlaps._BY_WORDS.values()} <= {*DATASETS}


def test_drawn_people() -> None:
    assert all(map(is_drawn, ("toy", "toy-shifted", "toy-1", "toy+toy-shifted")))
    assert not any(map(is_drawn, ("", "market1501", "toy+market1501", "toys")))


@pytest.mark.parametrize(
    ("file", "classes", "guess"),
    [
        ("osnet_x1_0_market_256x128_amsgrad.pth", 751, ("market1501", "its classifier has 751 classes")),
        ("osnet_market.pth", 1_041, ("msmt17", "its classifier has 1,041 classes")),  # what is inside tells more
        ("osnet_ain_x1_0_msmt17_combineall.pth", None, ("msmt17-all", "its file's name contains msmt17_combineall")),
        ("osnet_x1_0_DukeMTMC.pth", 99, ("dukemtmc-reid", "its file's name contains duke")),
        ("weights.pth", 1_000, ("", "")),
    ],
)
def test_what_released_weights_were_trained_on(file: str, classes: int | None, guess: tuple[str, str]) -> None:
    assert guess_training(file, classes) == guess
