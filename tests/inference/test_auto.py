import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalereid.inference.auto import Candidates
from scalereid.inference.metadata import Precision
from scalereid.inference.runtimes import RUNTIMES
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint

CPU = torch.device("cpu")


class Fake:
    """A runtime of one's own: torch's embeddings, changed, after some time."""

    package, extra = "numpy", "fakes"
    precisions: ClassVar[dict[str, tuple[Precision, ...]]] = {"cpu": ("float32", "bfloat16")}
    suffix = ".fake"
    formats: ClassVar[dict[str, Any]] = {}
    files_hold_code = False
    workers = 2

    def __init__(self, name: str, change: Callable[[Any], Any] = lambda rows: rows, seconds: float = 0) -> None:
        self.name, self.change, self.seconds = name, change, seconds
        self.precision: Precision = "float32"
        self.concurrent = 0

    def load(self) -> "Fake":
        return self

    def of_model(self, model: Any, _: Any, precision: Precision, device: torch.device) -> "Fake":
        self.torch = PyTorchRuntime(model, "float32", device)
        self.precision = precision
        return self

    def of_file(self, *_: Any) -> Any:
        raise NotImplementedError

    as_written = inspect = of_file

    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        self.concurrent += concurrent and threading.current_thread() is not threading.main_thread()
        time.sleep(self.seconds)
        return np.asarray(self.change(self.torch(pixels)), np.float32)


@pytest.fixture
def candidates(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidates:
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path))  # what is kept is each test's own
    return anew(run)


def anew(run: Path) -> Candidates:
    """As a process that starts."""
    loaded = load_checkpoint(run)
    return Candidates(loaded, describe_model(loaded, run), CPU)


@pytest.fixture
def only() -> Iterator[Callable[..., None]]:
    """These runtimes in place of those that there are: one line for each."""
    own: dict[str, Any] = dict(RUNTIMES)
    known: dict[str, Any] = RUNTIMES

    def replace(*fakes: Fake, torch: bool = True) -> None:
        known.clear()
        known.update({"torch": own["torch"]} if torch else {})
        known.update({fake.name: fake for fake in fakes})

    yield replace
    known.clear()
    known.update(own)


def wrong(rows: Any) -> Any:
    return rows + 0.2 * np.abs(rows).max() * (np.arange(rows.shape[1]) == 3)


def test_the_fastest_is_taken(candidates: Candidates, only: Callable[..., None]) -> None:
    only(Fake("slow", seconds=0.03), quick := Fake("quick"), Fake("slower", seconds=0.05), torch=False)
    assert candidates.fastest("float32", 4) is quick
    assert quick.concurrent > 0  # measured as many batches are computed: a thread each


def test_a_later_start_neither_compares_nor_measures(
    candidates: Candidates, only: Callable[..., None], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(slow := Fake("slow", seconds=0.02), quick := Fake("quick"), torch=False)
    assert candidates.fastest("float32", 4) is quick

    def refuse(*_: object) -> None:
        raise AssertionError("it was measured or compared before")

    monkeypatch.setattr("scalereid.inference.auto.compare", refuse)
    monkeypatch.setattr("scalereid.inference.auto.fastest", refuse)
    later = anew(run)
    assert later.fastest("float32", 4) is quick
    assert later.named("slow", "float32") is slow
    assert "reference" not in vars(later)  # torch's own network is not even made
    with pytest.raises(AssertionError, match="it was measured or compared before"):
        anew(run).fastest("float32", 8)  # another question


@pytest.mark.parametrize("changed", ["version", "processor", "threads", "weights"])
def test_what_was_kept_holds_for_nothing_else(
    candidates: Candidates, only: Callable[..., None], run: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    only(Fake("one"), Fake("two"), torch=False)
    questions = [candidates._question("fastest"), anew(run)._question("fastest")]
    if changed == "version":
        monkeypatch.setattr("scalereid.inference.auto.version_of", lambda _: "0.1")
    elif changed == "processor":
        monkeypatch.setattr("scalereid.processor.fingerprint", lambda: "other")
    elif changed == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    else:
        candidates.metadata = replace(candidates.metadata, fingerprint="0" * 12)
    questions.append(candidates._question("fastest"))
    assert questions[0] == questions[1] != questions[2]


def test_a_runtime_that_disagrees_is_not_used(candidates: Candidates, only: Callable[..., None]) -> None:
    only(Fake("wrong", wrong))
    with pytest.raises(
        ValueError, match=r"wrong in float32 does not give this model's embeddings: their cosine to torch's is 0\.\d{5}"
    ):
        candidates.named("wrong", "float32")
    with pytest.warns(UserWarning, match="wrong is not used: wrong in float32 does not give this model's embeddings"):
        assert candidates.fastest("float32", 4).name == "torch"


def test_half_precision_may_differ_by_more(candidates: Candidates, only: Callable[..., None]) -> None:
    only(Fake("rough", lambda rows: rows * np.where(np.arange(rows.shape[1]) % 2, 0.95, 1.05)))
    assert candidates.named("rough", "bfloat16").name == "rough"
    with pytest.raises(ValueError, match=r"expected at least 0\.99999"):
        candidates.named("rough", "float32")


def test_nan_is_no_agreement(candidates: Candidates, only: Callable[..., None]) -> None:
    only(Fake("broken", lambda rows: rows * np.nan))
    with pytest.raises(ValueError, match="their cosine to torch's is nan"):
        candidates.named("broken", "bfloat16")


def test_a_network_that_cannot_be_a_graph_is_computed_by_torch(
    candidates: Candidates, only: Callable[..., None]
) -> None:
    class Refusing(Fake):
        def of_model(self, *_: Any) -> "Fake":
            raise RuntimeError("data-dependent\nand more")

    only(Refusing("refusing"))
    with pytest.warns(UserWarning, match="refusing is not used: data-dependent$"):
        assert candidates.fastest("float32", 4) is candidates.reference
    with pytest.raises(RuntimeError, match="data-dependent"):
        candidates.named("refusing", "float32")


def test_if_none_can_be_used_the_last_error_is_said(candidates: Candidates, only: Callable[..., None]) -> None:
    only(Fake("wrong", wrong), torch=False)
    with pytest.raises(ValueError, match="wrong in float32 does not give"):
        candidates.fastest("float32", 4)


def test_a_runtime_that_is_not_installed_is_not_measured(candidates: Candidates, only: Callable[..., None]) -> None:
    missing = Fake("missing")
    missing.package = "no_such_package"
    only(missing)
    assert candidates.fastest("float32", 4) is candidates.reference
    with pytest.raises(
        ModuleNotFoundError, match=r"no_such_package is not installed: pip install 'scalereid\[fakes\]'"
    ):
        candidates.named("missing", "float32")


@pytest.mark.parametrize(
    ("name", "precision", "message"),
    [
        ("tensorrt", "float32", "No such runtime: 'tensorrt'. Choose from auto, torch, onnxruntime, openvino"),
        ("onnxruntime", "bfloat16", "onnxruntime does not compute in bfloat16 on cpu; it computes in float32"),
        ("torch", "int8", "torch does not compute in int8 on cpu; it computes in float32, bfloat16"),
    ],
)
def test_what_is_not_there_is_said(candidates: Candidates, name: str, precision: Precision, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        candidates.named(name, precision)
    with pytest.raises(ValueError, match="No installed runtime computes in float16 on cpu"):
        candidates.fastest("float16", 4)


def test_a_model_that_was_never_quantized_has_no_int8(candidates: Candidates, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model is not a run, so it has no int8 model; quantize it"):
        candidates.quantized("auto", None, 8)
    with pytest.raises(ValueError, match=r"no int8 model at .*int8\.xml; quantize it"):
        candidates.quantized("openvino", tmp_path / "int8.xml", 8)
    with pytest.raises(ValueError, match="torch does not compute in int8 on cpu"):
        candidates.quantized("torch", tmp_path / "int8.xml", 8)
