"""Two processes that change a gallery while eight search it, for some minutes: no error, nothing lost, doubled or left.

    python benchmarks/gallery_together.py [--minutes 10] [--writers 2] [--readers 8] [--sightings 5000]

Writers add, enrol, confirm, reject, merge, undo and forget; readers search by an embedding, look for the like of a sighting,
and read who is who. What contradicts the other writer's last words is refused, which is no error.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scalereid.gallery import schema
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen

SIZE = 512


def sighting(number: int) -> NewSighting:
    """One whose every value is found nowhere else."""
    vector = np.random.default_rng(number).standard_normal(SIZE).astype(np.float32)
    crop = random.Random(number).randbytes(3_000)
    return NewSighting(Seen(f"/camera/{number:012}.jpg"), f"digest-{number:012}", vector / np.linalg.norm(vector), crop)


def create(folder: Path, number: int) -> None:
    engine = schema.connect(f"sqlite:///{folder / 'ledger.sqlite'}")
    schema.create(engine)
    ledger = Ledger(engine)
    model = ledger.add_model("a" * 12, json.dumps({"model": "none", "embedding_size": SIZE}))
    ledger.set(model=model, index="exact", source="none")
    for start in range(0, number, 500):
        ledger.add(model, [sighting(n) for n in range(start, min(start + 500, number))])


class Worker:
    """Takes turns until the time is over; counts what was done, and how long each took."""

    def __init__(self, folder: Path, seed: int, minutes: float) -> None:
        self.gallery, self.rng, self.seed = Gallery(folder, by=f"worker {seed}"), random.Random(seed), seed
        self.until = time.monotonic() + 60 * minutes
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.refused: Counter[str] = Counter()
        self.errors: list[str] = []
        self.forgotten: list[str] = []
        self.added = 1_000_000 * seed

    def run(self, actions: dict[str, int]) -> None:
        names, weights = list(actions), list(actions.values())
        while time.monotonic() < self.until:
            [name] = self.rng.choices(names, weights)
            started = time.monotonic()
            try:
                getattr(self, name)()
            except (ConflictError, ValueError) as error:
                if not isinstance(error, ConflictError) and "No such sighting" not in str(error):
                    self.errors.append(traceback.format_exc())
                self.refused[name] += 1
            except Exception:
                self.errors.append(traceback.format_exc())
            self.seconds[name].append(time.monotonic() - started)
            time.sleep(self.rng.uniform(0, 0.05))
        summary = {
            name: (len(values), float(np.median(values)), max(values), self.refused[name])
            for name, values in self.seconds.items()
        }
        print(json.dumps({"seconds": summary, "errors": self.errors, "forgotten": self.forgotten}))

    # What writers do

    def add(self) -> None:
        new = [sighting(self.added + i) for i in range(5)]
        self.added += 5
        numbers = self.gallery.ledger.add(1, new)
        assert all(numbers)
        hits = self.gallery.index.search(np.stack([each.vector for each in new]), 1)
        found = self.gallery.sightings([n for n in numbers if n])
        for number, hit in zip(numbers, hits.sightings[:, 0].tolist(), strict=True):
            assert hit == number or number not in found, f"{number} was added, and {hit} found"

    def enrol(self) -> None:
        self.gallery.enrol(self.some(3), f"name-{self.seed}-{self.rng.random()}")

    def confirm(self) -> None:
        self.gallery.confirm(self.identity(), self.some(1))

    def reject(self) -> None:
        self.gallery.reject(self.identity(), self.some(1))

    def merge(self) -> None:
        self.gallery.merge(self.identity(), [self.identity()])

    def undo(self) -> None:
        self.gallery.undo()

    def forget(self) -> None:
        if self.rng.random() < 0.5:
            identity = self.identity()
            numbers = sorted(self.gallery.identities.get(identity).sightings)
        else:
            identity, numbers = None, self.some(3)
        digests = [each.seen.source for each in self.gallery.sightings(numbers).values()]
        forgotten = self.gallery.forget(identity=identity, sightings=() if identity else numbers)
        self.forgotten += digests if set(numbers) <= set(forgotten) else []

    # What readers do

    def search(self) -> None:
        [number] = self.some(1)
        vector = self.gallery.ledger.vector(1, number)
        if vector is not None:
            answer = self.gallery.find(vector[None], top=10, among=self.rng.choice(["all", "all", "known", "unknown"]))
            assert all(one.similarity >= other.similarity for one, other in pairwise(answer.matches))
            hits = self.gallery.index.search(vector[None], 1).sightings[0, 0]
            assert hits == number or number not in self.gallery.sightings([number]), (
                f"{number} is not found, but {hits}"
            )

    def similar(self) -> None:
        [number] = self.some(1)
        assert number not in [match.sighting.number for match in self.gallery.similar(number, top=10).matches]

    def who(self) -> None:
        identities = self.gallery.identities
        assert all(number in identities.by_number[of].sightings for number, of in identities.of.items())

    def some(self, number: int) -> list[int]:
        return self.rng.sample(self.gallery.ledger.select().tolist(), number)

    def identity(self) -> int:
        known = sorted(self.gallery.identities.by_number)
        if not known:
            raise ConflictError("there is no identity yet")
        return self.rng.choice(known)


ROLES = {
    "writer": {"add": 8, "enrol": 4, "confirm": 3, "reject": 2, "merge": 2, "undo": 2, "forget": 1},
    "reader": {"search": 5, "similar": 3, "who": 2},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--sightings", type=int, default=5_000)
    parser.add_argument("--role", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        torch.set_num_threads(1)
        role, folder, seed = given.role
        Worker(Path(folder), int(seed), given.minutes).run(ROLES[role])
        return
    with tempfile.TemporaryDirectory() as folder:
        create(Path(folder), given.sightings)
        roles = ["writer"] * given.writers + ["reader"] * given.readers
        started = [
            subprocess.Popen(
                [sys.executable, __file__, "--minutes", str(given.minutes), "--role", role, folder, str(seed)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for seed, role in enumerate(roles, 1)
        ]
        results = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
        report(Path(folder), results)


def report(folder: Path, results: list[dict[str, Any]]) -> None:
    done: dict[str, list[tuple[int, float, float, int]]] = defaultdict(list)
    errors: Counter[str] = Counter()
    forgotten: set[str] = set()
    for result in results:
        errors.update(result["errors"])
        forgotten |= set(result["forgotten"])
        for name, values in result["seconds"].items():
            done[name].append(values)
    for name, each in done.items():
        numbers, medians, longest, refused = zip(*each, strict=True)
        print(
            f"{name}: {sum(numbers):,} times, {sum(refused):,} refused, median {1000 * np.median(medians):.0f} ms, "
            f"longest {max(longest):.1f} s"
        )
    print(f"errors: {sum(errors.values())}")
    for error, number in errors.items():
        print(f"{number} times: {error}")
    with Gallery(folder) as gallery:
        digests = [each.seen.source for each in gallery.sightings(gallery.ledger.select().tolist()).values()]
        assert len(digests) == len(set(digests))
        content = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        left = [source for source in forgotten if source.encode() in content]
        print(
            f"{len(digests):,} sightings, {len(gallery.history.events()):,} events; {len(forgotten):,} forgotten",
            end=", ",
        )
        print(f"of {len(left)} of which bytes are left; problems: {problems(gallery)}")


def problems(gallery: Gallery) -> list[str]:
    found = schema.damages(gallery.ledger.engine)
    if gallery.index.numbers().tolist() != gallery.ledger.select().tolist():
        found.append("the index does not have the sightings that the database has")
    return found


if __name__ == "__main__":
    main()
