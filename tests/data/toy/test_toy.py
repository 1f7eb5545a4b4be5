from pathlib import Path

import pytest
from PIL import Image

from scalereid.data import toy
from scalereid.data.readers.table import read_csv
from scalereid.data.records import Counts, ReidDataset
from scalereid.data.toy import draw_toy, draw_toy_once, read_toy, read_toy_shifted


def test_the_same_seed_draws_the_same_files(tmp_path: Path) -> None:
    one, two, other = (
        draw_toy(tmp_path / name, train_people=1, test_people=1, seed=seed)
        for name, seed in (("one", 5), ("two", 5), ("other", 6))
    )
    assert one.fingerprint() == two.fingerprint() != other.fingerprint()
    for record, again in zip(one.train, two.train, strict=True):
        assert record.path.read_bytes() == again.path.read_bytes()


def test_layout(people: ReidDataset) -> None:
    assert people.counts() == {"train": Counts(6, 72, 4), "query": Counts(4, 16, 4), "gallery": Counts(4, 32, 4)}
    assert not {r.pid for r in people.train} & {r.pid for r in people.query}
    with Image.open(people.train[0].path) as image:
        assert image.size == (128, 256)
    assert read_csv(people.root).splits == people.splits


def test_every_query_has_matches_from_all_other_cameras(people: ReidDataset) -> None:
    for query in people.query:
        cameras = [r.camid for r in people.gallery if r.pid == query.pid and r.camid != query.camid]
        assert sorted(cameras) == sorted(2 * [camid for camid in (1, 2, 3, 4) if camid != query.camid])


def test_reading_draws_nothing_and_drawing_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"toy-1 does not exist; .* trained with data\.dataset=toy"):
        read_toy(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"trained with evaluation\.dataset=toy-shifted"):
        read_toy_shifted(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for name, some in toy.TOY_SETS.items():
        fewer = some._replace(train_people=min(1, some.train_people), test_people=1)
        monkeypatch.setitem(toy.TOY_SETS, name, fewer)
    assert draw_toy_once(tmp_path)
    assert not draw_toy_once(tmp_path)
    assert read_toy(tmp_path).name == "toy"
    assert len(list(tmp_path.iterdir())) == 1
    assert draw_toy_once(tmp_path, "toy-shifted")
    shifted = read_toy_shifted(tmp_path)
    assert (shifted.name, shifted.train, len(shifted.query), len(shifted.gallery)) == ("toy-shifted", (), 4, 8)


def test_an_existing_folder_is_not_drawn_into(people: ReidDataset) -> None:
    with pytest.raises(FileExistsError):
        draw_toy(people.root, train_people=1, test_people=1)


def test_the_two_toy_datasets_share_no_person() -> None:
    assert toy.TOY_SETS["toy"].seed != toy.TOY_SETS["toy-shifted"].seed
    assert toy.TOY_SETS["toy"].cameras != toy.TOY_SETS["toy-shifted"].cameras
