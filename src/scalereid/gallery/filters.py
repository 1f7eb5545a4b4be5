"""Which sightings may be found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from scalereid.gallery import schema
from scalereid.gallery.sightings import to_microseconds

_GREATEST = 2**63 - 1  # number of a database


class _Likelihood(FunctionElement[float]):
    """The likelihood of an attribute, by the JSON object of all and the name."""

    inherit_cache = True
    type = Float()


@compiles(_Likelihood, "sqlite")
def _(element: _Likelihood, compiler: SQLCompiler, **options: object) -> str:
    attributes, name = (compiler.process(each, **options) for each in element.clauses)
    return f"(SELECT value FROM json_each({attributes}) WHERE key = {name})"  # a path would not find every name


@compiles(_Likelihood, "postgresql")
def _(element: _Likelihood, compiler: SQLCompiler, **options: object) -> str:
    attributes, name = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST({attributes} ->> {name} AS double precision)"


@dataclass(frozen=True)
class Filter:
    """Conditions that a sighting must meet, all of them. One of which camera, time or attribute
    is not known does not meet one on it."""

    cameras: tuple[str, ...] = ()
    """One of these; empty for any."""
    not_cameras: tuple[str, ...] = ()
    """None of these."""
    after: datetime | None = None
    """Taken then or later."""
    before: datetime | None = None
    """Taken earlier."""
    tracks: tuple[str, ...] = ()
    """One of these; empty for any."""
    attributes: Mapping[str, float] = field(default_factory=dict)
    """The least likelihood of each of these attributes."""

    def __post_init__(self) -> None:
        if self.after and self.before and to_microseconds(self.after) >= to_microseconds(self.before):
            raise ValueError(f"after is {self.after} and before is {self.before}; expected after to be the earlier one")
        for name, least in self.attributes.items():
            if not 0 <= least <= 1:
                raise ValueError(f"the least likelihood of {name} is {least}; expected one from 0 to 1")

    def __bool__(self) -> bool:
        """Whether it has any condition."""
        return self != Filter()

    def described(self) -> dict[str, Any]:
        """Its conditions as JSON values, those that are empty left out."""
        times = {name: time.isoformat() for name, time in (("after", self.after), ("before", self.before)) if time}
        return {name: value for name, value in vars(self).items() if value and name not in times} | times

    def clause(self) -> ColumnElement[bool]:
        """The conditions in SQL, on `schema.sightings`."""
        columns, conditions = schema.sightings.c, list[ColumnElement[bool]]()
        if self.cameras:
            conditions.append(columns.camera.in_(self.cameras))
        if self.not_cameras:
            conditions += [columns.camera.not_in(self.not_cameras), columns.camera != ""]
        if self.after:
            conditions.append(columns.time >= to_microseconds(self.after))
        if self.before:
            conditions.append(columns.time < to_microseconds(self.before))
        if self.tracks:
            conditions.append(columns.track.in_(self.tracks))
        conditions += [_Likelihood(columns.attributes, name) >= least for name, least in self.attributes.items()]
        return and_(true(), *conditions)


def numbers_of(
    where: Filter | None, among: Sequence[int] | None, below: int | None, last: int | None
) -> Select[tuple[int]]:
    """The numbers of the sightings that meet a filter, in SQL: ascending, or with `last` descending.

    Args:
        where: Conditions on them; None for any.
        among: Only these, a thousand at most; None for any.
        below: Only those with a smaller number than this one.
        last: Only so many, those with the greatest numbers.
    """
    number = schema.sightings.c.number
    chosen = select(number)
    if where:
        chosen = chosen.where(where.clause())
    if among is not None:
        chosen = chosen.where(number.in_(among))
    if below is not None:
        chosen = chosen.where(number < below)
    return chosen.order_by(number) if last is None else chosen.order_by(number.desc()).limit(min(last, _GREATEST))
