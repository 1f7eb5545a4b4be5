"""The ledger: the one truth of a gallery, in a database. Everything else can be computed from it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, CursorResult, Engine, func, insert, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from scalereid.gallery import schema
from scalereid.gallery.filters import Filter, numbers_of
from scalereid.gallery.sightings import NewSighting, Sighting, from_row, now, to_row

if TYPE_CHECKING:
    from scalereid.retrieval.calibration import Calibration

T = TypeVar("T")
UNKNOWN = np.iinfo(np.int64).min
_AT_ONCE = 500  # values in a condition: databases limit them


class ModelChangedError(ValueError):
    """The gallery was given another model while something was done by the embeddings of the one before."""


@dataclass(frozen=True)
class GalleryModel:
    """A model whose embeddings are in a gallery."""

    number: int
    fingerprint: str
    metadata: str
    """As JSON: see `ModelMetadata`."""
    calibration: str | None
    """As JSON: see `Calibration`."""

    @property
    def calibrated(self) -> "Calibration | None":
        """What distances between its embeddings mean; None if it is not known."""
        from scalereid.retrieval.calibration import Calibration  # here, as it waits for torch

        return Calibration.from_text(self.calibration) if self.calibration else None


class Vectors(NamedTuple):
    """Embeddings as they were added to a ledger."""

    last: int
    """Number of the last of them, in the order of all embeddings of the ledger."""
    sightings: NDArray[np.int64]
    cameras: list[str]
    times: NDArray[np.int64]
    """Microseconds since 1970; `UNKNOWN` for a sighting without a time."""
    matrix: NDArray[np.float32]
    """(b, d)"""


class Ledger:
    """A gallery's database: models, sightings, crops, embeddings and events.

    May be used from several threads and processes. What a call has added is there, whatever happens after it has returned.

    Raises:
        ValueError: The database is not a ledger, or one of a later version.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        try:
            self.id = schema.check_format(engine)
        except OperationalError as error:
            raise ValueError(f"{self.name} is not a gallery: {error.orig}") from error
        except DatabaseError as error:
            raise ValueError(f"{self.name} is damaged, or not a gallery: {error.orig}") from error
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error

    @property
    def name(self) -> str:
        """The database, without a password."""
        return schema.public_name(self.engine.url)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def add_model(self, fingerprint: str, metadata: str, calibration: str | None = None) -> int:
        """The number of a model, which is added if it is not there."""
        with schema.writing(self.engine) as connection:
            known = connection.execute(
                select(schema.models.c.number).where(schema.models.c.fingerprint == fingerprint)
            ).scalar()
            if known is not None:
                return int(known)
            row = {"fingerprint": fingerprint, "metadata": metadata, "calibration": calibration, "added": now()}
            return inserted(connection.execute(insert(schema.models).values(row)))

    def calibrate(self, model: int, calibration: str) -> None:
        """Keep a calibration of a model's distances."""
        with schema.writing(self.engine) as connection:
            connection.execute(
                update(schema.models).where(schema.models.c.number == model).values(calibration=calibration)
            )

    def models(self) -> list[GalleryModel]:
        """The models, oldest first."""
        columns = schema.models.c
        with self.engine.begin() as connection:
            rows = connection.execute(
                select(columns.number, columns.fingerprint, columns.metadata, columns.calibration).order_by(
                    columns.number
                )
            )
            return [GalleryModel(*row) for row in rows]

    def known(self, digests: Sequence[str]) -> set[str]:
        """Those of the digests that are in the gallery."""
        with self.engine.begin() as connection:
            return present(connection, schema.sightings.c.digest, digests)

    def add(self, model: int, new: Sequence[NewSighting]) -> list[int | None]:
        """Add sightings with their embeddings by a model, all or none; the number of each, None for one that is there.

        Raises:
            ModelChangedError: The gallery has another model by now, which would not find them.
        """
        with schema.writing(self.engine) as connection:
            if _settings(connection).get("model", model) != model:
                raise ModelChangedError(
                    "the gallery was given another model while pictures were embedded by the one before; add them again"
                )
            there = present(connection, schema.sightings.c.digest, [each.digest for each in new])
            chosen = dict[str, NewSighting]()
            for each in new:
                if each.digest not in there:
                    chosen.setdefault(each.digest, each)
            numbered = insert(schema.sightings).returning(schema.sightings.c.number, sort_by_parameter_order=True)
            rows = [to_row(each) for each in chosen.values()]
            numbers = dict(zip(chosen, connection.scalars(numbered, rows) if rows else (), strict=True))
            added = [(number, chosen[digest]) for digest, number in numbers.items()]
            vectors = [{"model": model, "sighting": number, "vector": _bytes(each.vector)} for number, each in added]
            crops = [{"sighting": number, "jpeg": each.crop} for number, each in added if each.crop]
            for table, values in ((schema.embeddings, vectors), (schema.crops, crops)):
                if values:
                    connection.execute(insert(table), values)
        return [numbers.pop(each.digest, None) for each in new]  # of equal ones the first was added

    def embed(self, model: int, numbers: Sequence[int], vectors: NDArray[np.float32]) -> int:
        """Add embeddings by another model of sightings that are there; those that have one keep it. How many were added."""
        with schema.writing(self.engine) as connection:
            columns = schema.embeddings.c
            new = present(connection, schema.sightings.c.number, numbers)  # some may have been forgotten
            new -= present(connection, columns.sighting, numbers, columns.model == model)
            rows = [
                {"model": model, "sighting": number, "vector": _bytes(vector)}
                for number, vector in zip(numbers, vectors, strict=True)
                if number in new
            ]
            if rows:
                connection.execute(insert(schema.embeddings), rows)
            return len(rows)

    def sightings(self, numbers: Sequence[int]) -> dict[int, Sighting]:
        """Sightings by their numbers, as far as they are there."""
        found: dict[int, Sighting] = {}
        with self.engine.begin() as connection:
            for part in in_parts([int(number) for number in numbers]):
                rows = connection.execute(select(schema.sightings).where(schema.sightings.c.number.in_(part)))
                found |= {row.number: from_row(row) for row in rows}
        return found

    def select(
        self,
        where: Filter | None = None,
        *,
        among: Sequence[int] | None = None,
        below: int | None = None,
        last: int | None = None,
    ) -> NDArray[np.int64]:
        """The numbers, ascending, of the sightings that `numbers_of` names."""
        with self.engine.begin() as connection:
            return np.sort(np.fromiter(connection.scalars(numbers_of(where, among, below, last)), np.int64))

    def crop(self, number: int) -> bytes | None:
        """The picture of a sighting as JPEG; None if it has none."""
        with self.engine.begin() as connection:
            return connection.scalar(select(schema.crops.c.jpeg).where(schema.crops.c.sighting == int(number)))

    def vectors(self, model: int, after: int = 0, *, block: int = 4096) -> Iterator[Vectors]:
        """The embeddings by a model that were added after the one numbered `after`, in this order, block by block.

        Raises:
            ValueError: An embedding is damaged; the message names its sighting.
        """
        own, of = schema.embeddings.c, schema.sightings.c
        chosen = select(own.number, own.sighting, own.vector, of.camera, of.time).join_from(
            schema.embeddings, schema.sightings
        )
        while True:
            with self.engine.begin() as connection:
                rows = connection.execute(
                    chosen.where(own.model == model, own.number > after).order_by(own.number).limit(block)
                ).all()
            if not rows:
                return
            sizes = {len(row.vector) for row in rows}
            if len(sizes) > 1 or not all(size and size % 4 == 0 for size in sizes):
                raise ValueError(f"{self.name} has embeddings of {sorted(sizes)} bytes by one model; it is damaged")
            after = rows[-1].number
            yield Vectors(
                after,
                np.array([row.sighting for row in rows], np.int64),
                [row.camera for row in rows],
                np.array([UNKNOWN if row.time is None else row.time for row in rows], np.int64),
                np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), -1),
            )

    def settings(self) -> dict[str, Any]:
        """The settings of the gallery, as JSON values."""
        with self.engine.begin() as connection:
            return _settings(connection)

    def set(self, **values: Any) -> None:
        """Change settings; the others stay."""
        with schema.writing(self.engine) as connection:
            connection.execute(update(schema.state).values(settings=json.dumps(_settings(connection) | values)))

    def latest(self, model: int) -> tuple[int, int]:
        """Numbers of the last embedding by a model, and of the last removal; 0 for none."""
        own, removals = schema.embeddings.c, schema.removals.c
        with self.engine.begin() as connection:
            embedding = select(func.max(own.number)).where(own.model == model).scalar_subquery()
            found = connection.execute(select(embedding, select(func.max(removals.number)).scalar_subquery())).one()
            return found[0] or 0, found[1] or 0

    def vector(self, model: int, sighting: int) -> NDArray[np.float32] | None:
        """The embedding (d,) of a sighting by a model; None if there is none."""
        own = schema.embeddings.c
        with self.engine.begin() as connection:
            found = connection.scalar(select(own.vector).where(own.model == model, own.sighting == int(sighting)))
        return None if found is None else np.frombuffer(found, "<f4")

    def removed(self, after: int = 0) -> tuple[int, NDArray[np.int64]]:
        """The number of the last removal, and the sightings that were removed after the one numbered `after`."""
        columns = schema.removals.c
        with self.engine.begin() as connection:
            rows = connection.execute(
                select(columns.number, columns.sighting).where(columns.number > after).order_by(columns.number)
            ).all()
        return rows[-1].number if rows else after, np.array([row.sighting for row in rows], np.int64)

    def count(self) -> int:
        """Number of sightings."""
        with self.engine.begin() as connection:
            return int(connection.scalar(select(func.count()).select_from(schema.sightings)) or 0)


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Values in parts that fit into a condition."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def present(
    connection: Connection, column: ColumnElement[T], values: Sequence[T], *conditions: ColumnElement[bool]
) -> set[T]:
    """Those of the values that a column has, in rows that meet the conditions."""
    found = set[T]()
    for part in in_parts(values):
        found |= set(connection.scalars(select(column).where(column.in_(part), *conditions)))
    return found


def _settings(connection: Connection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connection.execute(select(schema.state.c.settings)).scalar_one())
    return found


def _bytes(vector: NDArray[np.float32]) -> bytes:
    return np.asarray(vector, "<f4").tobytes()


def inserted(result: CursorResult[Any]) -> int:
    """The number of the row that was inserted."""
    return int(result.inserted_primary_key[0])  # type: ignore[index]
