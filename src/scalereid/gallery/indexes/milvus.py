"""The index in Milvus: a FLAT one, which scans, with the conditions as expressions, so that nothing is lost to them."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException

from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes.served import Found
from scalereid.gallery.ledger import UNKNOWN, Vectors
from scalereid.gallery.sightings import Seen, to_microseconds

_MOST = 16_384  # results of a search in Milvus
_IN_EXPRESSION = 10_000  # numbers in an expression: of 100,000, parsing alone takes seconds
_LONGEST = 65_535  # bytes of a text in Milvus
_WAIT = 60.0  # seconds for an answer
Given = ParamSpec("Given")
T = TypeVar("T")


def _asking(call: Callable[Given, T]) -> Callable[Given, T]:
    """Let a call's errors of Milvus be the connection's, whoever calls, so that they need not know Milvus."""

    @wraps(call)
    def asked(*given: Given.args, **named: Given.kwargs) -> T:
        try:
            return call(*given, **named)
        except MilvusException as error:
            raise ConnectionError(f"Milvus could not do it: {error.message}") from error

    return asked


class MilvusStore:
    """Vectors in a collection of Milvus, with what conditions need of their sightings, but without pictures and names.

    The environment variable MILVUS_TOKEN has the token, or user:password, where the server asks for one.

    Args:
        uri: `http://HOST:19530`, or https.
        collection: A name of its own.

    Raises:
        ValueError: The URI has a password, which would be recorded.
        ConnectionError: By all its methods: Milvus does not answer, or cannot do what it is asked.
    """

    def __init__(self, uri: str, collection: str) -> None:
        parts = urlsplit(uri)
        if parts.username or parts.password or parts.query:
            raise ValueError(
                f"index is {parts.scheme}://…@{parts.hostname}, with a password in it, which would be recorded; expected "
                "http://HOST:19530, and the password in the environment variable MILVUS_TOKEN, as USER:PASSWORD"
            )
        self.uri, self.collection = uri, collection

    @cached_property
    def _client(self) -> MilvusClient:
        try:
            return MilvusClient(self.uri, token=os.environ.get("MILVUS_TOKEN", ""), timeout=_WAIT)
        except MilvusException as error:
            raise ConnectionError(f"{self.uri} cannot be reached: {error.message}") from error

    @_asking
    def exists(self) -> bool:
        """See `Store`."""
        there: bool = self._client.has_collection(self.collection)
        if there:
            self._client.load_collection(self.collection)  # waits for it after the server was started anew
        return there

    @_asking
    def create(self, size: int) -> None:
        """See `Store`."""
        self.drop()
        schema = self._client.create_schema()
        schema.add_field("sighting", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=size)
        schema.add_field("camera", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("time", DataType.INT64)
        schema.add_field("track", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("attributes", DataType.JSON)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        self._client.create_collection(self.collection, schema=schema, index_params=index, consistency_level="Strong")

    @_asking
    def put(self, vectors: Vectors, seen: list[Seen]) -> None:
        """See `Store`."""
        rows = [
            {
                "sighting": number,
                "vector": vector,
                "camera": each.camera,
                "time": time,
                "track": each.track,
                "attributes": {name: float(likelihood) for name, likelihood in each.attributes.items()},
            }
            for number, vector, time, each in zip(
                vectors.sightings.tolist(), vectors.matrix, vectors.times.tolist(), seen, strict=True
            )
        ]
        self._client.upsert(self.collection, rows)

    @_asking
    def remove(self, sightings: NDArray[np.int64]) -> None:
        """See `Store`. The files go when Milvus collects its garbage."""
        for part in _parts(sightings):
            self._client.delete(self.collection, ids=part.tolist())
        self._client.flush(self.collection)
        self._client.compact(self.collection)

    @_asking
    def search(
        self,
        queries: NDArray[np.float32],
        top: int,
        where: Filter,
        among: NDArray[np.int64] | None,
        without: NDArray[np.int64],
    ) -> list[Found]:
        """See `Store`."""
        if top >= _MOST:
            raise ValueError(
                f"top is {top}, and Milvus finds up to {_MOST - 1}; ask for fewer, or choose the index exact"
            )
        found: list[list[tuple[float, int]]] = [[] for _ in queries]
        for numbers in _conditions_on_numbers(among, without):
            conditions = " and ".join([*_conditions(where), *numbers])
            for own, more in zip(found, self._nearest(queries, top, conditions), strict=True):
                own += more
        best = [sorted(own)[:top] for own in found]
        return [
            Found(np.array([number for _, number in own], np.int64), -np.array([value for value, _ in own], np.float32))
            for own in best
        ]

    @_asking
    def numbers(self) -> NDArray[np.int64]:
        """See `Store`."""
        found = list[int]()
        pages = self._client.query_iterator(
            self.collection, batch_size=_MOST // 2, output_fields=["sighting"], consistency_level="Strong"
        )
        while page := pages.next():
            found += [row["sighting"] for row in page]
        pages.close()
        return np.unique(np.array(found, np.int64))

    @_asking
    def drop(self) -> None:
        """See `Store`."""
        self._client.drop_collection(self.collection)  # which may be gone

    def _nearest(self, queries: NDArray[np.float32], top: int, conditions: str) -> list[list[tuple[float, int]]]:
        """Of each query the nearest, and all as similar as the last of them: opposites of similarities, and numbers."""
        limit = top + 1
        while True:
            found = self._client.search(
                self.collection,
                list(queries),
                conditions,
                limit,
                ["sighting"],
                {"metric_type": "IP"},
                consistency_level="Strong",
            )
            if limit == _MOST or not any(len(hits) == limit and _tied(hits, top) for hits in found):
                return [[(-hit["distance"], hit["sighting"]) for hit in hits] for hits in found]
            limit = min(4 * limit, _MOST)


def _tied(hits: Any, top: int) -> bool:
    """Whether more than were asked for may be as similar as the last of the top."""
    return bool(hits[top - 1]["distance"] == hits[-1]["distance"])


def _conditions(where: Filter) -> list[str]:
    """A filter in the language of Milvus."""
    conditions = []
    if where.cameras:
        conditions.append(f"camera in {_text(where.cameras)}")
    if where.not_cameras:
        conditions.append(f"camera not in {_text([*where.not_cameras, ''])}")
    if where.after:
        conditions.append(f"time >= {to_microseconds(where.after)}")
    if where.before:
        conditions.append(f"time < {to_microseconds(where.before)} and time > {UNKNOWN + 1}")
    if where.tracks:
        conditions.append(f"track in {_text(where.tracks)}")
    conditions += [f"attributes[{_text(name)}] >= {float(least)}" for name, least in where.attributes.items()]
    return conditions


def _text(value: Any) -> str:
    """Texts as Milvus reads them: as JSON."""
    return json.dumps(value, ensure_ascii=False)


def _conditions_on_numbers(among: NDArray[np.int64] | None, without: NDArray[np.int64]) -> Iterator[list[str]]:
    """Conditions that say together which sightings may be found, each of other ones, and short."""
    if among is not None:
        for part in _parts(np.setdiff1d(among, without)):
            yield [f"sighting in {part.tolist()}"]
        return
    after = UNKNOWN + 1
    for part in _parts(without):
        yield [f"sighting > {after}", f"sighting <= {part[-1]}", f"sighting not in {part.tolist()}"]
        after = part[-1]
    yield [f"sighting > {after}"] if len(without) else []


def _parts(numbers: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(numbers), _IN_EXPRESSION):
        yield numbers[start : start + _IN_EXPRESSION]
