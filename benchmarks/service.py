"""A gallery over HTTP beside the gallery itself: how long a search takes, and how much memory many requests take.

    python benchmarks/service.py speed MODEL IMAGES [--sightings 20000] [--rounds 5]
    python benchmarks/service.py memory MODEL IMAGES [--sightings 2000] [--requests 100000]

MODEL is a run, weights or an exported file; IMAGES a folder of pictures of people, of which some are searched; the rest of the
sightings are drawn. `speed`: milliseconds until an answer, of searches by a picture and by an embedding: in this process, by
one client, and by eight, in rounds in which every way comes once, since other programs share the machine; and CPU
milliseconds of whoever searches, which these disturb less. `memory`: resident memory of the service as cheap requests go on.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scalereid.gallery.gallery import Gallery
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.inference.opening import RuntimeOptions

CLIENTS, TOP = 8, 20
Body = tuple[str, bytes, str]
"""A path, what is sent there, and of which type."""


def create(folder: Path, model: str, images: list[Path], sightings: int) -> None:
    """A gallery of these pictures, and of as many more embeddings as it takes."""
    with Gallery.create(folder, model) as gallery:
        gallery.add([str(image) for image in images])
        size = gallery.embedder().metadata.embedding_size
        for start in range(gallery.ledger.count(), sightings, 1_000):
            drawn = (
                np.random.default_rng(start).standard_normal((min(1_000, sightings - start), size)).astype(np.float32)
            )
            drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
            new = [NewSighting(Seen(f"{start + i}"), f"drawn {start + i}", vector) for i, vector in enumerate(drawn)]
            gallery.ledger.add(gallery.model.number, new)
        gallery.enrol([1, 2], "Anna")
        gallery.index.catch_up()


class Service:
    """A service of a gallery in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder.parent / "log").open("w+")
        words = ["gallery", "serve", str(folder), "--port", "0", "--allow-rate", "1000000"]
        self.process = subprocess.Popen([sys.executable, "-m", "scalereid", *words], stderr=self.log, stdout=self.log)
        while not (found := re.search(r"running on http://127.0.0.1:(\d+)", Path(self.log.name).read_text())):
            assert self.process.poll() is None, Path(self.log.name).read_text()
            time.sleep(0.1)
        self.port = int(found[1])

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait() == 0

    def cpu(self) -> float:
        """Seconds of all its threads so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB that are resident now."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024

    def ask(self, clients: int, bodies: list[Body]) -> list[float]:
        """Seconds until each was answered, by clients that ask one after the other, each on a connection of its own."""
        seconds, turn = list[float](), count()

        def work() -> None:
            connection = HTTPConnection("127.0.0.1", self.port)
            while (number := next(turn)) < len(bodies):
                path, content, kind = bodies[number]
                started = time.perf_counter()
                connection.request(
                    "POST" if kind else "GET", path, content or None, {"Content-Type": kind} if kind else {}
                )
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                seconds.append(time.perf_counter() - started)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seconds) == len(bodies)
        return seconds


def bare(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds that each call takes."""
    seconds = []
    for call in calls:
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def by_picture(image: Path) -> Body:
    parts = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="x.jpg"\r\n\r\n', b"\r\n--x--\r\n"
    return "/api/search", parts[0] + image.read_bytes() + parts[1], "multipart/form-data; boundary=x"


def by_embedding(vector: Any) -> Body:
    return "/api/search/embeddings", json.dumps({"embeddings": [vector.tolist()]}).encode(), "application/json"


@contextmanager
def served(arguments: argparse.Namespace) -> Iterator[tuple[Path, list[Path], Service]]:
    images = sorted(arguments.images.rglob("*.jpg"))[:200]
    assert images, f"there are no JPEG files in {arguments.images}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "people.gallery"
        create(folder, arguments.model, images, arguments.sightings)
        service = Service(folder)
        yield folder, images, service
        service.stop()


def measure_speed(arguments: argparse.Namespace) -> None:
    walls, cpus, rates = (
        defaultdict[str, list[float]](list),
        defaultdict[str, list[float]](list),
        defaultdict[str, list[float]](list),
    )
    with served(arguments) as (folder, images, service), Gallery(folder, options=RuntimeOptions()) as gallery:
        images = images[: arguments.searches]
        vectors = gallery.embedder()([str(image) for image in images])
        own = {
            "picture": [partial(gallery.search, image, top=TOP) for image in images],
            "embedding": [partial(gallery.find, vector[None], top=TOP) for vector in vectors],
        }
        bodies = {
            "picture": [by_picture(image) for image in images],
            "embedding": [by_embedding(each) for each in vectors],
        }

        for round_ in range(arguments.rounds + 1):  # the first one warms up
            for kind in bodies:
                for name, ask, spent in (
                    ("the gallery itself", partial(bare, own[kind]), time.process_time),
                    ("one client", partial(service.ask, 1, bodies[kind]), service.cpu),
                    ("eight clients", partial(service.ask, CLIENTS, 2 * bodies[kind]), service.cpu),
                ):
                    started, before = time.perf_counter(), spent()
                    seconds = ask()
                    if round_:
                        way = f"{kind}: {name}"
                        walls[way] += seconds
                        cpus[way].append((spent() - before) / len(seconds))
                        rates[way].append(len(seconds) / (time.perf_counter() - started))
    print(f"{'':32}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'a second':>10}")
    for way in walls:
        half, most = 1000 * np.percentile(walls[way], (50, 99))
        print(f"{way:32}{half:9.1f}{most:9.1f}{1000 * np.median(cpus[way]):9.1f}{np.median(rates[way]):10.1f}")


def measure_memory(arguments: argparse.Namespace) -> None:
    with served(arguments) as (folder, _, service):
        with Gallery(folder) as gallery:
            vector = gallery.ledger.vector(gallery.model.number, 1)
        cheap: list[Body] = [
            *((f"/api/sightings/{number}", b"", "") for number in range(1, 5)),
            ("/api/sightings/1/picture", b"", ""),
            ("/api/sightings/2/picture", b"", ""),
            ("/api/health", b"", ""),
            ("/api/identities", b"", ""),
            ("/api/metrics", b"", ""),
            by_embedding(vector),
        ]
        started = time.perf_counter()
        for done in range(0, arguments.requests + 1, arguments.requests // 10):
            if done:
                service.ask(CLIENTS, cheap * (arguments.requests // 10 // len(cheap)))
            else:
                service.ask(CLIENTS, cheap * 100)  # to warm up
            rate = done / (time.perf_counter() - started)
            print(f"after {done:7,} requests  {service.memory():7.1f} MiB  {rate:6.0f} requests/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "memory"))
    parser.add_argument("model")
    parser.add_argument("images", type=Path)
    parser.add_argument("--sightings", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--searches", type=int, default=16)
    parser.add_argument("--requests", type=int, default=100_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "speed":
        arguments.sightings = arguments.sightings or 20_000
        measure_speed(arguments)
    else:
        arguments.sightings = arguments.sightings or 2_000
        measure_memory(arguments)


if __name__ == "__main__":
    main()
