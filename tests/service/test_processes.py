"""Two services of one gallery behind one address: what is said to one is seen by the other at once."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from scalereid.gallery.gallery import Gallery
from tests.gallery.conftest import milvus, postgres, url  # noqa: F401 - fixtures
from tests.gallery.indexes.conftest import kind  # noqa: F401 - fixture
from tests.gallery.servers import PostgresServer
from tests.gallery.test_gallery import RULE, TORCH, crops  # noqa: F401 - fixture
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures
from tests.service.served import Served
from tests.service.test_kills import right
from tests.service.test_listening import drawn

WAIT = 60  # seconds for what should be there
SERVED = [
    pytest.param("postgresql", "pgvector", marks=pytest.mark.engines),
    pytest.param("postgresql", "milvus", marks=pytest.mark.engines),
    pytest.param("postgresql", "exact", marks=pytest.mark.engines),
]


@contextmanager
def behind_one_address(ports: list[int]) -> Iterator[int]:
    """The port of a proxy that hands each connection to the next of these that takes it."""
    turn, loop = cycle(range(len(ports))), asyncio.new_event_loop()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while part := await reader.read(65_536):
                    writer.write(part)
                    await writer.drain()
        finally:  # also where the proxy ends first
            writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turn)
        for i in range(len(ports)):
            with suppress(ConnectionError):
                there = await asyncio.open_connection("127.0.0.1", ports[(first + i) % len(ports)])
                await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
                return
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(take, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()


class Reader(threading.Thread):
    """Reads through the proxy until it is told to stop, a connection for each request; how often which answer came."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.statuses, self.going = base, Counter[Any](), True
        self.start()

    def run(self) -> None:
        while self.going:
            for path, body in (
                ("/api/identities", None),
                ("/api/sightings/list", {}),
                ("/api/sightings/1/similar", {"top": 3}),
            ):
                try:
                    answer = httpx.request(
                        "GET" if body is None else "POST", self.base + path, json=body, timeout=WAIT, trust_env=False
                    )
                    self.statuses[answer.status_code] += 1
                except httpx.TransportError:
                    self.statuses["broken"] += 1

    def stop(self) -> Counter[Any]:
        self.going = False
        self.join()
        return self.statuses


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("url", "kind"), SERVED, indirect=True)
def test_two_services_are_as_one(url: str, kind: str, run: Path, crops: Path, tmp_path: Path) -> None:  # noqa: F811
    with Gallery.create(url, run, index=kind, options=TORCH) as gallery:
        gallery.add(crops, RULE)
    options = "--allow-rate", "100000", "--proxy", "127.0.0.1"
    with (
        Served(url, tmp_path, *options) as one,
        Served(url, tmp_path, *options) as other,
        behind_one_address([one.port, other.port]) as port,
    ):
        base = f"http://127.0.0.1:{port}"
        readers = [Reader(base) for _ in range(2)]
        for turn, (writer, looker) in enumerate([(one, other), (other, one)] * 3):
            files = {"picture": ("x.png", drawn(turn))}
            new = right(writer.client.post("/api/sightings", files=files, data={"seen": '{"source": "x"}'}))
            added = new["sighting"]["number"]
            assert added in found(looker, drawn(turn))
            first = right(
                writer.client.post("/api/events", json={"kind": "enrol", "sightings": [added], "name": "Anna"})
            )
            person = {"number": first["number"], "name": "Anna", "sightings": [added], "rejected": []}
            assert person in looker.client.get("/api/identities").json()
            right(looker.client.post("/api/undo"))
            assert person not in writer.client.get("/api/identities").json()
            assert right(looker.client.post("/api/forget", json={"sightings": [added]})) == [added]
            assert writer.client.get(f"/api/sightings/{added}").status_code == 404
            assert added not in found(writer, drawn(turn))
        before = [Counter(reader.statuses) for reader in readers]
        assert all(each.keys() == {200} and each[200] > 3 for each in before)
        assert all({line["route"] for line in each.lines()} > {"/api/sightings/list"} for each in (one, other))
        one.kill()
        after = sum((Counter(reader.statuses) for reader in readers), Counter())[200]
        until = time.monotonic() + WAIT
        while sum(reader.statuses[200] for reader in readers) < after + 20:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert right(httpx.post(f"{base}/api/events", json={"kind": "enrol", "sightings": [1]}, trust_env=False))
        statuses = sum((reader.stop() for reader in readers), Counter())
        assert statuses.keys() <= {200, "broken"}
        assert statuses["broken"] <= len(readers)  # what the killed one was answering
    with Gallery(url, options=TORCH) as gallery:
        assert gallery.check() == []


def found(served: Served, picture: bytes) -> list[int]:
    answer = right(
        served.client.post("/api/search", files={"pictures": ("x.png", picture)}, data={"question": '{"top": 5}'})
    )
    return [match["sighting"]["number"] for match in answer["answer"]["matches"]]


@pytest.mark.engines
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_database_that_is_gone_is_said_until_it_is_back(
    url: str, run: Path, postgres: PostgresServer, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    Gallery.create(url, run, index="pgvector", options=TORCH).close()
    with Served(url, tmp_path) as served:
        assert served.client.get("/api/ready").json() == {"status": "ready", "sightings": 0}
        postgres.kill()
        try:
            for path in ("/api/ready", "/api/identities", "/api/stats"):
                answer = served.client.get(path)
                assert (answer.status_code, "does not answer; try again" in answer.json()["error"]) == (503, True)
            assert served.client.get("/api/health").status_code == 200
            metrics = served.client.get("/api/metrics")
            assert metrics.status_code == 200 and "scalereid_sightings NaN" in metrics.text
        finally:
            postgres.start()
        until = time.monotonic() + WAIT
        while served.client.get("/api/ready").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert "scalereid_sightings 0.0" in served.client.get("/api/metrics").text
        assert any("unavailable" in line for line in served.lines()) and "secret" not in served.said()
        assert json.dumps(served.lines())
