"""A recipe's objective: its terms with their weights, for one network or for two that learn from each other."""

from pathlib import Path

from torch import Tensor

from scalereid.attributes.layer import AttributeLayer
from scalereid.attributes.table import AttributeLabels, positive_shares
from scalereid.classification.layer import ClassLayer
from scalereid.lookup import copy_in, find
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.runs.log import RESERVED
from scalereid.runs.recipe import Recipe
from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.terms import TERMS
from scalereid.training.terms.attributes import Attributes
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.centre import Centre
from scalereid.training.terms.circle import Circle
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.distillation import SelfDistillation
from scalereid.training.terms.mutual import Mutual
from scalereid.training.terms.part import PEER, OfPart, parts
from scalereid.training.terms.term import Sizes, Term
from scalereid.training.terms.triplet import Triplet

ATTRIBUTES = "attributes"
"""Name of the term of attributes."""


def build_objective(
    recipe: Recipe,
    model: EmbeddingModel,
    people: int,
    code_in: Path | None = None,
    *,
    attributes: AttributeLabels | None = None,
) -> Objective:
    """The objective of a recipe, for a model, a number of people, and the attributes of the training images.

    A term of one's own is taken from its copy in `code_in`.

    Raises:
        ValueError: A term does not exist or is none, or cannot be computed of the parts of a batch that the recipe asks for.
    """
    # Terms with weights draw them in this order: the classifiers of the embeddings first. The cross-entropy and a divergence
    # are one term, which the cross-entropy's weight scales: what the divergence has is divided by it before.
    sizes = [Sizes(each.embedding_size, people, each.backbone.stage_channels) for each in model.networks]
    smoothing, bias = recipe.objective.label_smoothing, recipe.model.neck != "bnneck"
    scale = recipe.objective.cross_entropy
    classifiers = [CrossEntropy(each, label_smoothing=smoothing, bias=bias) for each in sizes] if scale else []
    if len(sizes) == 1:
        terms = [ScheduledTerm("cross_entropy", each, scale) for each in classifiers]
        if weight := recipe.objective.self_distillation:
            distilled = SelfDistillation(classifiers[0], weight=weight / scale)
            terms = [ScheduledTerm("self_distillation", distilled, scale)]
        if attributes:
            shares = positive_shares(attributes.values).tolist()
            learned = Attributes(sizes[0], shares, balanced=recipe.objective.balanced_attributes)
            terms.append(ScheduledTerm(ATTRIBUTES, learned, recipe.objective.attributes))
        terms += _other_terms(recipe, sizes[0], code_in)
    else:
        part_of = parts(*sizes)
        mutual = Mutual(classifiers, part_of, weight=recipe.mutual.weight / scale)
        terms = [ScheduledTerm("mutual", mutual, scale)]
        for each, part, prefix in zip(sizes, part_of, ("", PEER), strict=True):
            others = _other_terms(recipe, each, code_in)
            terms += [s._replace(name=prefix + s.name, term=OfPart(s.term, part, prefix)) for s in others]
    objective = Objective(terms)
    if taken := [name for name in objective.logged if name in RESERVED]:
        raise ValueError(f"A term of the objective logs {', '.join(taken)}, which the log has already; rename it")
    _check_accumulation(recipe, objective)
    return objective


def attribute_layer(objective: Objective, names: tuple[str, ...]) -> AttributeLayer | None:
    """The layer of attributes as it is now, by itself; None for an objective without attributes."""
    if ATTRIBUTES not in objective.terms:
        return None
    term = objective.terms[ATTRIBUTES]
    assert isinstance(term, Attributes)
    weight, bias = (each.detach().float().cpu().clone().numpy() for each in (term.layer.weight, term.layer.bias))
    return AttributeLayer(names, weight, bias)


def class_layer(objective: Objective, names: tuple[str, ...]) -> ClassLayer:
    """The classifier of classes of these names as it is now, by itself."""
    term = objective.terms["cross_entropy"]
    assert isinstance(term, CrossEntropy)
    weight: Tensor = term.classifier.weight.detach().float().cpu()
    bias = weight.new_zeros(len(names)) if term.classifier.bias is None else term.classifier.bias.detach().float().cpu()
    return ClassLayer(names, weight.clone().numpy(), bias.clone().numpy())


def _other_terms(recipe: Recipe, sizes: Sizes, code_in: Path | None) -> list[ScheduledTerm]:
    """The terms of one network beside the cross-entropy."""
    settings, smoothing, terms = recipe.objective, recipe.objective.label_smoothing, list[ScheduledTerm]()
    people_from = recipe.data.images_per_person_from_epoch  # before it batches may have no pairs of a person's images
    if settings.triplet:
        triplet = Triplet(sizes, margin=settings.margin, soft_margin=settings.soft_margin, ratio=settings.ratio)
        begin = settings.triplet_from_epoch
        terms.append(ScheduledTerm("triplet", triplet, settings.triplet, begin, watch_from=people_from))
    if settings.circle:
        circle = Circle(sizes, margin=settings.circle_margin, scale=settings.circle_scale)
        begin = settings.circle_from_epoch
        terms.append(ScheduledTerm("circle", circle, settings.circle, begin, watch_from=people_from))
    if settings.centre:
        terms.append(ScheduledTerm("centre", Centre(sizes), settings.centre))
    if settings.auxiliary:
        terms.append(ScheduledTerm("auxiliary", Auxiliary(sizes, label_smoothing=smoothing), settings.auxiliary))
    if settings.term:
        own = find(copy_in(code_in, settings.term), TERMS)(sizes)
        if not isinstance(own, Term):
            raise ValueError(f"objective.term is {settings.term}, which returned {own!r}; it must return a Term")
        name = settings.term.rpartition(":")[2]
        terms.append(ScheduledTerm(name, own, settings.term_weight, settings.term_from_epoch, watch_from=people_from))
    return terms


def _check_accumulation(recipe: Recipe, objective: Objective) -> None:
    """Check that the objective can be computed of the parts of a batch."""
    parts = recipe.optimizer.accumulate
    comparing = [scheduled.name for scheduled in objective.scheduled if scheduled.term.compares_images]
    if parts > 1 and comparing:
        raise ValueError(
            f"optimizer.accumulate is {parts}, but {comparing[0]} compares the images of a whole batch (`compares_images`); "
            "set it to 1, and model.checkpointing to save memory"
        )
