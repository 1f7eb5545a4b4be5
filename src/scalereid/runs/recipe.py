"""A recipe: every setting that decides a result, as frozen dataclasses and as JSON."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from scalereid.data.framing import Framing
from scalereid.data.image_size import ImageSize, check_image_size
from scalereid.data.protocols import Protocol
from scalereid.lookup import own_file
from scalereid.retrieval import Distance
from scalereid.runs.consistency import check_together
from scalereid.runs.ranges import RANGES, require
from scalereid.training import DecayName, OptimizerName, Precision
from scalereid.typed_json import from_json

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Training images: which, how many in a step, and how they are augmented."""

    dataset: str = "market1501"
    """A name that `scalereid datasets` lists, or FILE.py:FUNCTION; NAME@FOLDER, in that folder; NAME#2, a split; A+B, both."""
    attributes: str = ""
    """Attributes of people or images: market1501, pa100k, toy, or a .csv file in the folder of the datasets; empty: none."""
    image_size: ImageSize = (256, 128)
    """Height and width that every image is resized to."""
    framing: Framing = "stretch"
    """All of an image, its shape changed; or a crop that keeps it: a random one in training, in evaluation the middle."""
    batch_size: int = 64
    """Number of images in a training step."""
    images_per_person: int = 0
    """Number of images of each person in a step; 0: any images of any people."""
    images_per_person_from_epoch: int = 0
    """First epoch with images_per_person; any images before it."""
    flip: float = 0.5
    """Probability of mirroring a training image."""
    crop: float = 0.0
    """Probability of shifting a training image: enlarged by an eighth, then cropped at random."""
    pad_crop: float = 0.0
    """Probability of shifting a training image: padded by zeros, an eighth on each side, then cropped at random."""
    patch: float = 0.0
    """Probability of pasting a piece of another image of the batch."""
    jitter: float = 0.0
    """Probability of changing a training image's brightness, contrast, saturation and hue."""
    jitter_strengths: tuple[float, float, float, float] = (0.2, 0.15, 0.0, 0.0)
    """Largest changes of brightness, contrast and saturation, as shares, and of hue, as a share of the colour circle."""
    grey: float = 0.0
    """Probability of making a training image grey."""
    auto_augment: float = 0.0
    """Probability of TrivialAugment: one of 14 changes of shape or colour, of random strength."""
    erase: float = 0.0
    """Probability of erasing a random rectangle of a training image."""
    augmentation: str = ""
    """Another augmentation, after these: FILE.py:NAME for one of your own; empty: none."""
    augmentation_probability: float = 0.5
    """Probability of that augmentation."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The network, and the weights that it starts from."""

    backbone: str = "osnet_x1_0"
    """A name that `scalereid models` lists, or FILE.py:NAME for a backbone of your own."""
    width: float | None = None
    """Multiplier of the backbone's channel counts. Defaults to what its name says, or 1."""
    genotype: tuple[str, ...] = ()
    """Of an OSNet or DSLNet: stem norm (batch, instance), instance norm in its six blocks (none, inside, outside, both)."""
    options: tuple[str, ...] = ()
    """Other keyword arguments of the backbone's constructor, each as NAME=VALUE: depth=2."""
    embedding_size: int = 512
    """Number of values in an embedding."""
    pooling: Literal["average", "max", "gem"] = "average"
    """Pooling of the last maps: their average, their maximum, or the generalised mean with a learned exponent."""
    neck: Literal["fc", "bnneck", "none"] = "fc"
    """From pooled maps to embeddings: linear, batch norm, ReLU; BNNeck, whose distances are learned before it; or none."""
    initial_weights: str = ""
    """A run, or a weights file (ours, torchreid's, torchvision's ImageNet weights), to start from; empty: random weights."""
    checkpointing: bool = False
    """In training, compute each block again in the backward pass: slower, in less memory, with the same results."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """The loss: the sum of the terms with a weight above 0."""

    cross_entropy: float = 1.0
    """Weight of the classification of people; 0: none, to learn attributes alone."""
    label_smoothing: float = 0.1
    """Share of the classification target spread over all people."""
    triplet: float = 0.0
    """Weight of the triplet term (E-TriHard's α); 0: none. Needs data.images_per_person."""
    triplet_from_epoch: int = 0
    """First epoch in which the triplet term counts."""
    margin: float = 0.3
    """Distance by which a person's images should be nearer than another person's."""
    soft_margin: bool = False
    """Use log(1 + exp(·)) in place of the margin."""
    ratio: float = 0.0
    """Weight of the distance ratio in the triplet term (E-TriHard's β); 0: the plain batch-hard triplet loss."""
    circle: float = 0.0
    """Weight of the circle loss; 0: none. Needs data.images_per_person."""
    circle_from_epoch: int = 0
    """First epoch in which the circle loss counts."""
    circle_margin: float = 0.25
    """Distance of the similarities that it aims at from 0 and 1."""
    circle_scale: float = 128.0
    """Factor of its similarities."""
    centre: float = 0.0
    """Weight of the centre loss, such as 0.0005; 0: none."""
    attributes: float = 0.0
    """Weight of the binary cross-entropy of attributes; 0: none. Needs data.attributes."""
    balanced_attributes: bool = False
    """Let images with and without an attribute count equally, however rare it is. Needs attributes."""
    self_distillation: float = 0.0
    """Weight of the divergence from the predictions of the weights' moving average; 0: none. Needs optimizer.average."""
    auxiliary: float = 0.0
    """Weight of a classifier on the last stage but one, in training only; 0: none."""
    term: str = ""
    """Another term: FILE.py:NAME for one of your own, or a name in `scalereid.training.terms.TERMS`; empty: none."""
    term_weight: float = 1.0
    """Weight of that term."""
    term_from_epoch: int = 0
    """First epoch in which that term counts."""


@dataclass(frozen=True, kw_only=True)
class MutualSettings:
    """Deep mutual learning: a second network, the peer, is trained in the same steps, and each learns from the other."""

    weight: float = 0.0
    """Weight of the divergence of each network's predictions from the other's, which it learns from; 0: no peer."""
    backbone: str = ""
    """The peer's: a name that `scalereid models` lists, or FILE.py:NAME; empty: the same network as the model's."""
    width: float | None = None
    """Multiplier of the peer's channel counts. Defaults to the model's, or to that of the backbone named above."""
    initial_weights: str = ""
    """A run or a weights file for the peer to start from; empty: random weights, other than the model's."""


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """The optimizer and its arithmetic."""

    name: OptimizerName = "sgd"
    """SGD with momentum, or AMSGrad."""
    lr: float = 0.065
    """Learning rate before any decay."""
    weight_decay: float = 5e-4
    """L2 penalty, added to the gradient."""
    momentum: float = 0.9
    """Momentum of SGD."""
    precision: Precision = "float32"
    """Arithmetic precision of the layers. Weights, gradients and losses are always float32."""
    average: float = 0.0
    """Decay of a moving average of the weights, such as 0.999, which is evaluated and saved in their place; 0: none."""
    accumulate: int = 1
    """Number of parts in which a batch is computed, one after another, in less memory; batch norm is of each part."""
    sync_batch_norm: bool = False
    """Of several processes: normalise by the statistics of the whole batch rather than of each process's share."""


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """Number of epochs, and the learning rate over them."""

    epochs: int = 350
    """Number of passes over the training images, the classifier-only epochs included."""
    decay: DecayName = "step"
    """How the learning rate falls."""
    steps: tuple[int, ...] = (150, 225, 300)
    """Epochs at which step decay multiplies the learning rate by `factor`."""
    factor: float = 0.1
    """Step decay's multiplier."""
    warmup_epochs: int = 0
    """Number of epochs over which the learning rate rises linearly from 0."""
    classifier_only_epochs: int = 0
    """Number of epochs at the start in which only the classifier learns: for pretrained weights."""
    open_embedding: bool = False
    """In these epochs the embedding layer learns, too: for weights that have none, such as torchvision's."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Architecture search; for a super-network only."""

    temperature: float = 10.0
    """Initial temperature of the drawn choices; at a high one all candidates count about equally."""
    halve_every: int = 20
    """Number of epochs after which the temperature is halved."""
    lowest_temperature: float = 1.0
    """Minimum temperature."""
    samples: int = 1
    """Number of times that each batch moves weights and architecture, each with a draw of its own."""
    bilevel: bool = False
    """Learn the weights from one half of each person's images and the architecture from the other half."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """When and how a model is evaluated during training."""

    every: int = 10
    """Number of epochs between evaluations; the last epoch is always evaluated."""
    dataset: str = ""
    """Another dataset to evaluate on, in the same folder; empty: the one that is trained on."""
    also: tuple[str, ...] = ()
    """Further datasets, scored after the last epoch only; each by its own protocol."""
    distance: Distance = "cosine"
    """Distance between embeddings."""
    protocol: Literal["dataset", Protocol] = "dataset"
    """Which gallery images count: `dataset` for its own protocol, or another, such as all-cameras for data of one camera."""
    best: Literal["mAP", "mINP", "rank-1", "mA", "top-1"] = "mAP"
    """Metric by which the best epoch is kept; mA is that of attributes, top-1 that of classes."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every setting that decides a result. Device and folders are not among them."""

    data: DataSettings = field(default_factory=DataSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    mutual: MutualSettings = field(default_factory=MutualSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    seed: int = 0
    """Seed for initial weights, shuffling and augmentation. With as many threads, runs repeat bit for bit on a CPU."""

    @property
    def searches(self) -> bool:
        """True if its network is a super-network, in which an architecture is searched for."""
        return "_supernet" in self.model.backbone and not own_file(self.model.backbone)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the datasets that it is scored on: the main one, and those that are scored after the last epoch."""
        return (self.evaluation.dataset or self.data.dataset, *self.evaluation.also)

    @property
    def own_files(self) -> tuple[Path, ...]:
        """The Python files of backbones, a term and an augmentation of one's own."""
        names = (self.model.backbone, self.mutual.backbone, self.objective.term, self.data.augmentation)
        return tuple(dict.fromkeys(filter(None, map(own_file, names))))

    def check(self) -> None:
        """Raise a ValueError that names a value of the wrong type, or one which makes no sense."""
        from_json(type(self), self.to_json(), "recipe")
        check_image_size(self.data.image_size)
        if self.model.genotype or self.model.options:
            from scalereid.models.genotype import Genotype  # here, as a list of recipes need not wait for torch
            from scalereid.models.options import parse_options

            if self.model.genotype:
                Genotype.of(self.model.genotype)  # says what is wrong with it
            parse_options(self.model.options)  # likewise
        require(0 <= self.seed <= LARGEST_SEED, "seed", self.seed, f"from 0 to {LARGEST_SEED:,}")
        for group, names, fits, wanted in RANGES:
            for name in names.split():
                value = getattr(getattr(self, group), name)
                require(fits(value), f"{group}.{name}", value, wanted)
        check_together(self)

    def to_json(self) -> dict[str, Any]:
        """The recipe as nested dictionaries of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_json` gave.

        Raises:
            ValueError: An unknown setting, or a value of the wrong type or that makes no sense; the message names it.
        """
        recipe: Recipe = from_json(cls, values, "recipe")
        recipe.check()
        return recipe
