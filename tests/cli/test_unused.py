import pytest

from scalereid.cli.errors import UsageError
from scalereid.cli.parsing import parse
from scalereid.runs.recipe import SearchSettings
from tests.cli.conftest import Fail

TOY = "train toy --data d --out o"
UNUSED = [  # what is given, what has no effect, why not, and words with which it has one
    (
        f"{TOY} --data.augmentation-probability 0.2",
        "--data.augmentation-probability",
        "since --data.augmentation names none",
        "--data.augmentation x.py:f",
    ),
    (
        f"{TOY} --data.images-per-person-from-epoch 2",
        "--data.images-per-person-from-epoch",
        "since --data.images-per-person is 0",
        "--data.images-per-person 4",
    ),
    ("data check x --train-share 0.3", "--train-share", "without --write-split", "--write-split"),
    ("evaluate x --data d --alpha 3", "--alpha", "without --expand-queries or --augment-gallery", "--expand-queries 2"),
    ("evaluate x --data d --alpha=3", "--alpha", "without --expand-queries or --augment", "--augment-gallery 2"),
    (f"{TOY} --objective.margin 0.4", "--objective.margin", "--objective.triplet is 0", "--objective.triplet 1"),
    (f"{TOY} --objective.ratio 0.4", "--objective.ratio", "--objective.triplet is 0", "--objective.triplet 1"),
    (f"{TOY} --objective.soft-margin", "--objective.soft-margin", "--objective.triplet is 0", "--objective.triplet 1"),
    (f"{TOY} --objective.no-soft-margin", "--objective.no-soft-margin", "--objective.triplet", "--objective.triplet 1"),
    (
        f"{TOY} --objective.triplet-from-epoch 3", "--objective.triplet-from-epoch", "--objective.triplet is 0",
        "--objective.triplet 1",
    ),
    (
        f"{TOY} --objective.circle-margin 0.3", "--objective.circle-margin", "--objective.circle is 0",
        "--objective.circle 1",
    ),
    (
        f"{TOY} --data.jitter-strengths 0.3 0.3 0.3 0.1", "--data.jitter-strengths", "--data.jitter is 0",
        "--data.jitter 0.5",
    ),
    (f"{TOY} --objective.term-weight 2", "--objective.term-weight", "--objective.term names none", "--objective.term x"),
    (
        f"{TOY} --objective.term-from-epoch 2", "--objective.term-from-epoch", "--objective.term names none",
        "--objective.term x",
    ),
    (
        f"{TOY} --optimizer.momentum 0.5 --optimizer.name amsgrad", "--optimizer.momentum",
        "--optimizer.name is amsgrad", "--optimizer.name sgd",
    ),
    (f"{TOY} --mutual.backbone dslnet", "--mutual.backbone", "since --mutual.weight is 0", "--mutual.weight 1"),
    (f"{TOY} --mutual.width 0.5", "--mutual.width", "since --mutual.weight is 0", "--mutual.weight 1"),
    (f"{TOY} --mutual.initial-weights x", "--mutual.initial-weights", "--mutual.weight is 0", "--mutual.weight 1"),
    (
        "train attributes_toy --data d --out o --objective.label-smoothing 0.2", "--objective.label-smoothing",
        "--objective.cross-entropy and --objective.auxiliary are 0", "--objective.cross-entropy 1",
    ),
    (
        "train cifar10_osnet --data d --out o --evaluation.distance cosine", "--evaluation.distance",
        "have no distances between people", "--evaluation.best mAP",
    ),
    (f"{TOY} --schedule.steps 3 4", "--schedule.steps", "--schedule.decay is cosine", "--schedule.decay step"),
    (f"{TOY} --schedule.factor 0.5", "--schedule.factor", "--schedule.decay is cosine", "--schedule.decay step"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "flag", "why", "cure"), UNUSED)
def test_an_option_without_effect_is_an_error(words: str, flag: str, why: str, cure: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(words.split())
    assert str(raised.value).startswith(f"{flag} has no effect")
    assert why in str(raised.value)
    parse([*words.split(), *cure.split()])


def test_some_options_take_the_place_of_others() -> None:
    with pytest.raises(UsageError, match="--max-loss has no effect with --force: leave one of them out"):
        parse(["quantize", "x", "--data", "d", "--dataset", "csv", "--max-loss", "2", "--force"])
    soft = f"{TOY} --objective.triplet 1 --objective.soft-margin"
    with pytest.raises(UsageError, match="--objective.margin has no effect, since --objective.soft-margin takes its"):
        parse([*soft.split(), "--objective.margin", "0.3"])


@pytest.mark.parametrize("setting", vars(SearchSettings()))
def test_only_a_super_network_is_searched(setting: str) -> None:
    words = [f"--search.{setting.replace('_', '-')}", *([] if setting == "bilevel" else ["3"])]
    with pytest.raises(UsageError, match="--model.backbone is osnet_x0_25, which is not a super-network"):
        parse([*TOY.split(), *words])
    parse(["nas", "nas_toy", *TOY.split()[2:], *words])


def test_a_split_that_is_there_is_not_made_again(colours: str, fail: Fail) -> None:
    text = fail("data", "check", colours, "--write-split", "--train-share", "0.3")
    assert "train_share=0.3 has no effect: " in text
    assert "has queries and a gallery already" in text
    assert "(on the command line: --train-share)" in text
