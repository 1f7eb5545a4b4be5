"""Whatever is killed, what was acknowledged is there, once; and the ledger goes on."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from scalereid.gallery import schema
from scalereid.gallery.history import History
from scalereid.gallery.identities import Identities
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger
from tests.gallery.killed import work

KILLS = {"sqlite": 100, "postgresql": 5}  # a server forgets more slowly
CONTEXT = multiprocessing.get_context("forkserver")  # a process that has imported all starts at once
CONTEXT.set_forkserver_preload(["tests.gallery.killed"])


def work_until_killed(url: str, folder: Path, seed: int, seconds: float) -> Iterator[tuple[Any, ...]]:
    """What a process said before it was killed."""
    here, there = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=work, args=(url, folder, seed, there))
    process.start()
    there.close()
    with here:
        assert here.recv() == ("ready",)
        time.sleep(seconds)
        process.kill()
        process.join()
        with suppress(EOFError):
            while True:
                yield here.recv()


@pytest.mark.slow
def test_no_acknowledged_row_is_lost_and_none_doubled(url: str, engine: Engine, tmp_path: Path) -> None:
    """Of processes that add, enrol, merge, confirm and forget, and bring the index up to date."""
    ledger, rng = Ledger(engine), random.Random(1)
    model = ledger.add_model("a" * 12, "{}")
    there, events, maybe_gone = dict[int, str](), set[int](), set[int]()
    kills = KILLS[engine.dialect.name]
    for seed in range(1, kills + 1):
        for what, *values in work_until_killed(url, tmp_path, seed, rng.uniform(0.02, 0.6) * (1 if kills > 5 else 4)):
            if what == "added":
                there |= dict(values)
            elif what == "event":
                events.add(values[0])
            else:  # what a process was about to forget may be gone
                maybe_gone |= set(values)
                if what == "forgotten":
                    assert not ledger.sightings(values)
        with schema.writing(engine) as connection:  # once the server has noticed, where there is one
            rows = dict(connection.execute(select(schema.sightings.c.number, schema.sightings.c.digest)).all())
            vectors = connection.scalar(select(func.count()).select_from(schema.embeddings))
            crops = connection.scalar(select(func.count()).select_from(schema.crops))
        assert {number: digest for number, digest in there.items() if number not in maybe_gone}.items() <= rows.items()
        assert len(set(rows.values())) == len(rows) == vectors == crops
        found = History(engine).events()
        assert events <= {event.number for event in found}
        assert {*Identities.replay(found).of} <= rows.keys()
        index = ExactIndex(tmp_path / "index", ledger, model)  # as the process has left it
        for block in ledger.vectors(model):
            hits = index.search(block.matrix, 1)
            assert hits.sightings[:, 0].tolist() == block.sightings.tolist()
        assert sorted(index.numbers()) == sorted(rows)
    assert len(there) > 4 * kills and len(events) > 4 * kills and maybe_gone
