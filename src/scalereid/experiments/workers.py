"""Trainings one after another in this process, or several at once in processes of their own."""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from typing import IO

import torch

from scalereid.experiments.training import resume, train
from scalereid.memory import keep_freed_memory
from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.signals import interruption, raising
from scalereid.training.loop import Interrupted

_LOOK_EVERY = 0.1  # seconds between looking whether a process has ended


@dataclass(frozen=True)
class Job:
    """A training to start, or to resume where it was stopped."""

    recipe: Recipe
    folder: Path
    """Folder of the run."""
    data: Path
    device: str

    @property
    def log(self) -> Path:
        """What the training printed, beside its folder, which does not exist before the training has begun."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def run(self, progress: Progress) -> None:
        """Train to the end."""
        if Run(self.folder).exists:
            # The recipe is that of the study, which its user has written: the names in it are as good as typed.
            resume(self.folder, data=self.data, device=self.device, run_code=True, progress=progress)
        else:
            train(self.recipe, data=self.data, out=self.folder, device=self.device, progress=progress)

    def to_json(self) -> str:
        """The job as a line of JSON."""
        values = {"recipe": self.recipe.to_json(), "folder": str(self.folder), "data": str(self.data)}
        return json.dumps({**values, "device": self.device})

    @classmethod
    def from_json(cls, line: str) -> "Job":
        """The job that `to_json` gave."""
        values = json.loads(line)
        return cls(Recipe.from_json(values["recipe"]), Path(values["folder"]), Path(values["data"]), values["device"])


Ended = Callable[[Job, str], None]
"""Called when a job has ended, with the message of its error; empty if it has succeeded."""


def run_one_by_one(jobs: Sequence[Job], ended: Ended, progress: Progress) -> None:
    """Run jobs in this process. An error ends its job alone.

    Raises:
        Interrupted: Ctrl-C was pressed; the job can be resumed.
    """
    for number, job in enumerate(jobs, 1):
        progress.say(f"\n{number} of {len(jobs)}: {job.folder}")
        try:
            job.run(progress)
        except Interrupted:
            raise
        except Exception as error:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            job.log.write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
            ended(job, _message(error))
        else:
            ended(job, "")


def run_at_once(jobs: Sequence[Job], at_once: int, ended: Ended) -> None:
    """Run jobs in processes of their own, `at_once` at a time, each with its share of the threads. An error ends its job alone.

    The processes end with this one, even if it is killed.

    Raises:
        Interrupted: Ctrl-C was pressed; each process has saved its step, and its job can be resumed.
    """
    waiting, running = list(reversed(jobs)), list[Worker]()
    with interruption() as stop_requested:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(Worker(waiting.pop(), max(1, torch.get_num_threads() // at_once)))
                time.sleep(_LOOK_EVERY)
                if stop_requested():
                    raise Interrupted
                for worker in [worker for worker in running if worker.process.poll() is not None]:
                    running.remove(worker)
                    worker.close()
                    ended(worker.job, worker.error())
        finally:
            _stop(running)


class Worker:
    """A process that runs one job and writes what it prints to the job's log."""

    def __init__(self, job: Job, threads: int) -> None:
        self.job = job
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            self.process = Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
                stdin=PIPE,
                stdout=log,
                stderr=STDOUT,
                # Before torch is imported: processes with more threads than cores among them wait for each other.
                env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches this process alone, which then stops each worker once
            )
        self.stdin: IO[bytes] = self.process.stdin  # type: ignore[assignment]  # a pipe, as asked for
        self.stdin.write(f"{job.to_json()}\n{json.dumps(sys.argv)}\n".encode())
        self.stdin.flush()

    def close(self) -> None:
        """Wait for the end of the process."""
        self.process.wait()
        self.stdin.close()

    def error(self) -> str:
        """The message of the error that ended the process; empty if there was none."""
        code = self.process.returncode
        if code < 0:
            return f"the process was ended by signal {-code}{', perhaps for lack of memory' if code == -9 else ''}"
        lines = self.job.log.read_text(errors="replace").strip().splitlines()
        return (lines or [f"exit status {code}"])[-1] if code else ""


def _stop(workers: Sequence[Worker]) -> None:
    """Let each finish its step and save; at once on a second Ctrl-C."""
    try:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.close()
    except KeyboardInterrupt:
        for worker in workers:
            worker.process.kill()
            worker.close()
        raise


def main() -> None:
    """Run the job on the first line of standard input. Its end means that the process that waits for this one is gone."""
    job, sys.argv = Job.from_json(sys.stdin.readline()), json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    try:
        with raising():
            job.run(Progress())
    except (Interrupted, KeyboardInterrupt):
        sys.exit("stopped")
    except Exception as error:
        traceback.print_exc()
        sys.exit(_message(error))  # the last line of the log


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)  # as if killed: the run can be resumed
