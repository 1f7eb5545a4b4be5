"""What the names of files tell about pictures: camera, time and track."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scalereid.gallery.sightings import Seen

# Digits of the directives of strptime that a file's name may have.
_DIGITS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "y": 2, "j": 3}
_FRACTION = r"\d{1,6}"


@dataclass(frozen=True)
class NameRule:
    """Where the name of a file has camera, time and track. What is empty is not looked for.

    Raises:
        ValueError: A pattern or format cannot be used; the message names it.
    """

    camera_from: str = ""
    r"""A regular expression with one group, searched in the path: `cam(\d+)`."""
    time_from: str = ""
    """A format of `strptime`, searched in the file's name: `%Y%m%d_%H%M%S`. Times are taken as UTC."""
    track_from: str = ""
    """A regular expression with one group, searched in the path."""
    _time: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        for name in ("camera_from", "track_from"):
            pattern = getattr(self, name)
            try:
                groups = re.compile(pattern).groups if pattern else 1
            except re.error as error:
                raise ValueError(f"{name} is {pattern!r}, which is not a regular expression: {error}") from None
            if groups != 1:
                raise ValueError(f"{name} is {pattern!r}, which has {groups} groups; expected one, as in cam(\\d+)")
        if self.time_from:
            object.__setattr__(self, "_time", _pattern(self.time_from))

    def read(self, path: str | Path) -> Seen:
        """What the name of a file tells.

        Raises:
            ValueError: The name does not have what the rule looks for; the message says what.
        """
        where = Path(path).as_posix()
        return Seen(
            source=str(path),
            camera=_group(self.camera_from, where, "camera"),
            time=self._read_time(Path(path).name),
            track=_group(self.track_from, where, "track"),
        )

    def _read_time(self, name: str) -> datetime | None:
        if self._time is None:
            return None
        found = self._time.search(name)
        if found is None:
            raise ValueError(f"its name has no time like {datetime(2026, 3, 1, 13, 5).strftime(self.time_from)}")
        try:
            return datetime.strptime(found[0], self.time_from).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValueError(f"its name has a time that is none: {error}") from None


def _group(pattern: str, text: str, what: str) -> str:
    if not pattern:
        return ""
    found = re.search(pattern, text)
    if found is None or found[1] is None:
        raise ValueError(f"its path has no {what} like {pattern}")
    return found[1]


def _pattern(time_format: str) -> re.Pattern[str]:
    """A regular expression for what `strptime` reads by a format."""
    parts = []
    for text, directive in re.findall(r"([^%]+)|%(.)", time_format):
        if text:
            parts.append(re.escape(text))
        elif directive == "f":
            parts.append(_FRACTION)
        elif directive in _DIGITS:
            parts.append(rf"\d{{{_DIGITS[directive]}}}")
        else:
            known = ", ".join(f"%{letter}" for letter in (*_DIGITS, "f"))
            raise ValueError(f"time_from is {time_format!r}, and %{directive} cannot be searched for; use {known}")
    if not any(part.startswith(r"\d") for part in parts):
        raise ValueError(
            f"time_from is {time_format!r}, which has no parts of a time; expected something like %Y%m%d_%H%M%S"
        )
    return re.compile("".join(parts))
