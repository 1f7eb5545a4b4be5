"""Every kind of file of ours, damaged: what reads it gives a result or an error that names the file; never anything else.

A new kind is one line in `KINDS`.
"""

import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scalereid.data.readers.table import read_csv, read_jsonl, read_listed
from scalereid.data.records import ReidDataset
from scalereid.inference.embedder import Embedder
from scalereid.inference.embedding_table import read_table
from scalereid.models.genotype import Genotype
from scalereid.process import environment
from scalereid.retrieval.answers import read_pairs
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.per_query import PerQuery
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.resume import load_state
from scalereid.runs.run import Run, note_environment
from tests.conftest import TINY
from tests.damage import Json, damage
from tests.own_files import (
    CPU,
    METADATA,
    PLAIN,
    Material,
    continued,
    exported,
    in_safetensors,
    listed,
    of_run,
    opened,
    pairs,
    put_in_onnx,
    put_in_program,
    stopped_job,
    table,
    write_means,
    write_run,
)
from tests.training.conftest import fresh


class Kind(NamedTuple):
    """A kind of file."""

    make: Callable[["Material", Path], Path]
    """Writes a good one, or more, into a folder, and returns the one to damage."""
    read: Callable[["Material", Path], Any]
    json: Json | None = None


@pytest.fixture(scope="module")
def material(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Material:
    means = tmp_path_factory.mktemp("means")
    write_means(means)
    run = write_run(people, tmp_path_factory.mktemp("damaged") / "run")
    return Material(people, run, means, Embedder(means / "means.onnx", runtime="onnxruntime"))


KINDS: dict[str, Kind] = {
    "recipe.json": Kind(of_run("recipe.json"), lambda _, file: Run(file.parent).recipe(), PLAIN),
    "dataset.json": Kind(of_run("dataset.json"), lambda _, file: Run(file.parent).dataset(), PLAIN),
    "environment.json": Kind(
        of_run("environment.json"), lambda _, file: note_environment(Run(file.parent), environment(CPU)), PLAIN
    ),
    "history.json": Kind(of_run("history.json"), lambda _, file: Run(file.parent).replace_recipe(TINY, epoch=1), PLAIN),
    "log.jsonl": Kind(of_run("log.jsonl"), lambda _, file: Run(file.parent).log(), PLAIN),
    "resume state": Kind(
        of_run("resume.safetensors"), lambda _, file: load_state(file, fresh()), in_safetensors("values")
    ),
    "weights, recipe": Kind(
        of_run("last.safetensors"), lambda _, file: load_checkpoint(file), in_safetensors("recipe")
    ),
    "weights, trained": Kind(
        of_run("last.safetensors"), lambda _, file: load_checkpoint(file), in_safetensors("trained")
    ),
    "genotype.json": Kind(of_run("genotype.json"), lambda _, file: Genotype.load(file), PLAIN),
    "calibration.json": Kind(of_run("calibration.json"), lambda _, file: Calibration.load(file), PLAIN),
    "per_query.npz": Kind(of_run("per_query.npz"), lambda _, file: PerQuery.load(file)),
    ".onnx": Kind(exported(".onnx"), opened(".onnx"), Json(lambda _: METADATA.to_json(), put_in_onnx)),
    ".xml": Kind(exported(".xml"), opened(".xml")),
    ".bin": Kind(exported(".xml", ".bin"), opened(".xml")),
    ".pt2": Kind(exported(".pt2"), opened(".pt2"), Json(lambda _: METADATA.to_json(), put_in_program)),
    "table .npz": Kind(table(".npz"), lambda _, file: read_table(file)),
    "table .parquet": Kind(table(".parquet"), lambda _, file: read_table(file)),
    "job.json": Kind(stopped_job("job.json"), continued, PLAIN),
    "shard": Kind(stopped_job("000000.npz"), continued),
    "dataset.csv": Kind(listed(".csv"), lambda _, file: read_csv(file)),
    "dataset.jsonl": Kind(listed(".jsonl"), lambda _, file: read_jsonl(file), PLAIN),
    "listed .jsonl": Kind(listed(".jsonl"), lambda _, file: [*read_listed(file)], PLAIN),
    "pairs.csv": Kind(pairs, lambda _, file: read_pairs(file)),
}

LONGEST = 2_000  # characters of a message, whatever the file holds


def problem(kind: Kind, material: Material, file: Path) -> str:
    """What is wrong with how a file is read; empty for nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.read(material, file)
    except (ValueError, OSError) as error:
        named = any(name in str(error) for name in (file.stem, f"{file.parent.stem}.shards"))  # or the folder of a job
        if not named:
            return f"{file.name} is not named: {type(error).__name__}: {error}"
        return f"a message of {len(str(error))} characters: {error}" if len(str(error)) > LONGEST else ""
    except Exception as error:  # the problem that is looked for
        return f"{type(error).__name__}: {error}"
    return ""


def damaged(name: str, material: Material, folder: Path, cases: range) -> list[str]:
    """Problems with files of a kind, damaged in so many ways; each from its number."""
    found = []
    others = [KINDS[other].make(material, new(folder / other)) for other in ("genotype.json", "per_query.npz", ".onnx")]
    good = new(folder / "good")
    file = KINDS[name].make(material, good)
    for case in cases:
        rng = random.Random(f"{name} {case}")
        copy = folder / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(good, copy)
        at = copy / file.relative_to(good)
        how = damage(at, KINDS[name].json, rng, rng.choice(others).read_bytes())
        if wrong := problem(KINDS[name], material, at):
            found.append(f"case {case} ({how}): {wrong[:300]}")
    return found


def new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_a_good_file_is_read(name: str, material: Material, tmp_path: Path) -> None:
    KINDS[name].read(material, KINDS[name].make(material, tmp_path))


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_named(name: str, material: Material, tmp_path: Path) -> None:
    assert damaged(name, material, tmp_path, range(12)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_named_in_many_cases(name: str, material: Material, tmp_path: Path) -> None:
    assert damaged(name, material, tmp_path, range(12, 300)) == []
