"""The command line under torchrun: what is printed once, and how all processes end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.records import ReidDataset
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.run import Run

pytestmark = pytest.mark.slow
SMALL = [
    "--data.dataset", "csv", "--data.image-size", "64", "32", "--data.batch-size", "16", "--model.backbone", "osnet_one_stream",
    "--model.width", "0.25",
]  # fmt: skip


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "scalereid", *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def printed(process: subprocess.Popen[str]) -> list[str]:
    """The lines of the program, among torchrun's own."""
    output, _ = process.communicate(timeout=120)
    return output.splitlines()


def test_an_error_is_one_message(tmp_path: Path) -> None:
    process = started(
        "train", "toy", "--data", str(tmp_path / "none"), "--data.dataset", "csv", "--out", str(tmp_path / "x")
    )
    lines = printed(process)
    assert process.returncode == 1
    assert sum(line.startswith("scalereid: ") for line in lines) == 1
    assert not (tmp_path / "x").exists()


def test_other_commands_are_refused(tmp_path: Path) -> None:
    lines = printed(started("evaluate", str(tmp_path / "a run"), "--data", "data"))
    said = f"scalereid: evaluate runs in one process, and torchrun started 2: scalereid evaluate '{tmp_path}/a run' --data data"
    assert lines.count(said) == 1


def test_ctrl_c_saves_and_says_how_to_go_on(people: ReidDataset, tmp_path: Path) -> None:
    out = tmp_path / "x"
    words = ["--schedule.epochs", "1000", "--evaluation.every", "1000"]
    process = started("train", "toy", "--data", str(people.root), "--out", str(out), *SMALL, *words)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(Run(out).log()) < 3:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)  # as the terminal does: torchrun hands it on
    lines = printed(process)
    assert process.returncode != 0
    go_on = f"stopped and saved. Go on with:  torchrun --nproc-per-node 2 -m scalereid train --resume {out}"
    assert lines.count(go_on) == 1
    assert Run(out).state.is_file()


def test_classes_are_learned_together(class_images: Path, tmp_path: Path) -> None:
    """Each process decodes its own rows of a batch of random crops; what is learned is the same but for rounding."""
    words = ["train", "cifar10_osnet_small", "--data", str(class_images), *SMALL[-4:]]
    words += [
        "--data.dataset",
        "class-folders",
        "--data.batch-size",
        "12",
        "--data.image-size",
        "32",
        "32",
        "--data.framing",
        "resized-crop",
    ]
    words += ["--schedule.epochs", "1", "--optimizer.lr", "0.0001", "--optimizer.sync-batch-norm"]
    process = started(*words, "--out", str(tmp_path / "two"))
    lines = printed(process)
    assert process.returncode == 0, lines
    alone = subprocess.run([sys.executable, "-m", "scalereid", *words, "--out", str(tmp_path / "one")], check=False)
    assert alone.returncode == 0
    two, one = (load_checkpoint(tmp_path / name / "last.safetensors") for name in ("two", "one"))
    assert two.classes and one.classes
    np.testing.assert_allclose(two.classes.weight, one.classes.weight, atol=1e-7)
    for name, tensor in two.model.named_parameters():
        torch.testing.assert_close(tensor, one.model.get_parameter(name), rtol=0, atol=1e-5)
