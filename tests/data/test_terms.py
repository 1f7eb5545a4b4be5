from pathlib import Path

import pytest

from scalereid.data import DATASETS
from scalereid.data.terms import terms_of_files, terms_of_use


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("toy", "The people in these pictures are drawn"),
        ("toy-shifted", "The people in these pictures are drawn"),
        ("market1501-dev", "Market-1501 may be used for academic research only"),
        ("cuhk03-pair1#3", "CUHK03 may be used for academic research only"),
        ("msmt17@elsewhere", "MSMT17 may be used for academic research only"),
        ("dukemtmc-reid", "DukeMTMC-reID was withdrawn by its authors"),
        ("viper#1", "The dataset viper has terms of its own"),
        ("toyshop", "If these pictures show real people, this page is personal data"),
        ("csv", "If these pictures show real people, this page is personal data"),
        ("office.py:read_office", "If these pictures show real people, this page is personal data"),
    ],
)
def test_terms(dataset: str, words: str) -> None:
    assert words in terms_of_use(dataset)


def test_every_dataset_has_terms_and_combinations_have_all() -> None:
    assert all(terms_of_use(name) for name in DATASETS)
    both = terms_of_use("market1501+msmt17+market1501-dev")
    assert both.count("Market-1501") == both.count("MSMT17") == 1


def test_terms_of_files_are_those_of_the_datasets_they_lie_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {str(tmp_path / "market"): "market1501", str(tmp_path / "toy-1"): "toy"}
    market, toy = (str(tmp_path / name) for name in ("market/query/1.jpg", "toy-1/2.jpg"))
    assert terms_of_files([market], folders) == terms_of_use("market1501")
    assert terms_of_files([toy, toy, market], folders) == f"{terms_of_use('toy')} {terms_of_use('market1501')}"
    neutral = terms_of_files([str(tmp_path / "elsewhere" / "1.jpg")], folders)
    assert "If these pictures are of a published dataset, this page is under its terms, too" in neutral
    assert terms_of_files([toy], {}) == neutral
    (tmp_path / "market").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "market")
    monkeypatch.chdir(tmp_path)
    assert terms_of_files(["link/1.jpg"], folders) == terms_of_use("market1501")
