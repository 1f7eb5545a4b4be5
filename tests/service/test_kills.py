"""Whatever a service is doing when it is killed, its ledger is whole, and what it has acknowledged is there."""

import json
import random
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from scalereid.gallery.gallery import Gallery
from tests.gallery.test_gallery import TORCH
from tests.service.served import Served
from tests.service.test_listening import drawn

KILLS = 40


class Client(threading.Thread):
    """Adds, says and forgets at random until nobody answers, and remembers what was acknowledged."""

    def __init__(self, served: Served, seed: int) -> None:
        super().__init__()
        self.url, self.rng, self.seed = f"http://127.0.0.1:{served.port}", random.Random(seed), seed
        self.added, self.events, self.forgetting, self.forgotten = set[int](), set[int](), set[int](), set[int]()
        self.answers = 0
        self.start()

    def run(self) -> None:
        with suppress(httpx.TransportError), httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            for turn in range(10**6):
                self._work(client, turn)
                self.answers += 1

    def _work(self, client: httpx.Client, turn: int) -> None:
        what, own = self.rng.random(), sorted(self.added - self.forgetting)
        if what < 0.6 or not own:
            files = {"picture": ("x.png", drawn(1_000_000 * self.seed + turn))}
            self.added.add(
                right(client.post("/api/sightings", files=files, data={"seen": '{"source": "x"}'}))["sighting"][
                    "number"
                ]
            )
        elif what < 0.9:
            said = {"kind": "enrol", "sightings": [self.rng.choice(own)]}
            answer = client.post("/api/events", json=said)
            if answer.status_code == 409:  # it has an identity
                answer = client.post("/api/undo")
            self.events.add(right(answer)["number"])
        else:
            chosen = self.rng.choice(own)
            self.forgetting.add(chosen)
            self.forgotten |= set(right(client.post("/api/forget", json={"sightings": [chosen]})))


def right(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return json.loads(answer.text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_kill_in_the_middle_of_any_request_leaves_the_ledger_whole(filled: Path, tmp_path: Path) -> None:
    folder, rng = tmp_path / "people.gallery", random.Random(0)
    shutil.copytree(filled, folder)
    added, events, forgetting = set[int](), set[int](), set[int]()
    for kill in range(KILLS):
        with Served(folder, tmp_path, "--allow-rate", "10000") as served:
            clients = [Client(served, 2 * kill + i) for i in range(2)]
            answers, until = rng.randint(0, 12), time.monotonic() + 60
            while sum(client.answers for client in clients) < answers:
                assert time.monotonic() < until
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.1))
            served.kill()
            for client in clients:
                client.join()
                added |= client.added
                events |= client.events
                forgetting |= client.forgetting
        with Gallery(folder, options=TORCH) as gallery:
            assert gallery.check() == []
            there = set(gallery.ledger.select().tolist())
            assert added - forgetting <= there
            assert not any(there & client.forgotten for client in clients)
            assert events <= {event.number for event in gallery.history.events()}
    assert len(added) > KILLS and len(events) > KILLS / 2 and forgetting
