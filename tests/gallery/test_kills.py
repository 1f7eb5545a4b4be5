"""Whatever is killed, what was acknowledged is there, once; and the ledger goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from scalereid.gallery import schema
from scalereid.gallery.history import History
from scalereid.gallery.identities import Identities
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger

ROOT = Path(__file__).parents[2]


def work_until_killed(database: Path, seed: int, seconds: float) -> list[list[str]]:
    """What a process said before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.gallery.killed", str(database), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return [line.split() for line in process.stdout.read().split("\n")[:-1]]


@pytest.mark.slow
def test_no_acknowledged_row_is_lost_and_none_doubled(engine: Engine, tmp_path: Path) -> None:
    """Of processes that add, enrol, merge, confirm and forget."""
    ledger, rng = Ledger(engine), random.Random(1)
    model = ledger.add_model("a" * 12, "{}")
    database, index = tmp_path / "ledger.sqlite", ExactIndex(tmp_path / "index", ledger, model)
    there, events, maybe_gone = dict[int, str](), set[int](), set[int]()
    for seed in range(1, 26):
        said = work_until_killed(database, seed, rng.uniform(0.02, 0.6))
        for what, *values in said:
            if what == "added":
                there |= {int(number): digest for number, digest in (value.split(":") for value in values)}
            elif what == "event":
                events.add(int(values[0]))
            else:  # what a process was about to forget may be gone
                maybe_gone |= {int(value) for value in values}
                if what == "forgotten":
                    assert not ledger.sightings([*map(int, values)])
        with engine.begin() as connection:
            rows = dict(connection.execute(select(schema.sightings.c.number, schema.sightings.c.digest)).all())
            vectors = connection.scalar(select(func.count()).select_from(schema.embeddings))
            crops = connection.scalar(select(func.count()).select_from(schema.crops))
        assert {number: digest for number, digest in there.items() if number not in maybe_gone}.items() <= rows.items()
        assert len(set(rows.values())) == len(rows) == vectors == crops
        found = History(engine).events()
        assert events <= {event.number for event in found}
        assert {*Identities.replay(found).of} <= rows.keys()
        assert sorted(index.numbers()) == sorted(rows)
    assert len(there) > 100 and len(events) > 100 and maybe_gone
