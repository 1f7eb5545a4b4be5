import json
import math
from dataclasses import replace

import numpy as np
import pytest

from scalereid.attributes.scores import AttributeScores, OneAttribute
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import RESERVED, EpochLog
from scalereid.training.search import SearchState

SCORES = Scores(
    mAP=0.5,
    mINP=0.25,
    cmc=np.array([0.6, 0.8]),
    queries=10,
    queries_without_match=1,
    distance="cosine",
    protocol="market1501",
)
SEARCH = SearchState(("none", "inside"), ((0.25, 0.75),), (0.56,), 10.0)
LOSSES = {"total": 1.5, "cross_entropy": 1.5, "accuracy": 0.25}


def test_the_keys_of_the_log_are_flat() -> None:
    values = EpochLog(2, 1.25, LOSSES, 0.065, SCORES).to_json()
    assert values.keys() == {"epoch", "seconds", "total", "cross_entropy", "accuracy", "learning_rate", "scores"}
    assert values["scores"]["mAP"] == 0.5
    assert EpochLog(0).to_json() == {"epoch": 0, "seconds": 0.0}


@pytest.mark.parametrize(
    "entry",
    [
        EpochLog(0),
        EpochLog(1, 2.5, LOSSES, 0.0),
        EpochLog(2, 2.5, LOSSES | {"divergence": 0.5, "peer_divergence": 0.25}, 0.01),
        EpochLog(3, 2.5, LOSSES | {"hardest_positive": 1.0, "hardest_negative": 2.0}, 0.01, None, SEARCH),
    ],
)
def test_entries_survive_json(entry: EpochLog) -> None:
    assert EpochLog.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_scores_survive_json() -> None:
    again = EpochLog.from_json(json.loads(json.dumps(EpochLog(2, scores=SCORES).to_json()))).scores
    assert again
    assert (again.mAP, again.mINP, again.queries_without_match) == (0.5, 0.25, 1)
    np.testing.assert_array_equal(again.cmc, SCORES.cmc)


def test_scores_of_two_networks() -> None:
    """Of the network, of its peer and of both, each by a name of its own."""
    peer, both = replace(SCORES, mAP=0.25), replace(SCORES, mAP=0.75)
    entry = EpochLog(4, scores=SCORES, peer_scores=peer, both_scores=both)
    values = json.loads(json.dumps(entry.to_json()))
    again = EpochLog.from_json(values)
    for name, mean in (("scores", 0.5), ("peer_scores", 0.25), ("both_scores", 0.75)):
        assert name in RESERVED
        assert values[name]["mAP"] == mean
        assert getattr(again, name).mAP == mean
    assert entry.line(4) == (
        "epoch 4/4: mAP 50.00%, rank-1 60.00%; peer mAP 25.00%, rank-1 60.00%; both mAP 75.00%, rank-1 60.00%"
    )


def test_scores_on_other_datasets() -> None:
    away = {"csv@away": replace(SCORES, mAP=0.125), "viper#1": SCORES}
    entry = EpochLog(4, scores=SCORES, also_scores=away)
    assert "also_scores" in RESERVED
    again = EpochLog.from_json(json.loads(json.dumps(entry.to_json())))
    assert [(name, scores.mAP) for name, scores in again.also_scores.items()] == [("csv@away", 0.125), ("viper#1", 0.5)]
    assert entry.line(4) == (
        "epoch 4/4: mAP 50.00%, rank-1 60.00%; csv@away: mAP 12.50%, rank-1 60.00%; viper#1: mAP 50.00%, rank-1 60.00%"
    )


def test_a_line_says_what_there_is() -> None:
    assert EpochLog(0).line(5) == "epoch 0/5: before training"
    assert EpochLog(0, scores=SCORES).line(5) == "epoch 0/5: mAP 50.00%, rank-1 60.00%"
    hard = LOSSES | {"hardest_positive": 1.0, "hardest_negative": 2.0}
    line = EpochLog(2, 75.0, hard, 0.065, SCORES, SEARCH).line(5)
    assert line == (
        "epoch 2/5: loss 1.500, 25.0% classified right, learning rate 0.065, 1 min 15 s; hardest pairs 1.00 / 2.00; "
        "entropies 0.56 of at most 0.69; mAP 50.00%, rank-1 60.00%"
    )


def test_infinite_losses_are_not_hidden() -> None:
    again = EpochLog.from_json(json.loads(json.dumps(EpochLog(1, losses={"total": math.inf}).to_json())))
    assert again.losses["total"] == math.inf


def test_scores_of_attributes() -> None:
    hat = OneAttribute("hat", 3, 1, 1.0, None, None)
    scores = AttributeScores(4, 0.75, 0.5, 0.25, 1.0, 0.4, (hat,))
    losses = {"total": 0.5, "attributes": 0.5, "attribute_accuracy": 0.875}
    entry = EpochLog(2, 1.0, losses, 0.01, attribute_scores=scores)
    values = json.loads(json.dumps(entry.to_json()))
    assert values["attribute_scores"]["mA"] == 0.75
    assert EpochLog.from_json(values) == entry
    assert entry.line(3) == (
        "epoch 2/3: loss 0.500, 87.5% of attributes right, learning rate 0.01, 1.0 s; attributes: mA 75.00%, F1 40.00%"
    )
    assert "attribute_scores" in RESERVED
