import signal
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.workers import Job, Worker, run_at_once, run_one_by_one
from scalereid.progress import Progress
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from tests.conftest import same


@pytest.fixture
def job(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> Job:
    return Job(tiny, tmp_path / "x" / "seed-0", people.root, "cpu")


def test_a_job_survives_json(job: Job) -> None:
    assert Job.from_json(job.to_json()) == job
    assert "\n" not in job.to_json()


def test_a_process_ends_with_the_one_that_started_it_and_its_run_is_resumed(job: Job, trained: Run) -> None:
    """A killed parent's end of the pipe is closed by the system."""
    worker = Worker(job, threads=1)
    while not (job.folder / "resume.safetensors").is_file():
        assert worker.process.poll() is None, job.log.read_text()
    worker.stdin.close()
    assert worker.process.wait(60) == 1
    assert len(Run(job.folder).log()) < 3
    ended: list[tuple[Job, str]] = []
    run_one_by_one([job], lambda *end: ended.append(end), Progress.silent())
    assert ended == [(job, "")]
    one, other = (load_checkpoint(folder).model.state_dict() for folder in (job.folder, trained.folder))
    assert same(one, other)


def test_an_error_that_names_what_is_not_utf_8_ends_its_job_alone(job: Job, tmp_path: Path) -> None:
    lost = replace(job, data=tmp_path / "\udcff", folder=tmp_path / "lost")
    errors: list[str] = []
    run_one_by_one([lost, lost], lambda _, error: errors.append(error), Progress.silent())
    assert len(errors) == 2
    assert f"{tmp_path}/\udcff does not exist" in errors[0]
    assert f"{tmp_path}/? does not exist" in lost.log.read_text()


def test_errors_and_signals_are_told(job: Job, tmp_path: Path) -> None:
    lost = replace(job, data=tmp_path / "nowhere", folder=tmp_path / "lost")
    errors: dict[Path, str] = {}
    run_at_once([lost], 2, lambda job, error: errors.update({job.folder: error}))
    assert errors.keys() == {lost.folder}
    assert errors[lost.folder].startswith(f"NotHereError: {tmp_path / 'nowhere'} does not exist")
    assert "Traceback" in lost.log.read_text()
    worker = Worker(job, threads=1)
    worker.process.send_signal(signal.SIGKILL)
    worker.close()
    assert worker.error() == "the process was ended by signal 9, perhaps for lack of memory"
