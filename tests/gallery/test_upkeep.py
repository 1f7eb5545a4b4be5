import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scalereid.gallery import forgetting, schema
from scalereid.gallery.address import new_ledger
from scalereid.gallery.audit import searches
from scalereid.gallery.forgetting import NotOverwrittenError
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.retention import Retention
from scalereid.gallery.upkeep import Upkeep
from tests.gallery.conftest import bytes_in
from tests.gallery.test_gallery import calibration, crops, filled, gallery  # noqa: F401 - fixtures
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures


def test_a_gallery_that_was_not_made_to_the_end_says_so(tmp_path: Path) -> None:
    with new_ledger(tmp_path / "half.gallery"):
        pass  # and here the process is killed
    half = Upkeep(tmp_path / "half.gallery", by="")
    for ask in (half.stats, half.check, lambda: half.index):
        with pytest.raises(
            ValueError, match=r"half.gallery.* was not made to the end, and is empty; delete it, and create it"
        ):
            ask()


def test_stock_is_taken(gallery: Gallery) -> None:  # noqa: F811
    number = gallery.ledger.count()
    found = gallery.stats()
    assert (found.sightings, found.crops, found.embedded) == (number, number, number)
    assert sum(found.cameras.values()) == number and all(found.cameras)
    assert (found.identities, found.identified, found.events, found.searches, found.calibration) == (0, 0, 0, 0, "")
    assert found.bytes == (Path(gallery.where) / "ledger.sqlite").stat().st_size
    gallery.calibration = calibration(gallery)
    gallery.similar(1, purpose="to see")
    anna = gallery.enrol([1, 2], "Anna")
    gallery.undo(anna)
    gallery.enrol([3])
    found = gallery.stats()
    assert (found.identities, found.identified, found.events, found.searches) == (1, 1, 3, 1)
    assert found.calibration == "toy"
    assert found.first == min(
        each.seen.time for each in gallery.sightings(range(number + 1)).values() if each.seen.time
    )
    (search,) = searches(gallery.ledger.engine)
    assert (search.by, search.purpose, search.what["sighting"], search.what["top"]) == ("me", "to see", 1, 20)


def test_a_whole_gallery_has_no_problems(gallery: Gallery) -> None:  # noqa: F811
    assert gallery.check() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE embeddings SET vector = zeroblob(length(vector)) WHERE sighting = 2", "sighting 2 is not of length 1"),
        ("UPDATE embeddings SET vector = zeroblob(8)", "embeddings have 2 values, and the model's have"),
        ("DELETE FROM embeddings WHERE sighting = 3", "1 sighting cannot be found, .* \\(3, …\\)"),
        ("DELETE FROM embeddings WHERE sighting = 3", "index does not have .* rebuild it"),
        ("UPDATE events SET body = '{}'", "event 1 of the ledger is damaged"),
        ("UPDATE events SET body = '{\"sightings\": [999]}'", "an identity has sighting 999, which is not there"),
    ],
)
def test_what_is_wrong_is_told(gallery: Gallery, change: str, problem: str) -> None:  # noqa: F811
    gallery.enrol([1])
    gallery.index.catch_up()
    with gallery.ledger.engine.begin() as connection:
        connection.exec_driver_sql(change)
    problems = Gallery(gallery.where).check()
    assert any(re.search(problem, each) for each in problems), problems


def test_a_rebuilt_index_has_what_the_ledger_has(gallery: Gallery) -> None:  # noqa: F811
    before = gallery.similar(1).matches
    gallery.index.catch_up()
    for file in (Path(gallery.where) / "index").rglob("vectors-*"):
        file.write_bytes(bytes(file.stat().st_size))
    assert gallery.similar(1).matches != before
    gallery.rebuild()
    assert gallery.similar(1).matches == before


def test_retention_is_kept_in_the_gallery(gallery: Gallery) -> None:  # noqa: F811
    assert gallery.retention == Retention()
    gallery.retention = Retention(1)
    assert Gallery(gallery.where).retention == Retention(1)
    all_of_them = gallery.ledger.select().tolist()
    assert gallery.overdue(datetime(2030, 1, 1, tzinfo=UTC)) == all_of_them
    gallery.forget(sightings=gallery.overdue(datetime(2030, 1, 1, tzinfo=UTC)))
    assert gallery.ledger.count() == 0


def test_indexes_forget_what_could_not_be_overwritten(
    gallery: Gallery,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = [gallery.ledger.vector(1, number) for number in (1, 2)]
    gallery.index.catch_up()
    monkeypatch.setattr(forgetting, "_PATIENCE", 0)
    monkeypatch.setattr(schema, "WAIT", 0)
    with gallery.ledger.engine.begin() as reader:
        reader.exec_driver_sql("SELECT * FROM sightings").fetchone()
        with pytest.raises(NotOverwrittenError, match="another process is reading it"):
            gallery.forget(sightings=[1])
    content = bytes_in(Path(gallery.where) / "index")
    assert [vector.tobytes() in content for vector in vectors if vector is not None] == [False, True]
    assert vectors[0] is not None and vectors[0].tobytes() in bytes_in(Path(gallery.where))
    events = gallery.history.events()
    gallery.overwrite()
    assert vectors[0].tobytes() not in bytes_in(Path(gallery.where))
    assert gallery.history.events() == events


def test_all_that_is_known_of_an_identity_can_be_had(gallery: Gallery, tmp_path: Path) -> None:  # noqa: F811
    anna, other = gallery.enrol([1, 2], "Anna"), gallery.enrol([3], "Ann")
    gallery.merge(anna, [other])
    gallery.enrol([4], "Ben")
    assert gallery.export_identity(anna, tmp_path / "anna") == 3
    assert sorted(file.name for file in (tmp_path / "anna").iterdir()) == ["1.jpg", "2.jpg", "3.jpg", "identity.json"]
    assert (tmp_path / "anna" / "3.jpg").read_bytes() == gallery.ledger.crop(3)
    document = json.loads((tmp_path / "anna" / "identity.json").read_text())
    assert (document["identity"], document["name"]) == (anna, "Anna")
    assert [row["number"] for row in document["sightings"]] == [1, 2, 3]
    (vector,) = document["sightings"][0]["embeddings"].values()
    assert vector == gallery.ledger.vector(1, 1).tolist()  # type: ignore[union-attr]
    assert [event["number"] for event in document["events"]] == [anna, other, other + 1]
    with pytest.raises(FileExistsError):
        gallery.export_identity(anna, tmp_path / "anna")
    with pytest.raises(ConflictError, match="was merged into"):
        gallery.export_identity(other, tmp_path / "other")
