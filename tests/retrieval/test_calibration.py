import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.calibration import Calibration, calibrate
from scalereid.retrieval.pairs import PairDistances, sampled_pair_distances

ABOUT: dict[str, Any] = {"distance": "cosine", "model": "m", "fingerprint": "f", "dataset": "d"}


def pairs(same: int = 20_000, different: int = 400_000) -> PairDistances:
    """Two normal distributions of one width, whose log-odds are a straight line: 25 − 50 d."""
    edges = np.linspace(0, 1, 4_097)
    rng = np.random.default_rng(0)
    counts = [
        np.histogram(rng.normal(mean, 0.1, number).clip(0, 1), edges)[0]
        for mean, number in ((0.25, same), (0.75, different))
    ]
    return PairDistances(edges, counts[0], counts[1])


@pytest.mark.parametrize(("method", "tolerance"), [("logistic", 0.02), ("isotonic", 0.06)])
def test_probabilities_are_those_of_the_distributions(method: Any, tolerance: float) -> None:
    found = calibrate(pairs(), method=method, **ABOUT)
    at = np.array([0.42, 0.47, 0.5, 0.53, 0.58])
    expected = 1 / (1 + np.exp(50 * at - 25))
    np.testing.assert_allclose(found.probability(at, prior=0.5), expected, atol=tolerance)
    odds = 20_000 / 400_000
    np.testing.assert_allclose(found.probability(at), 1 / (1 + np.exp(50 * at - 25) / odds), atol=tolerance)
    assert found.prior == pytest.approx(1 / 21)
    assert found.probability(0.1) > 0.99
    assert found.probability(0.9) < 0.01


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
def test_it_says_as_often_as_it_is_so(method: Any) -> None:
    """Of the pairs that are given about 70 %, about 70 % are of one person."""
    data = pairs()
    found = calibrate(data, method=method, **ABOUT)
    middles = (data.edges[:-1] + data.edges[1:]) / 2
    given = found.probability(middles)
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9)):
        chosen = (given >= low) & (given < high)
        both = data.same[chosen] + data.different[chosen]
        assert data.same[chosen].sum() / both.sum() == pytest.approx(
            (given[chosen] * both).sum() / both.sum(), abs=0.06
        )


def test_thresholds_go_as_far_as_the_pairs_can_tell() -> None:
    assert [point.wanted for point in calibrate(pairs(), **ABOUT).points] == [0.1, 0.01, 0.001, 0.0001]
    assert [point.wanted for point in calibrate(pairs(different=500), **ABOUT).points] == [0.1, 0.01]
    assert [point.wanted for point in calibrate(pairs(different=500), rates=[0.02], **ABOUT).points] == [0.02]
    with pytest.raises(ValueError, match="cannot be measured with 500 pairs"):
        calibrate(pairs(different=500), rates=[0.1, 0.001], **ABOUT)
    with pytest.raises(ValueError, match="7 pairs of two people: too few, expected at least 10"):
        calibrate(pairs(different=7), **ABOUT)


def test_people_who_can_be_told_apart_without_fail() -> None:
    """No distance is both: probabilities are near 0 and 1, and finite."""
    edges = np.linspace(0, 1, 11)
    apart = PairDistances(edges, np.array([50, 0, 0, 0, 0, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 900]))
    for method in ("logistic", "isotonic"):
        found = calibrate(apart, method=method, **ABOUT)
        assert found.probability(0.05, prior=0.5) == pytest.approx(900 / 901)  # no surer than 900 pairs allow
        assert found.probability(0.95, prior=0.5) == pytest.approx(1 / 51)
        assert np.isfinite(found.probability(np.linspace(0, 1, 50))).all()


def test_saved_and_loaded(tmp_path: Path) -> None:
    found = calibrate(pairs(), method="isotonic", **ABOUT)
    found.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == found
    assert len(found.knots) <= 256
    with pytest.raises(FileNotFoundError, match="calibrate the model first"):
        Calibration.load(tmp_path / "nowhere.json")
    for text in ("nonsense", "{}", '{"points": [], "knots": []}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(ValueError, match=r"bad\.json is not a calibration"):
            Calibration.load(tmp_path / "bad.json")
    for prior in (0.0, 1.0):
        with pytest.raises(ValueError, match="expected a probability between 0 and 1"):
            found.probability(0.5, prior=prior)


def test_what_it_is_of_is_checked() -> None:
    found = calibrate(pairs(), **ABOUT)
    found.check("f", "cosine")
    with pytest.raises(
        ValueError, match=r"is of m, fingerprint f, not of these weights .*, fingerprint g; calibrate the model"
    ):
        found.check("g", "cosine")
    with pytest.raises(
        ValueError, match="is of the cosine distance, not of the euclidean distance; calibrate the model again"
    ):
        found.check("f", "euclidean")
    with pytest.raises(ValueError, match="is of embeddings without mirror images"):
        found.check("f", "cosine", flip=True)


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'scalereid\[calibration\]'"):
        calibrate(pairs(), **ABOUT)


def test_a_model_that_tells_nothing_is_not_calibrated() -> None:
    data = pairs()
    with pytest.raises(ValueError, match="m cannot be calibrated on d: images of one person are no nearer"):
        calibrate(PairDistances(data.edges, data.different, data.same), **ABOUT)


def test_odds_that_would_rise_with_the_distance_are_refused() -> None:
    """Three fifths of one person's pairs are nearer than all others, but the rest so far away that a straight line rises."""
    at = np.repeat([0.3, 1.8, 0.5], [60, 40, 300])
    counted = sampled_pair_distances(at, np.arange(400) < 100, np.ones(400)).seen
    with pytest.raises(
        ValueError, match="m cannot be calibrated on d by logistic regression: .* or set method=isotonic"
    ):
        calibrate(counted, **ABOUT)
    near, between, far = calibrate(counted, method="isotonic", **ABOUT).probability([0.3, 0.5, 1.8], prior=0.5)
    assert near > 0.99
    assert between == far == pytest.approx(0.4 / 1.4)


def sample(same: int, different: int, weight: float = 1) -> PairDistances:
    rng = np.random.default_rng(0)
    at = np.concatenate([rng.normal(mean, 0.1, number) for mean, number in ((0.25, same), (0.75, different))])
    is_same = np.arange(same + different) < same
    return sampled_pair_distances(at.clip(0), is_same, np.where(is_same, 1, weight))


def test_too_few_labels_are_refused_with_numbers() -> None:
    with pytest.raises(ValueError, match="9 labelled pairs of one person: too few, expected at least 10"):
        calibrate(sample(9, 100), **ABOUT)
    with pytest.raises(ValueError, match=r"30 labelled pairs of two people: too few, they tell .* from 0\.12"):
        calibrate(sample(50, 30), **ABOUT)
    assert [point.wanted for point in calibrate(sample(50, 400), **ABOUT).points] == [0.1, 0.01]


def test_an_interval_is_saved_and_loaded(tmp_path: Path) -> None:
    found = calibrate(sample(50, 400), **ABOUT)
    found.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == found
    text = (tmp_path / "calibration.json").read_text()
    assert found.points[0].interval
    before = re.sub(r',\s+"interval": \[[^]]*\]', "", text)  # as earlier versions wrote it
    (tmp_path / "calibration.json").write_text(before)
    assert Calibration.load(tmp_path / "calibration.json").points[0].interval is None


def test_probabilities_are_never_surer_than_the_labels() -> None:
    found = calibrate(sample(50, 400), **ABOUT)
    assert found.probability(0.0) == pytest.approx(50 / 51)
    assert found.probability(2.0, prior=0.5) == pytest.approx(1 / 51)


POINT = {"wanted": 0.1, "threshold": 0.5, "false_match_rate": 0.1, "true_match_rate": 0.9, "interval": None}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"knots": [[0.0, 4.0]]}, r"knots are at the distances \[0\.0\] …; expected two or more, ascending"),
        (
            {"knots": [[0.5, 4.0], [0.5, 1.0]]},
            r"knots are at the distances \[0\.5, 0\.5\] …; expected two or more, asc",
        ),
        ({"knots": [[0.0, 4.0], [1.0, float("nan")]]}, r"calibration\.knots\[1\]\[1\] is nan, not a finite number"),
        ({"knots": [[0.0, 4.0], [1.0]]}, r"calibration\.knots\[1\] is a list of 1, not of 2"),
        ({"knots": None}, r"calibration\.knots is None, not a list"),
        ({"prior": 1.0}, "prior is 1.0; expected a share between 0 and 1"),
        ({"prior": "0.5"}, r"calibration\.prior is '0\.5', not float"),
        ({"same_pairs": 0}, "same_pairs is 0; expected at least 1"),
        ({"distance": "hamming"}, r"calibration\.distance is 'hamming'; choose from"),
        ({"method": "platt"}, r"calibration\.method is 'platt'; choose from logistic, isotonic"),
        ({"points": [POINT | {"wanted": 7.0}]}, r"points\[0\]\.wanted is 7\.0; expected a rate from 0 to 1"),
        ({"points": [POINT | {"threshold": None}]}, r"calibration\.points\[0\]\.threshold is None, not float"),
        ({"points": [{}]}, r"calibration\.points\[0\]\.wanted is missing"),
        ({"later": 1}, "calibration has no later"),
    ],
)
def test_a_damaged_file_is_named_with_its_field(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    file = tmp_path / "calibration.json"
    calibrate(pairs(), **ABOUT).save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ValueError, match=rf"calibration\.json is not a calibration: .*{sentence}"):
        Calibration.load(file)


def test_a_file_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"calibration\.json is damaged: its values are nested too deep"):
        Calibration.load(tmp_path / "calibration.json")


def test_the_distance_at_a_probability() -> None:
    found = calibrate(pairs(), **ABOUT)
    for probability in (0.01, 0.5, 0.9, 0.999):
        assert found.probability(at := found.distance_at(probability)) == pytest.approx(probability, rel=1e-9)
        assert found.probability(at + 1e-6) < probability
    assert found.distance_at(1e-9) == found.knots[-1][0]  # every pair has a higher one
    with pytest.raises(ValueError, match="probability is 1; expected one between 0 and 1"):
        found.distance_at(1)


def test_a_calibration_on_few_pairs_is_never_very_sure() -> None:
    few = calibrate(pairs(20, 40), **ABOUT)
    with pytest.raises(ValueError, match=r"the calibration on d is never surer than 0\.\d+, and 0\.99 is wanted"):
        few.distance_at(0.99)


@pytest.mark.parametrize("share", [0.003, 0.05, 0.4])
def test_the_share_of_pairs_of_one_person_is_estimated(share: float) -> None:
    """Of other images than those of the calibration, without labels."""
    found, random = calibrate(pairs(), **ABOUT), np.random.default_rng(5)
    same = random.random(100_000) < share
    distances = np.where(same, random.normal(0.25, 0.1, 100_000), random.normal(0.75, 0.1, 100_000)).clip(0)
    assert found.estimate_prior(distances) == pytest.approx(same.mean(), rel=0.05)


@pytest.mark.filterwarnings("error")
def test_no_pairs_tell_no_other_share() -> None:
    assert calibrate(pairs(), **ABOUT).estimate_prior([]) == pytest.approx(1 / 21)
