import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.inference.embed_files import embed_files
from scalereid.inference.embedder import Embedder
from scalereid.inference.embedding_table import EmbeddingTable
from scalereid.inference.items import Item
from scalereid.inference.search_files import FoundFiles, open_images, search_files
from tests.inference.conftest import CALIBRATION


@pytest.fixture(scope="module")
def embedder(run: Path) -> Iterator[Embedder]:
    with Embedder(run, runtime="torch") as opened:
        yield opened


@pytest.fixture(scope="module")
def items(people: ReidDataset) -> list[Item]:
    return [Item(str(r.path), r.pid, r.camid) for r in people.gallery]


@pytest.fixture
def folder(people: ReidDataset, tmp_path: Path) -> Path:
    """Five images."""
    (tmp_path / "crops").mkdir()
    for record in people.gallery[:5]:
        shutil.copy(record.path, tmp_path / "crops")
    return tmp_path / "crops"


def expected(
    embedder: Embedder, query: list[Item], gallery: list[Item], row: int, *, camera: bool = False
) -> list[str]:
    """The names in the order of a plain sort."""
    similarities = embedder([item.path for item in gallery]) @ embedder(query[row].path)[0]
    allowed = [
        i for i, item in enumerate(gallery)
        if item.path != query[row].path and not (camera and item.camid == query[row].camid)
    ]  # fmt: skip
    return [gallery[i].path for i in sorted(allowed, key=lambda i: -similarities[i])]


def names(found: FoundFiles, row: int) -> list[str]:
    return [one.path for one in found.of(row)]


def test_nearest_first_and_never_the_querys_own_file(embedder: Embedder, items: list[Item]) -> None:
    query = [*items[3:6], items[3]]
    found = search_files(embedder, query, items, top=4)
    assert [*found.query] == [item.path for item in query]
    for row in range(4):
        assert names(found, row) == expected(embedder, query, items, row)[:4]
    similarities = [one.similarity for one in found.of(0)]
    assert similarities == sorted(similarities, reverse=True)
    own = embedder([query[0].path, found.of(0)[0].path])
    assert found.of(0)[0].similarity == pytest.approx(float(own[0] @ own[1]), abs=1e-5)
    assert found.of(0)[0].probability is None


def test_a_folder_in_itself_is_embedded_once(embedder: Embedder, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    collect = Embedder.collect

    def counting(self: Embedder, images: list[str], **options: object) -> object:
        collected.append(len(images))
        return collect(self, images, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Embedder, "collect", counting)
    found = search_files(embedder, folder, str(folder), top=9)
    again = search_files(embedder, str(folder), str(folder), top=9)
    assert collected == [5, 5, 5]
    for row, path in enumerate(found.query):
        assert path not in names(found, row)
        assert len(names(found, row)) == 4
        assert names(again, row) == names(found, row)


def test_links_are_the_same_file_and_copies_are_not(embedder: Embedder, folder: Path) -> None:
    first = min(folder.iterdir())
    (folder.parent / "link.jpg").symlink_to(first)
    (folder / "copy.jpg").write_bytes(first.read_bytes())
    found = search_files(embedder, folder.parent / "link.jpg", folder, top=9)
    assert str(first) not in names(found, 0)
    assert names(found, 0)[0] == str(folder / "copy.jpg")
    assert found.of(0)[0].similarity == pytest.approx(1)


def test_other_cameras(embedder: Embedder, items: list[Item]) -> None:
    query = items[::7]
    found = search_files(embedder, query, items, top=3, other_cameras=True)
    for row in range(len(query)):
        assert names(found, row) == expected(embedder, query, items, row, camera=True)[:3]
    alone = [item for item in items if item.camid == items[0].camid]
    assert search_files(embedder, alone, alone, other_cameras=True).of(0) == []


def test_unknown_cameras_are_an_error_that_says_what_to_do(embedder: Embedder, items: list[Item]) -> None:
    unknown = [items[0], items[1]._replace(camid=-1)]
    with pytest.raises(ValueError) as error:
        search_files(embedder, items, unknown, other_cameras=True)
    assert str(error.value) == (
        f"the cameras of 1 of 2 gallery images are not known, such as that of {items[1].path}, but other_cameras leaves out "
        "images of the query's camera. Cameras are told by parts of file names such as c3 or cam03, by a folder for each "
        "camera (folders=cameras, where they are not named like cam3), or by a .csv table with the columns path and camid; a "
        "table of embeddings has to be written again. Or search without other_cameras"
    )


def test_cameras_of_folders(embedder: Embedder, items: list[Item], tmp_path: Path) -> None:
    for number, item in enumerate(items[:6]):
        folder = tmp_path / ("hall" if number % 2 else "kitchen")
        folder.mkdir(exist_ok=True)
        shutil.copy(item.path, folder / f"{number}.jpg")
    images = open_images(tmp_path, folders="cameras")
    found = search_files(embedder, images, images, top=6, other_cameras=True)
    for row, path in enumerate(found.query):
        other = "kitchen" if "hall" in path else "hall"
        assert [Path(one.path).parent.name for one in found.of(row)] == [other] * 3


PLACES = ("garden", "hall", "kitchen")


def in_folders(items: list[Item], root: Path, places: tuple[str, ...], *, first: int = 0) -> Path:
    """Three images of each place, in a folder for each."""
    for number, place in enumerate(places):
        (root / place).mkdir(parents=True)
        for i, item in enumerate(items[first + 3 * number : first + 3 * number + 3]):
            shutil.copy(item.path, root / place / f"{i}.jpg")  # a name that tells no camera
    return root


def places(found: FoundFiles, row: int) -> list[str]:
    return sorted(Path(path).parent.name for path in names(found, row))


@pytest.mark.parametrize("table", ["", "t.npz", "t.parquet"])
def test_cameras_of_folders_that_only_one_side_has(
    embedder: Embedder, items: list[Item], tmp_path: Path, table: str
) -> None:
    """Both sides number their folders by themselves: hall is 1 among the queries, and 2 in the gallery."""
    query = open_images(in_folders(items, tmp_path / "q", PLACES[1:], first=9), folders="cameras")
    gallery = open_images(in_folders(items, tmp_path / "g", PLACES), folders="cameras")
    if table:
        assert not isinstance(gallery, EmbeddingTable)
        embed_files(embedder, gallery, tmp_path / table)
        gallery = open_images(tmp_path / table)
    found = search_files(embedder, query, gallery, top=9, other_cameras=True)
    for row, path in enumerate(found.query):
        own = Path(path).parent.name
        assert places(found, row) == [place for place in PLACES if place != own for _ in range(3)]


def test_cameras_by_name_and_by_number_are_compared_only_where_the_names_have_the_numbers(
    embedder: Embedder, items: list[Item], tmp_path: Path
) -> None:
    numbered = open_images(in_folders(items, tmp_path / "numbered", ("cam02", "cam3")))
    found = search_files(embedder, [items[0]._replace(camid=2)], numbered, top=9, other_cameras=True)
    assert places(found, 0) == ["cam3"] * 3
    named = open_images(in_folders(items, tmp_path / "named", PLACES), folders="cameras")
    for sides, one, other in (((items, named), "gallery", "query"), ((named, items), "query", "gallery")):
        with pytest.raises(
            ValueError,
            match=f"the cameras of the {one} images have names, such as garden, and those of the {other} images numbers",
        ):
            search_files(embedder, *sides, other_cameras=True)


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_tables_on_either_side(embedder: Embedder, items: list[Item], tmp_path: Path, suffix: str) -> None:
    table = tmp_path / f"t.{suffix}"
    embed_files(embedder, items, table)
    plain = search_files(embedder, items[:4], items, top=3, other_cameras=True)
    for query, gallery in ((items[:4], table), (table, items), (table, str(table)), (table, open_images(table))):
        found = search_files(embedder, query, gallery, top=3, other_cameras=True)
        assert np.array_equal(found.nearest.indices[:4], plain.nearest.indices)
        assert np.allclose(found.nearest.similarities[:4], plain.nearest.similarities, atol=1e-5)


def test_a_tables_images_may_be_gone(embedder: Embedder, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    embed_files(embedder, [Item(str(path)) for path in sorted(Path("crops").iterdir())], Path("t.npz"))
    shutil.rmtree(folder)
    found = search_files(embedder, "t.npz", "t.npz", top=9)
    assert [len(found.of(row)) for row in range(len(found))] == [4] * 5


def test_a_table_of_another_model_or_with_mirror_images_is_refused(
    embedder: Embedder, run: Path, items: list[Item], tmp_path: Path
) -> None:
    with Embedder(run, runtime="torch", flip=True) as flipped:
        embed_files(flipped, items[:3], tmp_path / "t.npz")
        assert len(search_files(flipped, items[:2], tmp_path / "t.npz")) == 2
    with pytest.raises(
        ValueError, match=r"t\.npz holds embeddings with mirror images, to be compared with others without"
    ):
        search_files(embedder, items[:2], tmp_path / "t.npz")
    table = replace(open_images(tmp_path / "t.npz"), fingerprint="abc")  # type: ignore[type-var]
    with pytest.raises(
        ValueError, match=f"fingerprint abc; the model given is .*, fingerprint {embedder.metadata.fingerprint}"
    ):
        search_files(embedder, table, items[:2])


def test_probabilities(embedder: Embedder, items: list[Item]) -> None:
    fitting = replace(CALIBRATION, fingerprint=embedder.metadata.fingerprint)
    found = search_files(embedder, items[:2], items, top=2, calibration=fitting)
    for one in found.of(1):
        assert one.probability == pytest.approx(1 / (1 + np.exp(-4 * one.similarity)), rel=1e-4)
    with pytest.raises(
        ValueError, match="the calibration is of net, fingerprint abc, not of these weights and image size"
    ):
        search_files(embedder, items, items, calibration=CALIBRATION)


def test_unreadable_images_are_named(embedder: Embedder, folder: Path) -> None:
    bad = folder / "bad.jpg"
    bad.write_text("no image")
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be read as an image"):
        search_files(embedder, folder, folder)
    found = search_files(embedder, folder, folder, on_error="report")
    assert len(found) == len(found.gallery) == 5
    (why,) = found.unreadable
    assert why.startswith(f"{bad} cannot be read as an image")
    with pytest.raises(ValueError, match=r"none of the 1 query images can be read; the first: .*bad\.jpg"):
        search_files(embedder, bad, folder, on_error="report")


def test_top_is_checked_before_the_work(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="top is 0; expected a whole number from 1 to 1,000,000"):
        search_files(embedder, "nowhere", "nowhere", top=0)


def test_all_that_there_is(embedder: Embedder, folder: Path) -> None:
    found = search_files(embedder, folder, folder, top=1_000_000)
    assert found.nearest.indices.shape == found.nearest.similarities.shape == (5, 5)
    assert [len(found.of(row)) for row in range(5)] == [4] * 5


def test_an_empty_table_is_named(embedder: Embedder, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no image")
    embed_files(embedder, [Item(str(tmp_path / "bad.jpg"))], tmp_path / "t.npz", on_error="report")
    for sides in ((tmp_path / "t.npz", folder), (folder, tmp_path / "t.npz")):
        with pytest.raises(ValueError, match=r"t\.npz holds no embeddings, as no image could be read"):
            search_files(embedder, *sides)
