"""Where a gallery is: in a folder, with its database and its index; or in a database that a URL names."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from sqlalchemy.engine import URL

from scalereid.data.images import default_cache_folder
from scalereid.files import require_free
from scalereid.gallery import schema
from scalereid.gallery.ledger import Ledger

_LEDGER, _INDEX = "ledger.sqlite", "index"
Where = str | PathLike[str]


def is_url(where: Where) -> bool:
    """Whether it is the URL of a database rather than a folder."""
    return "://" in str(where)


def open_ledger(where: Where) -> Ledger:
    """The ledger of the gallery there.

    Raises:
        FileNotFoundError: There is no gallery.
        ConnectionError: The server of its database cannot be reached.
        ValueError: It is damaged, or of a later version.
    """
    if not is_url(where) and not (Path(where) / _LEDGER).is_file():
        raise FileNotFoundError(f"No gallery at {where}; create one first")
    engine = schema.connect(_database(where))
    if is_url(where) and not schema.has_ledger(engine):
        engine.dispose()
        raise FileNotFoundError(f"No gallery in {schema.public_name(engine.url)}; create one first")
    return Ledger(engine)


def require_no_gallery(where: Where) -> None:
    """Check that a gallery can be made there.

    Raises:
        FileExistsError: There is one, or a folder that is not empty.
    """
    if not is_url(where):
        require_free(Path(where))
        return
    engine = schema.connect(_database(where))
    there = schema.has_ledger(engine)
    engine.dispose()
    if there:
        raise FileExistsError(
            f"There is a gallery in {schema.public_name(engine.url)} already; name another database, or another schema"
        )


@contextmanager
def new_ledger(where: Where) -> Iterator[None]:
    """Make an empty ledger where there is none, and delete it again if the block fails."""
    if not is_url(where):
        Path(where).mkdir(parents=True, exist_ok=True)
    engine = schema.connect(_database(where))
    schema.create(engine)
    try:
        yield
    except BaseException:
        schema.drop(engine)
        engine.dispose()
        if not is_url(where):
            shutil.rmtree(where)
        raise
    engine.dispose()


def index_folder(where: Where, ledger: Ledger) -> Path:
    """Where the files of its index are: beside a ledger in a folder, else in this machine's cache folder."""
    return default_cache_folder() / "galleries" / ledger.id if is_url(where) else Path(where) / _INDEX


def _database(where: Where) -> str | URL:
    return str(where) if is_url(where) else URL.create("sqlite", database=str(Path(where) / _LEDGER))
