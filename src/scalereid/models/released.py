"""torchreid's released OSNet weights: every tensor fits the model, or loading fails."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scalereid.models.embedding_model import EmbeddingModel

Renames = list[tuple[str, str | Callable[[re.Match[str]], str]]]  # patterns and their replacements

# torchreid's state-dict names, rewritten from left to right. A stream of one layer has no layer index in torchreid.
_RENAMES: Renames = [
    (r"^conv1\.", "backbone.stem."),
    (r"^conv5\.", "backbone.final."),
    (r"^fc\.0\.", "embedding.linear."),
    (r"^fc\.1\.", "embedding.norm."),
    (r"^conv([234])\.(\d)\.", lambda m: f"backbone.stages.{int(m[1]) - 2}.{m[2]}."),
    (r"^pool([23])\.0\.", lambda m: f"backbone.stages.{int(m[1]) - 2}.2."),  # of OSNet-AIN
    (r"(stages\.\d\.2)\.0\.", r"\1."),
    (r"\.conv2\.(\d)\.layers\.", r".streams.\1."),  # of OSNet-AIN
    (r"\.conv2a\.", ".streams.0.0."),
    (r"\.conv2([bcd])\.", lambda m: f".streams.{' bcd'.index(m[1])}."),
    (r"(streams\.\d\.\d)\.conv1\.", r"\1.pointwise."),
    (r"(streams\.\d\.\d)\.conv2\.", r"\1.depthwise."),
    (r"\.gate\.fc1\.", ".fusion.gate.reduce."),
    (r"\.gate\.fc2\.", ".fusion.gate.restore."),
    (r"(stages\.\d\.\d)\.conv1\.", r"\1.reduce."),
    (r"(stages\.\d\.\d)\.conv3\.", r"\1.restore."),
    (r"\.downsample\.", ".shortcut."),
    (r"\.bn\.", ".norm."),
]
# One name in torchreid for two positions: OSNet-IBN has it after the addition, OSNet-AIN before.
_INSTANCE_NORM = r"\.IN\."
_FLOATING = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_WIDTHS = {64: "x1_0", 48: "x0_75", 32: "x0_5", 16: "x0_25"}  # by the channels of the stem


@dataclass(frozen=True)
class LoadReport:
    """What happened to every tensor of a weights file; `str(report)` is a sentence."""

    backbone: str
    matched: tuple[str, ...]
    ignored: tuple[str, ...]
    """Tensors that are expected in the file but not used, such as the classifier's."""
    classes: int | None = None
    """Number of people in the classifier that was ignored; None for none."""

    def __repr__(self) -> str:
        return f"<LoadReport {self}>"

    def __str__(self) -> str:
        ignored = ", ".join(self.ignored) or "none"
        return f"{self.backbone}: {len(self.matched)} tensors matched; ignored (expected): {ignored}; unexpected: none"


def recognise(state: Mapping[str, Tensor]) -> str:
    """Recognise the backbone of torchreid's weights, by tensor names and the stem's width.

    Raises:
        ValueError: The names are not an OSNet's, or the width is not one of the released ones.
    """
    stem = state.get("conv1.conv.weight")
    if stem is None or not any(name.startswith("fc.0.") for name in state):
        some = ", ".join([*list(state)[:3], "…"]) if state else "there are none"
        raise ValueError(f"the tensor names are not those of an OSNet as torchreid saves it: {some}")
    if stem.shape[0] not in _WIDTHS:
        widths = ", ".join(f"{channels} ({name})" for channels, name in _WIDTHS.items())
        raise ValueError(f"conv1 has {stem.shape[0]} channels; the released OSNets have {widths}")
    tells = {"ain_": "conv2.0.conv2.0.layers.0.conv1.weight", "ibn_": "conv2.0.IN.weight"}
    kind = next((kind for kind, tell in tells.items() if tell in state), "")
    return f"osnet_{kind}{_WIDTHS[stem.shape[0]]}"


def load_released(model: EmbeddingModel, state: Mapping[str, Tensor], backbone: str) -> LoadReport:
    """Load all of torchreid's weights into `model`; only the classifier is ignored.

    Raises:
        ValueError: A tensor is missing, unexpected or has another shape; the message names all such tensors.
    """
    ignored = tuple(name for name in state if name.startswith("classifier."))
    renames = [*_RENAMES, (_INSTANCE_NORM, ".restore.norm." if "_ain_" in backbone else ".outside.")]
    renamed = {rename(name, renames): tensor for name, tensor in state.items() if name not in ignored}
    load_strictly(model, renamed)
    classifier = state.get("classifier.weight")
    return LoadReport(backbone, tuple(renamed), ignored, None if classifier is None else len(classifier))


def rename(name: str, renames: Renames) -> str:
    """Apply all replacements to `name`, one after another.

    >>> rename("conv3.1.conv2b.0.bn.weight", _RENAMES)
    'backbone.stages.1.1.streams.1.0.norm.weight'
    """
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def load_strictly(model: EmbeddingModel, state: Mapping[str, Tensor]) -> None:
    """Load `state` into `model` if every name and shape agrees; otherwise change nothing.

    Raises:
        ValueError: A tensor is missing, unexpected, has another shape or type, or is not finite; the message names all such
            tensors.
    """
    own = model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is unexpected" for name in state if name not in own]
    for name in own.keys() & state.keys():
        if own[name].shape != state[name].shape:
            problems.append(f"{name} is {list(state[name].shape)} where the model has {list(own[name].shape)}")
        elif not _fits(state[name].dtype, own[name].dtype):
            problems.append(f"{name} is {_name(state[name].dtype)} where the model has {_name(own[name].dtype)}")
        elif not state[name].isfinite().all():
            problems.append(f"{name} holds values that are not finite")
    if problems:
        shown = "\n  ".join(sorted(problems)[:10])
        more = f"\n  … and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise ValueError(f"the weights do not fit the model; nothing was loaded:\n  {shown}{more}")
    model.load_state_dict(state)


def _fits(found: torch.dtype, own: torch.dtype) -> bool:
    """Whether tensors of a type can be loaded: any floating-point type that a model may have been saved in, else the same."""
    return found in _FLOATING if own.is_floating_point else found == own


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
