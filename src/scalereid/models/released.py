"""torchreid's released OSNet weights under our names: every tensor fits or the load fails."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.osnet import WIDTHS

Renames = list[tuple[str, str | Callable[[re.Match[str]], str]]]  # patterns and what they become

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
# One name in torchreid for two places: OSNet-IBN has it after the addition, OSNet-AIN before.
_AFTER: Renames = [(r"\.IN\.", ".outside.")]
_BEFORE: Renames = [(r"\.IN\.", ".restore.norm.")]
_CLASSIFIER = "classifier."
_WIDTHS = {
    int(WIDTHS[0] * width): f"x{name}" for width, name in ((1.0, "1_0"), (0.75, "0_75"), (0.5, "0_5"), (0.25, "0_25"))
}


@dataclass(frozen=True)
class LoadReport:
    """What became of every tensor of a weights file; `str(report)` says it in a sentence."""

    backbone: str
    matched: tuple[str, ...]
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        left_out = ", ".join(self.left_out) or "nothing"
        return (
            f"{self.backbone}: {len(self.matched)} tensors matched; left out on purpose: {left_out}; unexpected: none"
        )


def recognise(state: Mapping[str, Tensor]) -> str:
    """The backbone whose weights these are, told from torchreid's tensor names and the stem's width.

    Raises:
        ValueError: the names or the width are those of no backbone here.
    """
    stem = state.get("conv1.conv.weight")
    if stem is None or not any(name.startswith("fc.0.") for name in state):
        some = ", ".join(list(state)[:3]) or "none at all"
        raise ValueError(f"these are not weights of an OSNet as torchreid saves it: the tensors are named {some} …")
    if stem.shape[0] not in _WIDTHS:
        widths = ", ".join(f"{channels} ({name})" for channels, name in _WIDTHS.items())
        raise ValueError(f"conv1 has {stem.shape[0]} channels; OSNets are {widths} wide")
    kind = (
        "ain_" if "conv2.0.conv2.0.layers.0.conv1.weight" in state else "ibn_" if "conv2.0.IN.weight" in state else ""
    )
    return f"osnet_{kind}{_WIDTHS[stem.shape[0]]}"


def load_released(model: EmbeddingModel, state: Mapping[str, Tensor], backbone: str) -> LoadReport:
    """Put torchreid's weights into `model`, all of them; the classifier alone is left out.

    Raises:
        ValueError: a tensor is missing, has another shape, or has no place in the model; all such are named.
    """
    left_out = tuple(name for name in state if name.startswith(_CLASSIFIER))
    renames = _RENAMES + (_BEFORE if "_ain_" in backbone else _AFTER)
    renamed = {rename(name, renames): tensor for name, tensor in state.items() if name not in left_out}
    load_strictly(model, renamed)
    return LoadReport(backbone, tuple(renamed), left_out)


def rename(name: str, renames: Renames) -> str:
    """`name` after all of the replacements, one after another.

    >>> rename("conv3.1.conv2b.0.bn.weight", _RENAMES)
    'backbone.stages.1.1.streams.1.0.norm.weight'
    """
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def load_strictly(model: EmbeddingModel, state: Mapping[str, Tensor]) -> None:
    """Copy `state` into `model` when every name and shape agrees, and change nothing otherwise.

    Raises:
        ValueError: names what is missing, unexpected, of another shape, or not finite.
    """
    own = model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is unexpected" for name in state if name not in own]
    for name in own.keys() & state.keys():
        if own[name].shape != state[name].shape:
            problems.append(f"{name} is {list(state[name].shape)} where the model has {list(own[name].shape)}")
        elif not state[name].isfinite().all():
            problems.append(f"{name} holds values that are not finite")
    if problems:
        shown = "\n  ".join(sorted(problems)[:10])
        more = f"\n  … and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise ValueError(f"the weights do not fit the model; nothing was loaded:\n  {shown}{more}")
    model.load_state_dict(state)
