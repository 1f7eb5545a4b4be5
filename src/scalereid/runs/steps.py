"""A recipe's step: an ordinary one or one of a search, and what follows it."""

from functools import partial

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.supernet import SuperNet
from scalereid.runs.recipe import Recipe
from scalereid.training.averaging import AveragingStep, Teacher, WeightAverage
from scalereid.training.search import SearchStep, temperature
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep, Step
from scalereid.training.terms.distillation import SelfDistillation


def build_step(recipe: Recipe, state: TrainingState, supernet: SuperNet | None) -> tuple[Step, EmbeddingModel]:
    """The step of a recipe, and what is evaluated and saved: the model that it trains, or the average of its weights.

    Args:
        recipe, state: What to train.
        supernet: The state's super-network, in which the step searches; None without one.

    Raises:
        ValueError: A setting does not fit a super-network, or needs one.
    """
    average, teacher = _average(recipe, state, supernet)
    search = _search_step(recipe, state, supernet)
    step: Step = search or OrdinaryStep(
        state,
        precision=recipe.optimizer.precision,
        classifier_only_epochs=recipe.schedule.classifier_only_epochs,
        open_embedding=recipe.schedule.open_embedding,
        accumulate=recipe.optimizer.accumulate,
        teacher=teacher,
    )
    return (AveragingStep(step, state.model, average, teacher), average.model) if average else (step, state.model)


def _average(
    recipe: Recipe, state: TrainingState, supernet: SuperNet | None
) -> tuple[WeightAverage[EmbeddingModel] | None, Teacher | None]:
    """The average of the weights, and the teacher for an objective that learns from one; saved with the state."""
    if not recipe.optimizer.average:
        return None, None
    if supernet:
        raise ValueError(
            f"optimizer.average is {recipe.optimizer.average}, but a search ends with the architecture of its last weights; "
            "set optimizer.average to 0"
        )
    average = WeightAverage(state.model, recipe.optimizer.average)
    state.register("average", average)
    distilling = [each for each in state.objective.terms.values() if isinstance(each, SelfDistillation)]
    if not distilling:
        return average, None
    teacher = Teacher(average, distilling[0].classifier)
    state.register("teacher", teacher.classifier)
    return average, teacher


def _search_step(recipe: Recipe, state: TrainingState, supernet: SuperNet | None) -> SearchStep | None:
    settings = recipe.search
    if supernet is None:
        if settings.bilevel or settings.samples > 1:
            raise ValueError(
                f"search.bilevel and search.samples are for a super-network, and {recipe.model.backbone} is not one; "
                "leave them at False and 1"
            )
        return None
    if (parts := recipe.optimizer.accumulate) > 1:
        raise ValueError(
            f"optimizer.accumulate is {parts}, but a search draws an architecture for a whole batch; set it to 1"
        )
    return SearchStep(
        state,
        supernet,
        temperature=partial(
            temperature,
            start=settings.temperature,
            halve_every=settings.halve_every,
            lowest=settings.lowest_temperature,
        ),
        samples=settings.samples,
        bilevel=settings.bilevel,
        precision=recipe.optimizer.precision,
        classifier_only_epochs=recipe.schedule.classifier_only_epochs,
        open_embedding=recipe.schedule.open_embedding,
    )
