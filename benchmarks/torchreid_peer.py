"""torchreid's own code, to be measured beside ours in the same run.

TORCHREID names the folder that its sdist from PyPI was unpacked to, for example torchreid-0.2.5. Single files are loaded
from there: its networks need nothing but torch, its ranking NumPy. Its package and its augmentations import torchvision,
so the benchmark of the input pipeline has no peer.
"""

import importlib.util
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from scalereid.memory import keep_freed_memory
from scalereid.models.building import build_model
from scalereid.models.released import load_released

LEFT_OUT = "torchreid is left out: set TORCHREID to the folder of its unpacked sdist to measure it in the same run."
PEOPLE = 751
_NETWORKS = "models/osnet.py"


def given() -> bool:
    """Whether TORCHREID is set."""
    return bool(os.environ.get("TORCHREID"))


@cache
def load(file: str) -> ModuleType:
    """A file of its part for images, such as metrics/rank.py, without the package around it."""
    path = Path(os.environ["TORCHREID"]) / "torchreid" / "reid" / file
    if not path.is_file():
        raise SystemExit(
            f"TORCHREID: {path} is not a file. Give the folder of torchreid's unpacked sdist, or unset it."
        )
    spec = importlib.util.spec_from_file_location(f"torchreid_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its ranking warns that it runs in Python
        spec.loader.exec_module(module)
    return module


def has(name: str) -> bool:
    """Whether it is given and has this backbone."""
    return given() and hasattr(load(_NETWORKS), name)


def network(name: str) -> Any:
    """Its network with untrained weights and a classifier of `PEOPLE` people."""
    return getattr(load(_NETWORKS), name)(num_classes=PEOPLE, pretrained=False)


def ours(name: str) -> Any:
    """Our model with the weights of its network, for evaluation, once both are found to give the same embeddings."""
    theirs, model = network(name).eval(), build_model(name).eval()
    load_released(model, theirs.state_dict(), name)
    images = torch.randn(2, 3, 256, 128)
    with torch.no_grad():
        torch.testing.assert_close(model(images), theirs(images), rtol=1e-4, atol=1e-5)
    return model


def in_own_process(*, threads: int, keep: bool) -> ProcessPoolExecutor:
    """A process to call `seconds` in, as an allocator's setting is the whole process's: by default, or keeping freed memory."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin, initargs=(threads, keep))


def seconds(name: str, batch: int, times: int, threads: int) -> float:
    """Seconds to embed `times` batches as its FeatureExtractor does with tensors, which are normalised already."""
    extractor, images = _extractor(name), torch.randn(batch, 3, 256, 128)
    clock = clock_for(threads)
    started = clock()
    with torch.no_grad():
        for _ in range(times):
            extractor(images)
    return clock() - started


def clock_for(threads: int) -> Any:
    """CPU seconds of one thread, which other programs hardly disturb; of several, the wall's."""
    return time.process_time if threads == 1 else time.perf_counter


def _begin(threads: int, keep: bool) -> None:
    torch.set_num_threads(threads)
    if keep:
        keep_freed_memory()


@cache
def _extractor(name: str) -> Any:
    return network(name).eval()
