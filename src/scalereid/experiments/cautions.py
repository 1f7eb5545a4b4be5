"""Why scores may mean less than they seem to: what is known of the model's training, the dataset and its images."""

from scalereid.data import DATASETS
from scalereid.data.check.scores import few_queries, unknown_cameras
from scalereid.data.overlaps import guess_training, is_drawn, shared_people
from scalereid.data.records import ReidDataset
from scalereid.data.shapes import ShapeCount
from scalereid.inference.opening import OpenModel
from scalereid.retrieval.scores import Scores


def find_cautions(model: OpenModel, dataset: ReidDataset, scores: Scores, shapes: ShapeCount) -> tuple[str, ...]:
    """Sentences to read beside the scores; empty if nothing speaks against them.

    Args:
        model: What was scored.
        dataset: What it was scored on, with the protocol of the scores.
        scores: Its scores there.
        shapes: Counts the shapes of the images.
    """
    found = (
        _seen_people(model, dataset),
        _only_drawn_people(model, dataset),
        unknown_cameras(dataset),
        few_queries(scores.queries - scores.queries_without_match),
        shapes.question(),
    )
    return tuple(
        f"{sentence[0].upper()}{sentence[1:]}{'' if sentence[-1] in '.?' else '.'}" for sentence in found if sentence
    )


def _seen_people(model: OpenModel, dataset: ReidDataset) -> str:
    """Whether test people are among those that the model was trained on, as far as names and fingerprints tell."""
    trained_on, tells = model.trained_on, ""
    if not trained_on:
        trained_on, tells = guess_training(model.metadata.model, model.metadata.classes)
    remembered = "the scores say how well people are remembered, not how well unseen people are found"
    if part := shared_people(trained_on, dataset.name):
        trained = f"appears to have been trained on {part} ({tells})" if tells else f"was trained on {part}"
        return f"the model {trained}, so on some or all of the test people of {dataset.name}: {remembered}"
    if model.metadata.pixels and not trained_on and not is_drawn(dataset.name):
        return f"it is not known what the model was trained on: if on people of {dataset.name}, {remembered}"
    if model.trained_on != dataset.name:
        return ""
    fingerprint = dataset.fingerprint()
    if model.metadata.training == f"{dataset.name} ({fingerprint})":
        learned = {record.pid for record in dataset.train}
        seen = {record.pid for record in dataset.query if record.pid > 0} & learned
        return f"{len(seen):,} of the people searched for are in the training images: {remembered}" if seen else ""
    if dataset.name.partition("#")[0] in DATASETS:  # whose people are divided in the same way in every copy
        return ""
    return (
        f"the model was trained on {model.metadata.training}, and the fingerprint is {fingerprint} now: if people moved from "
        "training to query or gallery since, it has seen them, and the scores are too high"
    )


def _only_drawn_people(model: OpenModel, dataset: ReidDataset) -> str:
    started_from = model.recipe.model.initial_weights if model.recipe else ""
    if not is_drawn(model.trained_on) or is_drawn(dataset.name) or started_from:
        return ""
    return (
        f"the model has only seen drawn people ({model.trained_on}), so it hardly tells apart those of photographs: use it to "
        "try things out, and weights that were trained on photographs of people for the rest"
    )
