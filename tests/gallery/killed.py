"""A process that works on a ledger until it is killed, and says what is done. Started with the database's path and a seed."""

import random
import sys

from scalereid.gallery import schema
from scalereid.gallery.events import Confirm, Enrol, Merge
from scalereid.gallery.forgetting import forget
from scalereid.gallery.history import History
from scalereid.gallery.ledger import Ledger
from tests.gallery.conftest import new_sightings


def main(database: str, seed: str) -> None:
    ledger, rng = Ledger(schema.connect(f"sqlite:///{database}")), random.Random(int(seed))
    history = History(ledger.engine)
    print("ready", flush=True)
    for turn in range(10**6):
        what = rng.random()
        identities = history.identities()
        if what < 0.6 or len(identities.of) < 10:
            start = 1_000_000 * int(seed) + 10 * turn
            numbers = ledger.add(1, new_sightings(5, start=start))
            print("added", *(f"{number}:digest-{start + i}" for i, number in enumerate(numbers)), flush=True)
            event = history.record(Enrol(tuple(number for number in numbers if number)))
            print("event", event.number, flush=True)
        elif what < 0.75 and len(identities.by_number) > 2:
            one, other = rng.sample(sorted(identities.by_number), 2)
            print("event", history.record(Merge(one, (other,))).number, flush=True)
        elif what < 0.9:
            identity, sighting = rng.choice(sorted(identities.by_number)), rng.choice(sorted(identities.of))
            print("event", history.record(Confirm(identity, (sighting,))).number, flush=True)
        else:
            chosen = rng.sample(sorted(identities.of), 3)
            print("forgetting", *chosen, flush=True)
            forget(history, sightings=chosen)
            print("forgotten", *chosen, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
