"""The log of a run as TensorBoard events, in the run's folder."""

import time
from pathlib import Path
from statistics import fmean
from typing import Any

from scalereid.attributes.scores import METRICS
from scalereid.packages import require
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog
from scalereid.runs.run import Run


class TensorBoard:
    """Writes epochs as events, which TensorBoard shows.

    Events are the log in another form. They are written anew when a run is resumed, from its `log.jsonl`: so no epoch is there
    twice, and none is missing that was logged without TensorBoard.

    Args:
        folder: Folder of the run.
        epoch: Number of finished epochs of a run that is resumed.
    """

    def __init__(self, folder: Path, epoch: int = 0) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        for file in folder.glob("events.out.tfevents.*"):
            file.unlink()
        self.file = folder / f"events.out.tfevents.{time.time_ns()}"
        self.written = -1
        self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))
        # A TensorBoard that is watching the run forgets what it has read of it.
        self._append(Event(wall_time=time.time(), session_log=SessionLog(status=SessionLog.START)))
        for entry in Run(folder).log():
            if entry.epoch <= epoch:
                self.write(entry)

    def write(self, entry: EpochLog) -> None:
        """Add an epoch, unless it is there already."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        if entry.epoch > self.written:
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in _scalars(entry).items()]
            self._append(Event(wall_time=time.time(), step=entry.epoch, summary=Summary(value=values)))
            self.written = entry.epoch

    def _append(self, event: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        with self.file.open("ab") as file:  # closed each time: whenever the process is killed, whole events are there
            RecordWriter(file).write(event.SerializeToString())


def _scalars(entry: EpochLog) -> dict[str, float]:
    values = {f"training/{name}": value for name, value in entry.losses.items()}
    if entry.learning_rate is not None:
        values |= {"training/learning_rate": entry.learning_rate, "training/seconds": entry.seconds}
    groups: dict[str, Scores | None] = {name: getattr(entry, name) for name in ("scores", "peer_scores", "both_scores")}
    for group, scores in (groups | {f"also_scores/{name}": on for name, on in entry.also_scores.items()}).items():
        if scores:
            values |= {f"{group}/{name}": scores.metric(name) for name in ("mAP", "mINP", "rank-1", "rank-5")}
    if found := entry.attribute_scores:
        values |= {f"attribute_scores/{name}": found.metric(name) for name in METRICS}
    if classified := entry.class_scores:
        values |= {f"class_scores/{name}": classified.metric(name) for name in ("top-1", "top-5")}
    if entry.search:
        values |= {"search/temperature": entry.search.temperature, "search/entropy": fmean(entry.search.entropy)}
    return values


def require_tensorboard() -> None:
    """Check that TensorBoard is installed, before hours of work rather than after.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed; the message says how to install it.
    """
    require("tensorboard", extra="tensorboard", purpose="TensorBoard events")
