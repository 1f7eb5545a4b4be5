from dataclasses import replace

import pytest

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluator import Evaluator
from scalereid.models.building import build_model
from scalereid.progress import Progress
from scalereid.runs.recipe import EvaluationSettings, Recipe
from tests.conftest import same


def test_a_model_in_training_stays_as_it_is(people: ReidDataset, tiny: Recipe) -> None:
    model = build_model("osnet_x0_25", embedding_size=32).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluator = Evaluator(people, tiny, Progress.silent())
    one, two = evaluator(model), evaluator(model)
    assert one
    assert two
    assert one.to_json() == two.to_json()
    assert one.queries == 16
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert same(before, model.state_dict())


def test_without_queries_there_are_no_scores(people: ReidDataset, tiny: Recipe) -> None:
    evaluator = Evaluator(replace(people, query=(), gallery=()), tiny, Progress.silent())
    assert evaluator(build_model("osnet_x0_25", embedding_size=32)) is None


def test_others_are_scored_by_the_same_distance_and_their_own_protocol(people: ReidDataset, tiny: Recipe) -> None:
    recipe = replace(tiny, evaluation=EvaluationSettings(distance="euclidean"))
    fewer, all_cameras = replace(people, query=people.query[:5]), replace(people, protocol="all-cameras")
    model = build_model("osnet_x0_25", embedding_size=32)
    evaluator = Evaluator(people, recipe, Progress.silent(), {"fewer": fewer, "all": all_cameras})
    found = evaluator.score_also(model)
    assert [(name, s.queries, s.distance, s.protocol) for name, s in found.items()] == [
        ("fewer", 5, "euclidean", "market1501"),
        ("all", 16, "euclidean", "all-cameras"),
    ]
    main = Evaluator(fewer, recipe, Progress.silent())
    assert main(model).to_json() == found["fewer"].to_json()  # type: ignore[union-attr]
    assert main.score_also(model) == {}


@pytest.mark.parametrize("metric", ["mAP", "mINP", "rank-1"])
def test_the_best_score_is_remembered_and_saved(people: ReidDataset, tiny: Recipe, metric: str) -> None:
    recipe = replace(tiny, evaluation=EvaluationSettings(best=metric))  # type: ignore[arg-type]
    evaluator = Evaluator(people, recipe, Progress.silent())
    scores = evaluator(build_model("osnet_x0_25", embedding_size=32))
    assert scores
    assert evaluator.improves(scores)
    assert evaluator.best == scores.metric(metric)
    assert not evaluator.improves(scores)  # equal is not better
    again = Evaluator(people, recipe, Progress.silent())
    again.load_state_dict(evaluator.state_dict())
    assert not again.improves(scores)
    better = replace(scores, mAP=1.0, mINP=1.0, cmc=scores.cmc * 0 + 1)
    assert again.improves(better)
    again.higher_is_better = False
    assert again.improves(scores)
