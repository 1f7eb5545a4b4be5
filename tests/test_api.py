"""The names that users import: there when asked for, documented, and costing nothing before."""

import ast
import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import scalereid
from scalereid.api import MODULES
from scalereid.data.records import ReidDataset
from scalereid.experiments.training import train
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.pairs import PairDistances
from scalereid.runs.recipe import ScheduleSettings
from tests.conftest import TINY

PUBLIC = """
BACKBONES DATASETS RECIPES AttributeRecognizer Calibration Detection Detector DrawnPairs Embedder Evaluation
EvaluationOptions Found FoundFiles
Gallery Genotype ImageRecord LabelledEmbeddings LabelledPairs Losses PerQuery PixelFormat PreparedGallery Ranking Recipe
ReidDataset Reranking Row Run RuntimeOptions Scores SearchResult Study build_model draw_pairs evaluate load_checkpoint
load_model open_detector rank read_pairs rerank resume score search search_files train
"""


@pytest.mark.parametrize("name", MODULES)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(scalereid, name)
    assert value is getattr(import_module(MODULES[name]), name)
    assert name in dir(scalereid)
    assert isinstance(value, dict) or value.__doc__


def test_help_opens_with_lines_that_work(
    people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opening = pydoc.plain(pydoc.render_doc(scalereid)).split("PACKAGE CONTENTS")[0]
    lines = re.findall(r"^ {8}(\S.*|    \S.*)$", opening, re.MULTILINE)
    assert 8 <= len(lines) <= 10
    train(replace(TINY, schedule=ScheduleSettings(epochs=1)), data=people.root, out=tmp_path / "runs" / "demo")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy-1").symlink_to(people.root)
    known = PairDistances(np.linspace(0, 2, 3), np.array([9, 1]), np.array([10, 90]))
    calibration = calibrate(known, distance="cosine", model="", fingerprint="", dataset="")
    calibration.save(tmp_path / "runs" / "demo" / "calibration.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path / "cache"))

    exec("\n".join(lines), {})

    indices, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[ *\d+ +\d+ +\d+\] \[.*\]", indices)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = scalereid.nothing  # type: ignore[attr-defined]


def test_the_public_names() -> None:
    """Type checkers and editors know the same names, from the same modules, as the interpreter; none comes or goes unseen."""
    (block,) = (
        node for node in ast.parse(inspect.getsource(scalereid)).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    )  # fmt: skip
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.name: node.module for node in imports for alias in node.names} == MODULES
    assert scalereid.__all__ == [*MODULES] == PUBLIC.split()
    assert sorted(dir(scalereid)) == sorted([*MODULES, "__version__"])
    given: dict[str, Any] = {}
    exec("from scalereid import *", given)
    assert given.keys() - {"__builtins__"} == {*MODULES}
    assert given["Embedder"] is scalereid.Embedder


@pytest.mark.parametrize("name", ["ImageRecord", "DATASETS", "Recipe", "RECIPES", "RuntimeOptions", "Embedder"])
def test_a_name_that_needs_no_torch_does_not_import_it(name: str) -> None:
    code = (
        f"import sys, scalereid\nassert 'numpy' not in sys.modules\nscalereid.{name}\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


WRONG: dict[str, Any] = {
    "dict": {},
    "text": "x",
    "one": 1,
    "true": True,
    "nan": float("nan"),
    "negative": -1,
    "huge": 2**70,
    "list": [1],
    "object": object(),
    "meta": torch.ones(2, 2, device="meta"),
    "sparse": torch.ones(2, 2).to_sparse(),
    "complex": np.ones((2, 2), complex),
    "texts": np.array(["a", "b"]),
}
RIGHT = {  # for these arguments
    "one": ("top", "batch_size", "expand_queries", "augment_gallery", "alpha", "width", "embedding_size"),
    "true": ("flip", "normalize", "run_code", "other_cameras", "multi_query"),
    "text": ("model", "runtime", "device", "query", "gallery", "backbone", "dataset"),
    "huge": ("alpha",),
    "dict": ("options of build_model",),
}
ARGUMENTS = {
    scalereid.Embedder: ("flip", "normalize", "runtime", "precision", "device", "batch_size", "run_code"),
    scalereid.EvaluationOptions: (
        *(
            "distance",
            "protocol",
            "ap_rule",
            "flip",
            "image_size",
            "rerank",
            "expand_queries",
            "augment_gallery",
            "alpha",
        ),
        "multi_query",
    ),
    scalereid.RuntimeOptions: ("runtime", "precision", "device", "batch_size", "run_code"),
    scalereid.build_model: ("backbone", "width", "genotype", "options", "embedding_size"),
    scalereid.evaluate: ("dataset", "options", "runtime"),
    scalereid.search_files: ("embedder", "query", "gallery", "top", "other_cameras", "calibration", "on_error"),
    scalereid.train: ("recipe",),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(("call", "argument"), [(call, name) for call, names in ARGUMENTS.items() for name in names])
def test_arguments_of_the_wrong_kind_are_named(
    call: Callable[..., Any], argument: str, kind: str, people: ReidDataset
) -> None:
    if argument in RIGHT.get(kind, ()) or f"{argument} of {call.__name__}" in RIGHT.get(kind, ()):
        return
    embedder = object.__new__(scalereid.Embedder)  # never used
    given: dict[Any, dict[str, Any]] = {
        scalereid.Embedder: {"model": "nowhere"},
        scalereid.build_model: {"backbone": "osnet_x0_25"},
        scalereid.evaluate: {"source": "nowhere", "data": people.root},
        scalereid.search_files: {"embedder": embedder, "query": people.root, "gallery": people.root},
        scalereid.train: {"data": people.root, "out": people.root / "never"},
    }
    with pytest.raises(ValueError, match=rf"{argument}\b.*([Ee]xpected|Choose from)"):
        call(**(given.get(call, {}) | {argument: WRONG[kind]}))
