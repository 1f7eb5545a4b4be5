"""The names that users import: there when asked for, documented, and costing nothing before."""

import pydoc
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scalereid
from scalereid import api
from scalereid.data.records import ReidDataset
from scalereid.experiments.training import train
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.pairs import PairDistances
from scalereid.runs.recipe import ScheduleSettings
from tests.conftest import TINY


@pytest.mark.parametrize("name", api.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(scalereid, name)
    assert value is getattr(api, name)
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
        _ = scalereid.nothing


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, scalereid; assert 'torch' not in sys.modules; scalereid.Recipe; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
