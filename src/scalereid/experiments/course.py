"""The course of a training: its epochs, and what is saved, scored and logged after each."""

import time
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypedDict

from scalereid.attributes.scores import AttributeScores
from scalereid.classification.scores import ClassScores
from scalereid.data.batches import TrainingBatches
from scalereid.distributed import is_first, processes
from scalereid.experiments.evaluator import Evaluator
from scalereid.experiments.tensorboard import TensorBoard
from scalereid.progress import Progress
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.checkpoint import save_model
from scalereid.runs.facts import DatasetFacts, TrainedFacts
from scalereid.runs.log import EpochLog
from scalereid.runs.peer import peer_recipe
from scalereid.runs.recipe import Recipe
from scalereid.runs.resume import save_state
from scalereid.runs.run import Run
from scalereid.runs.wiring import Wired
from scalereid.signals import interruption
from scalereid.training import loop
from scalereid.training.exchange import agreed, wait_for_all
from scalereid.training.loop import Callbacks, Interrupted
from scalereid.wording import counted


class Scored(TypedDict, total=False):
    """The scores after an epoch, by their names in the log."""

    scores: Scores | None
    peer_scores: Scores | None
    both_scores: Scores | None
    attribute_scores: AttributeScores | None
    class_scores: ClassScores | None


@dataclass(eq=False)
class Course:
    """A training, which saves and logs each epoch. A run killed in the middle of this repeats the epoch when it is resumed."""

    run: Run
    recipe: Recipe
    dataset: DatasetFacts
    wired: Wired
    evaluator: Evaluator
    tensorboard: TensorBoard | None
    progress: Progress
    epoch_started: float = field(default_factory=time.monotonic)

    def finish(self, batches: TrainingBatches) -> Run:
        """Train to the end of the recipe."""
        recipe, state = self.recipe, self.wired.state
        epochs, size = recipe.schedule.epochs, recipe.data.batch_size
        steps_before = [0, *accumulate(batches.steps(epoch) for epoch in range(epochs))]
        done = steps_before[state.epoch] + state.step
        images = (steps_before[-1] - done) * size
        with interruption(silent=processes() > 1) as stop_requested, self.progress.stage("training", images) as advance:

            def after_steps() -> None:
                nonlocal done
                now = steps_before[state.epoch] + state.step
                advance((now - done) * size, f"epoch {state.epoch + 1}/{epochs}, loss {state.means()['total']:.3f}")
                done = now

            def after_epoch(means: dict[str, float], learning_rate: float) -> None:
                due = state.epoch % recipe.evaluation.every == 0 or state.epoch == epochs
                self.record(means, learning_rate, score_networks(self.evaluator, self.wired) if due else {})

            try:
                loop.train(
                    state,
                    self.wired.step,
                    batches,
                    epochs=epochs,
                    learning_rate=self.wired.learning_rate,
                    callbacks=Callbacks(after_steps=after_steps, after_epoch=after_epoch),
                    stop_requested=lambda: agreed(stop_requested()),
                )
            except Interrupted:
                if is_first():
                    save_state(self.run.state, state)
                wait_for_all()
                raise Interrupted(self.run.folder) from None
        wait_for_all()
        return self.run

    def record(self, losses: dict[str, float], learning_rate: float | None, scored: Scored) -> None:
        """Weights, best weights, log and state, in this order; written by the first of several processes."""
        if not is_first():
            return
        recipe, wired, run = self.recipe, self.wired, self.run
        network, *peers = wired.model.networks
        finished = wired.state.epoch == recipe.schedule.epochs
        also = self.evaluator.score_also(network) if finished else {}
        seconds = round(time.monotonic() - self.epoch_started, 3)
        search = wired.search.search_state() if wired.search else None
        entry = EpochLog(wired.state.epoch, seconds, losses, learning_rate, search=search, also_scores=also, **scored)
        trained, scores = TrainedFacts(entry, self.dataset), entry.scores
        if peers and (peer := peer_recipe(recipe)):
            save_model(run.peer, peers[0], peer, trained)
            save_model(run.both, wired.model, recipe, trained, peer=peer)
        attributes, classes = wired.attribute_layer(), wired.class_layer()
        save_model(run.last, network, recipe, trained, attributes=attributes, classes=classes)
        by_metric = {"mA": entry.attribute_scores, "top-1": entry.class_scores}
        judged = by_metric.get(self.evaluator.metric, scores)
        if judged and self.evaluator.improves(judged):
            save_model(run.best, network, recipe, trained, attributes=attributes, classes=classes)
        if finished:  # what a finished run has, before its log says that it is finished
            save_per_query(run, entry)
            if wired.search and search:
                epochs = counted(recipe.schedule.epochs, "epoch")
                trained_on = f"{self.dataset.name} ({self.dataset.fingerprint}), {epochs}"
                origin = f"{recipe.model.backbone} on {trained_on}, seed {recipe.seed}; {search.verdict()}"
                wired.search.genotype(origin).save(run.genotype)
        run.append(entry)
        save_state(run.state, wired.state)
        if self.tensorboard:
            self.tensorboard.write(entry)
        self.progress.say(entry.line(recipe.schedule.epochs))
        self.epoch_started = time.monotonic()


def save_per_query(run: Run, entry: EpochLog) -> None:
    """Write how well each query finds its person, on every dataset, or each test image its class."""
    on = {run.per_query_on(name): scores.per_query for name, scores in entry.also_scores.items()}
    if entry.scores:
        on[run.per_query] = entry.scores.per_query
    if entry.class_scores and entry.class_scores.ranks is not None:
        on[run.per_query] = PerQuery.of_single_matches(entry.class_scores.ranks)
    for file, results in on.items():
        if results:
            results.save(file)


def score_networks(evaluator: Evaluator, wired: Wired) -> Scored:
    """The scores of the network and of its attributes or classes, and in mutual learning of its peer and of both."""
    network, *peers = wired.model.networks
    if layer := wired.class_layer():
        return Scored(class_scores=evaluator.of_classes(network, layer))
    scores, attributes = evaluator.with_attributes(network, wired.attribute_layer())
    scored = Scored(scores=scores, attribute_scores=attributes)
    if peers:
        scored |= Scored(peer_scores=evaluator(peers[0]), both_scores=evaluator(wired.model))
    return scored
