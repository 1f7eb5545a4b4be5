from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from scalereid.inference.runtimes import (
    FORMATS,
    RUNTIMES,
    Format,
    RuntimeName,
    read_metadata,
    require_runtime,
    runtime_of_file,
)

CPU = torch.device("cpu")


def test_each_says_its_own_name_and_has_a_suffix_of_its_own() -> None:
    assert {name: runtime.name for name, runtime in RUNTIMES.items()} == {name: name for name in RUNTIMES}
    assert [runtime.suffix for runtime in RUNTIMES.values()] == [".pt2", ".onnx", ".xml"]
    for runtime in RUNTIMES.values():
        assert runtime_of_file(Path(f"model{runtime.suffix}")) is runtime
    assert runtime_of_file(Path("model.safetensors")) is None


def test_the_choices_of_a_command_line() -> None:
    names: Any = RuntimeName
    formats: Any = Format
    assert get_args(names) == ("torch", "onnxruntime", "openvino")
    assert get_args(formats) == tuple(FORMATS) == ("torch", "aotinductor", "onnx", "openvino")
    assert FORMATS["aotinductor"] is RUNTIMES["torch"]


def test_only_torch_files_hold_code() -> None:
    assert [runtime.files_hold_code for runtime in RUNTIMES.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "precision", "device", "message"),
    [
        ("tensorrt", "float32", "cpu", "No such runtime: 'tensorrt'. Choose from auto, torch, onnxruntime, openvino"),
        ("onnxruntime", "bfloat16", "cpu", "onnxruntime does not compute in bfloat16 on cpu; it computes in float32"),
        ("torch", "bfloat16", "mps", "torch does not compute in bfloat16 on mps; it computes in float32"),
        ("openvino", "float32", "cuda", "openvino does not compute on cuda; choose the device cpu, or another runtime"),
        ("torch", "float16", "cpu", "torch does not compute in float16 on cpu; it computes in float32, bfloat16"),
    ],
)
def test_what_none_computes(name: str, precision: Any, device: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        require_runtime(name, precision, torch.device(device))


def test_what_one_computes() -> None:
    assert require_runtime("openvino", "int8", CPU) is RUNTIMES["openvino"]
    assert require_runtime("torch", "float16", torch.device("cuda")) is RUNTIMES["torch"]


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pt2"])
def test_files_that_cannot_be_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"other{suffix}").write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"other\{suffix} cannot be read"):
        read_metadata(tmp_path / f"other{suffix}")
    with pytest.raises(FileNotFoundError, match=rf"No such file: .*none\{suffix}"):
        read_metadata(tmp_path / f"none{suffix}")


def test_other_files_are_not_exported_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"m\.pth is not an exported file; expected one of \.pt2, \.onnx, \.xml"):
        read_metadata(tmp_path / "m.pth")
