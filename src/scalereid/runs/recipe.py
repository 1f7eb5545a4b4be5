"""A recipe: every setting that decides a result, as frozen dataclasses and as JSON."""

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from scalereid.data.images import ImageSize, check_image_size
from scalereid.data.protocols import Protocol
from scalereid.models.genotype import Genotype
from scalereid.retrieval.distances import Distance
from scalereid.training.optimization import DecayName, OptimizerName
from scalereid.training.step import Precision


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What is trained on."""

    dataset: str = "market1501"
    """A name that `scalereid datasets` lists, or FILE.py:FUNCTION; NAME@FOLDER, in that folder; NAME#2, a split; A+B, both."""
    image_size: ImageSize = (256, 128)
    """Height and width that every image is resized to."""
    batch_size: int = 64
    """Images in a training step."""
    images_per_person: int = 0
    """So many images of each person in a step; 0: any images, whoever they show."""
    flip: float = 0.5
    """Probability of mirroring a training image."""
    crop: float = 0.0
    """Probability of shifting a training image: enlarged by an eighth, then cut out at random."""
    patch: float = 0.0
    """Probability of pasting a piece of another image of the batch."""
    jitter: float = 0.0
    """Probability of changing a training image's brightness (±20 %) and contrast (±15 %)."""
    erase: float = 0.0
    """Probability of covering a random rectangle of a training image."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        check_image_size(self.image_size)
        _require(self.batch_size >= 2, "data.batch_size", self.batch_size, "at least 2: batch norm compares images")
        fits = self.images_per_person == 0 or (
            self.images_per_person >= 2 and self.batch_size % self.images_per_person == 0
        )
        wanted = f"0, or 2 or more and a divisor of batch_size, which is {self.batch_size}"
        _require(fits, "data.images_per_person", self.images_per_person, wanted)
        for name in ("flip", "crop", "patch", "jitter", "erase"):
            chance = getattr(self, name)
            _require(0 <= chance <= 1, f"data.{name}", chance, "a probability, from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What is trained."""

    backbone: str = "osnet_x1_0"
    """A name that `scalereid models` lists, or FILE.py:NAME for a backbone of your own."""
    width: float | None = None
    """Multiplies the backbone's channel counts; unless told, by what its name says, or 1."""
    genotype: tuple[str, ...] = ()
    """An OSNet's stem norm (batch, instance) and instance norm in its six blocks (none, inside, outside, both)."""
    embedding_size: int = 512
    """Numbers in an embedding."""
    initial_weights: str = ""
    """A run, or a weights file (ours, torchreid's, torchvision's ImageNet weights), to start from; empty: from scratch."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        _require(self.embedding_size >= 1, "model.embedding_size", self.embedding_size, "at least 1")
        if self.genotype:
            Genotype.of(self.genotype)  # says what is wrong with it
        _require(self.width is None or 0.1 <= self.width <= 10, "model.width", self.width, "from 0.1 to 10")


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What it is trained for."""

    label_smoothing: float = 0.1
    """Share of the classification target spread over all people."""
    triplet: float = 0.0
    """Weight of the triplet term beside cross-entropy (E-TriHard's α); 0: none. Needs data.images_per_person."""
    triplet_from_epoch: int = 0
    """Epochs of cross-entropy alone before the triplet term counts."""
    margin: float = 0.3
    """By how much a person's images are to be nearer than anybody else's."""
    soft_margin: bool = False
    """log(1 + exp(·)) in place of the margin."""
    ratio: float = 0.0
    """Weight of the distance ratio in the triplet term (E-TriHard's β); 0: the plain batch-hard triplet loss."""
    auxiliary: float = 0.0
    """Weight of a classifier on the last stage but one, in training only; 0: none."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        _require(0 <= self.label_smoothing < 1, "objective.label_smoothing", self.label_smoothing, "from 0 to below 1")
        for name in ("triplet", "triplet_from_epoch", "margin", "ratio", "auxiliary"):
            value = getattr(self, name)
            _require(0 <= value < float("inf"), f"objective.{name}", value, "0 or more")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How a step is taken."""

    name: OptimizerName = "sgd"
    """SGD with momentum, or AMSGrad."""
    lr: float = 0.065
    """Learning rate before any decay."""
    weight_decay: float = 5e-4
    """L2 penalty, added to the gradient."""
    momentum: float = 0.9
    """SGD's momentum."""
    precision: Precision = "float32"
    """Of the layers' arithmetic. Weights, gradients and losses are float32 in any case."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        for name in ("lr", "weight_decay", "momentum"):
            value = getattr(self, name)
            _require(0 <= value < float("inf"), f"optimizer.{name}", value, "0 or more")


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """How long, and how the learning rate changes."""

    epochs: int = 350
    """Times that every image is seen, the classifier-only epochs included."""
    decay: DecayName = "step"
    """How the learning rate falls."""
    steps: tuple[int, ...] = (150, 225, 300)
    """Epochs at which step decay multiplies the rate by `factor`."""
    factor: float = 0.1
    """Step decay's multiplier."""
    warmup_epochs: int = 0
    """Epochs over which the learning rate rises linearly from 0."""
    classifier_only_epochs: int = 0
    """Epochs at first that train the classifier alone, the rest frozen: for pretrained weights."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        _require(self.epochs >= 1, "schedule.epochs", self.epochs, "at least 1")
        for name in ("warmup_epochs", "classifier_only_epochs", "factor"):
            value = getattr(self, name)
            _require(value >= 0, f"schedule.{name}", value, "0 or more")


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How an architecture is searched for: only for a super-network."""

    temperature: float = 10.0
    """Of the drawn choices, at first: high, and all candidates count about equally."""
    halve_every: int = 20
    """Epochs after which the temperature is halved."""
    lowest_temperature: float = 1.0
    """Below which it is not halved."""
    samples: int = 1
    """Draws of the architecture whose mean loss a step follows."""
    bilevel: bool = False
    """Learn weights from one half of each person's images and the architecture from the other."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        for name in ("temperature", "lowest_temperature"):
            value = getattr(self, name)
            _require(0 < value < float("inf"), f"search.{name}", value, "more than 0")
        for name in ("halve_every", "samples"):
            _require(getattr(self, name) >= 1, f"search.{name}", getattr(self, name), "at least 1")


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How often and how a training is scored."""

    every: int = 10
    """Epochs between evaluations; the last epoch is always evaluated."""
    dataset: str = ""
    """Another dataset to be scored on, in the same folder; empty: the one that is trained on."""
    distance: Distance = "cosine"
    """Between embeddings."""
    protocol: Literal["dataset", Protocol] = "dataset"
    """Which gallery images count: as the dataset says, or another protocol, say all-cameras for data of one camera."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        _require(self.every >= 1, "evaluation.every", self.every, "at least 1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every setting that decides a result. Device, folders and the like are arguments of the command instead."""

    data: DataSettings = field(default_factory=DataSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    seed: int = 0
    """Of weights, order and augmentation. The same seed gives the same run, bit for bit on a CPU."""

    def check(self) -> None:
        """Raise a ValueError that names a value which makes no sense."""
        for settings in fields(self):
            if settings.name != "seed":
                getattr(self, settings.name).check()
        halved = self.data.batch_size % 2 == 0 or not self.search.bilevel
        _require(halved, "data.batch_size", self.data.batch_size, "even for a bi-level search, which halves it")
        if self.objective.triplet:
            people = self.data.images_per_person and self.data.batch_size // self.data.images_per_person
            wanted = (
                f"2 to {self.data.batch_size // 2} for a triplet loss, which needs several images of several people"
            )
            _require(people >= 2, "data.images_per_person", self.data.images_per_person, wanted)

    def to_json(self) -> dict[str, Any]:
        """The recipe as nested dictionaries of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_json` gave.

        Raises:
            ValueError: an unknown setting, or a value of the wrong type or that makes no sense; the message names it.
        """
        recipe: Recipe = _from_json(cls, values, "recipe")
        recipe.check()
        return recipe


def _require(fits: bool, name: str, value: object, wanted: str) -> None:
    if not fits:
        raise ValueError(f"{name} is {value}; it must be {wanted}")


def _from_json(kind: Any, values: Any, where: str) -> Any:
    """`values` as the annotated type `kind`: nested dataclasses, tuples, Literals and plain values."""
    if is_dataclass(kind):
        return _group_from_json(kind, values, where)
    if get_origin(kind) is tuple:
        if not isinstance(values, list | tuple):
            raise ValueError(f"{where} is {values!r}, not a list")
        item, *others = get_args(kind)
        if Ellipsis not in others and len(values) != 1 + len(others):
            raise ValueError(f"{where} has {len(values)} values, not {1 + len(others)}")
        return tuple(_from_json(item, value, f"{where}[{i}]") for i, value in enumerate(values))
    if get_origin(kind) is UnionType:  # a type, or None
        return None if values is None else _from_json(get_args(kind)[0], values, where)
    if get_origin(kind) is Literal:
        if values not in get_args(kind):
            raise ValueError(f"{where} is {values!r}; it can be {', '.join(map(str, get_args(kind)))}")
        return values
    accepted: type | UnionType = int | float if kind is float else kind
    if not isinstance(values, accepted) or isinstance(values, bool) != (kind is bool):
        raise ValueError(f"{where} is {values!r}, not {kind.__name__}")
    return values


def _group_from_json(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {values!r}, not a group of settings")
    hints = get_type_hints(kind)
    unknown = sorted(values.keys() - {f.name for f in fields(kind)})
    if unknown:
        raise ValueError(f"{where} has no setting {', '.join(unknown)}; it has {', '.join(hints)}")
    made = {name: _from_json(hints[name], value, f"{where}.{name}") for name, value in values.items()}
    return cast(type, kind)(**made)
