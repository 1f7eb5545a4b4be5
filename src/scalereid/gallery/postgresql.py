"""What PostgreSQL needs so that deleted rows leave no byte of themselves."""

import time
from collections.abc import Iterable

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from scalereid.gallery import schema

_LOCKED, _FORBIDDEN = "55P03", "42501"  # by the names of PostgreSQL: lock_not_available, insufficient_privilege
_PAUSE = 0.05  # seconds between two looks whether a transaction has ended
_READ = "another process is reading it"
_OLDER = text(
    "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)"
    " AND greatest(age(backend_xid), age(backend_xmin)) > age(CAST(:own AS xid))"
)


def rewrite(engine: Engine, tables: Iterable[str]) -> None:
    """Write tables anew, without what was deleted from them, and let go of the log that is not needed any more.

    The log's old files are deleted only with `wal_recycle = off`, and where the user may call for a checkpoint.

    Raises:
        TimeoutError: A transaction has been open for too long, which may see what was deleted, so that it cannot go.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(
            f"SET lock_timeout = {max(1, 1000 * schema.WAIT)}"
        )  # milliseconds; 0 would be for ever
        try:
            _wait_for_older(connection)
            for table in tables:
                connection.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table}"')
            for command in ("SELECT pg_switch_wal()", "CHECKPOINT"):
                _try(connection, command)
        except OperationalError as error:
            if _state(error) == _LOCKED:
                raise TimeoutError(_READ) from error
            raise
        finally:
            connection.exec_driver_sql("RESET lock_timeout")


def _wait_for_older(connection: Connection) -> None:
    """Wait until all transactions have ended that began before now: what they may see is not taken away."""
    own = connection.scalar(text("SELECT CAST(pg_current_xact_id() AS text)"))
    until = time.monotonic() + schema.WAIT
    while connection.scalar(_OLDER, {"own": str(int(own) % 2**32)}):
        if time.monotonic() > until:
            raise TimeoutError(_READ)
        time.sleep(_PAUSE)


def _try(connection: Connection, command: str) -> None:
    """Run what only some users may."""
    try:
        connection.exec_driver_sql(command)
    except DBAPIError as error:
        if _state(error) != _FORBIDDEN:
            raise


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
