"""What a process does with a ledger and its index until it is killed, and says when it is done."""

import random
from multiprocessing.connection import Connection
from pathlib import Path

from scalereid.gallery import schema
from scalereid.gallery.events import Confirm, Enrol, Merge
from scalereid.gallery.forgetting import forget
from scalereid.gallery.history import History
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger
from tests.gallery.conftest import new_sightings


def work(url: str, folder: Path, seed: int, said: Connection) -> None:
    """Add, enrol, merge, confirm and forget at random."""
    ledger, rng = Ledger(schema.connect(url)), random.Random(seed)
    history, index = History(ledger.engine), ExactIndex(folder / "index", ledger, 1)
    said.send(("ready",))
    for turn in range(10**6):
        what = rng.random()
        identities = history.identities()
        if what < 0.6 or len(identities.of) < 10:
            start = 1_000_000 * seed + 10 * turn
            numbers = ledger.add(1, new_sightings(5, start=start))
            said.send(("added", *((number, f"digest-{start + i}") for i, number in enumerate(numbers))))
            event = history.record(Enrol(tuple(number for number in numbers if number)))
            said.send(("event", event.number))
        elif what < 0.75 and len(identities.by_number) > 2:
            one, other = rng.sample(sorted(identities.by_number), 2)
            said.send(("event", history.record(Merge(one, (other,))).number))
        elif what < 0.9:
            identity, sighting = rng.choice(sorted(identities.by_number)), rng.choice(sorted(identities.of))
            said.send(("event", history.record(Confirm(identity, (sighting,))).number))
        else:
            chosen = rng.sample(sorted(identities.of), 3)
            said.send(("forgetting", *chosen))
            forget(history, sightings=chosen)
            said.send(("forgotten", *chosen))
        index.catch_up()
