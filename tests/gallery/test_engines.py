"""Whole galleries on every engine, and what happens when a server is killed."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from scalereid.data.records import ReidDataset
from scalereid.gallery.address import open_ledger
from scalereid.gallery.filters import Filter
from scalereid.gallery.forgetting import forget
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.history import History
from scalereid.gallery.indexes import Index, open_index
from scalereid.gallery.indexes.milvus import MilvusStore
from scalereid.gallery.indexes.served import ServedIndex
from scalereid.gallery.ledger import Ledger
from tests.gallery.conftest import INDEXES, bytes_in, new_sightings, vectors
from tests.gallery.indexes.conftest import kind, opened  # noqa: F401 - fixtures
from tests.gallery.servers import MilvusServer, PostgresServer
from tests.gallery.test_gallery import RULE, TORCH, crops, filled, gallery  # noqa: F401 - fixtures
from tests.gallery.test_reembedding import other_run  # noqa: F401 - fixture
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures
from tests.test_docs import blocks

SERVED = [*INDEXES[1:], pytest.param("postgresql", "milvus", marks=pytest.mark.engines)]
POSTGRES = [("postgresql", "exact"), ("postgresql", "pgvector")]
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "engines.md"
STARTED = 60  # seconds for a server to answer again


@pytest.mark.parametrize(("url", "kind"), SERVED, indirect=True)
def test_a_whole_gallery(
    url: str,
    kind: str,  # noqa: F811
    gallery: Gallery,  # noqa: F811
    run: Path,  # noqa: F811
    other_run: Path,  # noqa: F811
    crops: Path,  # noqa: F811
    people: ReidDataset,
) -> None:
    """Whatever is done to it, it answers as one in a folder does."""
    picture = people.query[0].path
    with Gallery.create(url, run, index=kind, options=TORCH, by="me") as own:
        assert len(own.add(crops, RULE).numbers) == gallery.ledger.count()
        assert own.add(crops, RULE).numbers == []
        with pytest.raises(FileExistsError, match="There is a gallery in"):
            Gallery.create(url, run)
        for each in (own, gallery):
            anna, other = each.enrol([1, 2], "Anna"), each.enrol([3, 4])
            each.merge(anna, [other])
            each.reject(anna, [3])
            each.undo()
            ben = each.enrol([7, 8], "Ben")

        def same() -> None:
            assert own.identities == gallery.identities
            for where in (Filter(), Filter(cameras=("1",)), Filter(not_cameras=("1",))):
                for among in ("all", "known", "unknown", [ben]):
                    found = own.search(picture, top=9, where=where, among=among)
                    expected = gallery.search(picture, top=9, where=where, among=among)
                    numbers = [match.sighting.number for match in found.matches]
                    assert numbers == [match.sighting.number for match in expected.matches]
                    assert [match.similarity for match in found.matches] == pytest.approx(
                        [match.similarity for match in expected.matches], abs=1e-5
                    )
            assert own.check() == []

        same()
        assert own.forget(identity=anna) == gallery.forget(identity=anna) == [1, 2, 3, 4]
        same()
        assert own.reembed(other_run).embedded == gallery.reembed(other_run).embedded
        same()
        own.rebuild()
        same()
        assert own.stats().bytes > 0
    with Gallery(url, options=TORCH) as again:
        assert again.check() == []
        assert again.identities == gallery.identities
        assert "secret" not in again.ledger.name


@pytest.mark.parametrize(("url", "kind"), [("sqlite", "milvus")], indirect=True)
@pytest.mark.engines
def test_what_was_forgotten_leaves_the_files_of_milvus(
    ledger: Ledger,
    opened: Callable[[], Index],  # noqa: F811
    milvus: MilvusServer,
) -> None:
    """Once it has compacted them and collected its garbage; its log of messages is another matter: see the guide."""
    new = new_sightings(300, size=512)
    ledger.add(ledger.add_model("a" * 12, "{}"), new)
    index = opened()
    assert isinstance(index, ServedIndex) and isinstance(index.store, MilvusStore)
    index.catch_up()
    index.store.remove(np.zeros(0, np.int64))  # what was added is in files

    def stored(number: int) -> bool:
        return new[number - 1].vector.tobytes()[100:164] in bytes_in(milvus.folder / "data" / "insert_log")

    assert stored(1) and stored(201)
    forget(History(ledger.engine), sightings=[201])
    index.catch_up()
    assert 201 not in index.numbers()
    until = time.monotonic() + STARTED
    while stored(201) and time.monotonic() < until:
        time.sleep(5)
        index.store.remove(np.zeros(0, np.int64))  # asks again, as the next call to forget does
    assert not stored(201) and stored(1)


@pytest.mark.parametrize(("url", "kind"), POSTGRES, indirect=True)
@pytest.mark.engines
def test_a_database_that_is_killed_loses_nothing(
    engine: Engine,
    ledger: Ledger,
    opened: Callable[[], Index],  # noqa: F811
    postgres: PostgresServer,
) -> None:
    """No acknowledged row is lost, none doubled, and the index has what the ledger has."""
    model, history, index = ledger.add_model("a" * 12, "{}"), History(engine), None
    for round_ in range(3):
        index = opened()
        acknowledged = work_until_it_fails(ledger, model, index, 1_000_000 * round_, postgres.kill)
        postgres.start()
        there = ledger.sightings(range(1, 100_000))
        sources = [sighting.seen.source for sighting in there.values()]
        assert len(set(sources)) == len(sources)
        assert {number: there[number].seen.source for number in acknowledged} == acknowledged
        assert opened().numbers().tolist() == ledger.select().tolist()
        again = ledger.add(model, new_sightings(5, start=1_000_000 * round_))
        assert again == [None] * 5  # which were added
        assert history.events() == []
    assert index


@pytest.mark.parametrize(("url", "kind"), [("sqlite", "milvus")], indirect=True)
@pytest.mark.engines
def test_a_milvus_that_is_killed_loses_nothing(
    ledger: Ledger,
    opened: Callable[[], Index],  # noqa: F811
    milvus: MilvusServer,
) -> None:
    model = ledger.add_model("a" * 12, "{}")
    acknowledged = work_until_it_fails(ledger, model, opened(), 0, milvus.kill)
    milvus.start()
    index = when_it_answers(opened)
    assert index.numbers().tolist() == ledger.select().tolist()
    assert acknowledged.keys() <= set(index.numbers().tolist())
    found = index.search(vectors(1, seed=99), 500).sightings[0]
    assert np.unique(found[found >= 0]).size == min(500, ledger.count())


def work_until_it_fails(
    ledger: Ledger, model: int, index: Index, start: int, kill: Callable[[], None]
) -> dict[int, str]:
    """Adds sightings, and has the index follow, until the server is killed; what was acknowledged, by number."""
    acknowledged, busy = dict[int, str](), threading.Event()

    def work() -> None:
        for turn in range(10**6):
            new = new_sightings(5, start=start + 5 * turn)
            try:
                numbers = ledger.add(model, new)
                acknowledged.update(
                    {number: each.seen.source for number, each in zip(numbers, new, strict=True) if number}
                )
                index.catch_up()
            except Exception:
                return
            if turn == 3:
                busy.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert busy.wait(60)
    time.sleep(0.3)
    kill()
    thread.join(180)
    assert not thread.is_alive() and acknowledged
    return acknowledged


def when_it_answers(opened: Callable[[], Index]) -> Index:  # noqa: F811
    until = time.monotonic() + STARTED
    while True:
        try:
            index = opened()
            index.catch_up()
            index.numbers()
            return index
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


@pytest.mark.engines
def test_what_engines_cannot_do_is_said(ledger: Ledger, postgres: PostgresServer, tmp_path: Path) -> None:
    ledger.add_model("a" * 12, "{}")
    [model] = ledger.models()
    for name, message in (
        ("faiss", "No such index: 'faiss'. Choose exact, pgvector, or the URI of Milvus"),
        ("http://root:word@host:19530", "expected http://HOST:19530, and the password in .* MILVUS_TOKEN"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            open_index(name, tmp_path, ledger, model)
        assert "word@" not in str(error.value)
    if ledger.engine.dialect.name == "sqlite":
        with pytest.raises(ValueError, match="index is 'pgvector', which needs a database in PostgreSQL"):
            open_index("pgvector", tmp_path, ledger, model)
    url = postgres.url(f"empty_{tmp_path.name}")
    with pytest.raises(FileNotFoundError, match="No gallery in postgresql://.*create one first") as missing:
        Gallery(url)
    with pytest.raises(ConnectionError, match="cannot be reached") as unreachable:
        Gallery(url.replace("postgres-", "nowhere-"))
    with pytest.raises(ValueError, match="No such database: oracle") as unknown:
        Gallery("oracle://me:secret@host/database")
    for each in (missing, unreachable, unknown):
        assert "secret" not in str(each.value)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.engines
def test_a_database_without_pgvector_is_said(url: str, ledger: Ledger, tmp_path: Path) -> None:
    ledger.add_model("a" * 12, "{}")
    plain = url.replace("%2Cextensions", "")
    found = open_ledger(plain)
    with pytest.raises(ValueError, match="does not know vectors: run CREATE EXTENSION vector there"):
        open_index("pgvector", tmp_path, found, ledger.models()[0])
    found.close()


@pytest.mark.engines
def test_the_guide_works(postgres: PostgresServer, milvus: MilvusServer, run: Path, crops: Path) -> None:  # noqa: F811
    """Its programs, with other names of servers, models and pictures."""
    first, second = (block.text for block in blocks(GUIDE) if block.language == "python")
    places = postgres.url("guide"), postgres.url("guide_with_milvus")
    first = re.sub(r'"postgresql://\S+"', repr(places[0]), first).replace("crops/*.jpg", str(crops))
    second = second.replace("http://127.0.0.1:19530", milvus.uri).replace("crops/*.jpg", str(crops))
    names: dict[str, object] = {}
    exec(first.replace("runs/demo", str(run)), names)
    names["where"] = places[1]
    exec(second.replace("runs/demo", str(run)), names)
    made = names["gallery"]
    assert isinstance(made, Gallery)
    made.close()
    for where in places:
        with Gallery(where) as again:
            assert again.ledger.count() > 0 and again.check() == []
