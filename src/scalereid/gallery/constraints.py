"""Where a person cannot be: in two places at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.filters import Filter
from scalereid.gallery.ledger import UNKNOWN, Ledger
from scalereid.gallery.sightings import Seen

_MICROSECONDS = 1_000_000
_YEAR = 365 * 24 * 3600


class Spans(NamedTuple):
    """Where and when people were seen: one row for each sighting, or for each track."""

    cameras: NDArray[np.int64]
    """(n,) the camera, as a position in `names`."""
    tracks: NDArray[np.int64]
    """(n,) a number for each track, equal for the same name; −1 where it is not known."""
    starts: NDArray[np.int64]
    """(n,) the first time, in microseconds; `UNKNOWN` where it is not known."""
    ends: NDArray[np.int64]
    """(n,) the last time, likewise."""
    names: tuple[str, ...]
    """Of the cameras; empty for one that is not known."""

    @classmethod
    def of_sightings(cls, cameras: Sequence[str], times: NDArray[np.int64], tracks: Sequence[str]) -> "Spans":
        """Those of single sightings: names of cameras and tracks, empty where they are not known, and times."""
        names, camera = np.unique(np.array(cameras, dtype=object), return_inverse=True)
        track_names, track = np.unique(np.array(tracks, dtype=object), return_inverse=True)
        track = np.where(track_names == "", -1, np.arange(len(track_names)))[track] if len(track) else track
        return cls(camera.astype(np.int64), track.astype(np.int64), times, times, tuple(names.tolist()))


@dataclass(frozen=True)
class Constraints:
    """Which sightings and tracks cannot show one person.

    A person is not in two tracks of one camera whose times overlap, and not in two cameras at once unless these see the same
    place. Tracks that only touch may be of one person, since times are often rounded to seconds. What is not known forbids
    nothing.

    Raises:
        ValueError: A pair names one camera twice, or the seconds are negative.
    """

    overlapping: tuple[tuple[str, str], ...] = ()
    """Pairs of cameras that see the same place, so that a person can be in both at once."""
    seconds: float = 1.0
    """Nobody is seen by two other cameras within this time; 0 for the same time only. Within a second nobody leaves the view
    of one camera and enters that of another, and names of files tell times to the second. Clocks that differ need no
    more: a longer time forbids more of what is possible."""

    def __post_init__(self) -> None:
        for pair in self.overlapping:
            if len(set(pair)) != 2 or not all(pair):
                raise ValueError(f"overlapping has the pair {pair}; expected the names of two cameras")
        if not 0 <= self.seconds <= _YEAR:
            raise ValueError(f"seconds is {self.seconds}; expected 0 or more, at most a year")

    def forbid(self, spans: Spans, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs of rows of `spans`, given as two arrays (p,), cannot show one person."""
        known = (spans.starts != UNKNOWN) & (np.array([name != "" for name in spans.names], bool)[spans.cameras])
        starts, ends = np.where(known, spans.starts, 0), np.where(known, spans.ends, 0)
        apart = np.maximum(starts[one], starts[other]) - np.minimum(
            ends[one], ends[other]
        )  # below 0 where they overlap
        camera, other_camera = spans.cameras[one], spans.cameras[other]
        track, other_track = spans.tracks[one], spans.tracks[other]
        two_tracks = (camera == other_camera) & (track >= 0) & (other_track >= 0) & (track != other_track) & (apart < 0)
        two_cameras = self._separate(spans.names)[camera, other_camera] & (apart <= self.seconds * _MICROSECONDS)
        return np.asarray(known[one] & known[other] & (two_tracks | two_cameras))

    def _separate(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Of each two cameras, whether they are two and see no place both."""
        found = ~np.eye(len(names), dtype=bool)
        position = {name: i for i, name in enumerate(names)}
        for one, other in self.overlapping:
            if one in position and other in position:
                found[position[one], position[other]] = found[position[other], position[one]] = False
        return found


def elsewhere(ledger: Ledger, seen: Seen, constraints: Constraints) -> set[int]:
    """The numbers of sightings that cannot show whoever was seen there and then. None, if camera or time is not known."""
    if not seen.camera or seen.time is None:
        return set()
    within, instant = timedelta(seconds=constraints.seconds), timedelta(microseconds=1)
    near = {seen.camera, *(name for pair in constraints.overlapping if seen.camera in pair for name in pair)}
    others = Filter(not_cameras=tuple(sorted(near)), after=seen.time - within, before=seen.time + within + instant)
    found = set(ledger.select(others).tolist())
    if seen.track:
        beside = Filter(cameras=(seen.camera,), after=seen.time, before=seen.time + instant)
        found |= {
            number
            for number, other in ledger.sightings(ledger.select(beside).tolist()).items()
            if other.seen.track not in ("", seen.track)
        }
    return found
