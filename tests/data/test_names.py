import pytest

from scalereid.data.names import DatasetName, named_datasets, numbered_splits, splits_of, without_splits


def test_names() -> None:
    assert named_datasets("market1501") == [DatasetName("market1501", None, "")]
    assert named_datasets("csv@a+viper#3@b/c") == [DatasetName("csv", None, "a"), DatasetName("viper", 3, "b/c")]
    assert named_datasets("my#file.py:READ") == [DatasetName("my#file.py:READ", None, "")]


@pytest.mark.parametrize(
    ("name", "first", "number"),
    [
        ("viper", "viper#1", 10),
        ("viper@x", "viper#1@x", 10),
        ("cuhk03-classic-labelled", "cuhk03-classic-labelled#1", 20),
    ],
)
def test_a_dataset_of_several_splits_names_them_all(name: str, first: str, number: int) -> None:
    assert splits_of(name) == numbered_splits(name)
    assert splits_of(name)[0] == first
    assert len(splits_of(name)) == number


@pytest.mark.parametrize("name", ["market1501", "viper#2", "viper#1+viper#2", "viper+grid", "mine.py:READ"])
def test_other_names_stand_for_themselves(name: str) -> None:
    assert splits_of(name) == [name]


def test_a_name_that_is_a_split_and_has_numbered_ones() -> None:
    assert splits_of("cuhk03-pair1@x") == ["cuhk03-pair1@x"]
    assert numbered_splits("cuhk03-pair1@x") == [f"cuhk03-pair1#{number}@x" for number in range(1, 11)]
    assert splits_of("cuhk03-pair1#3") == numbered_splits("cuhk03-pair1#3") == ["cuhk03-pair1#3"]


def test_splits_of_one_dataset_are_the_same_without_their_numbers() -> None:
    assert without_splits("viper#1@x+grid") == without_splits("viper#2@x+grid") == (("viper", "x"), ("grid", ""))
    assert without_splits("viper#1@x") != without_splits("viper#1@y")
