"""Person re-identification with features at every scale.

Find people in pictures, with a run, torchreid's released weights or an exported file:

    import scalereid

    with scalereid.Embedder("runs/demo") as embedder:
        people = embedder("data/toy-1/*_c1_0.jpg")  # a pattern, a folder, files, arrays or tensors
        pictures = embedder("data/toy-1/*_c2_*.jpg")
    found = scalereid.search(people, pictures, top=3)
    print(found.indices[0], found.similarities[0])  # rows of pictures, most similar first

Say what a similarity means, once `scalereid calibrate` has measured it for this run:

    calibration = scalereid.Calibration.load("runs/demo/calibration.json")
    print(calibration.probability(1 - found.similarities[0]))  # that two pictures show one person

`scalereid.train` and `scalereid.evaluate` train and score a model; `dir(scalereid)` lists all public names.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scalereid.api import MODULES

if TYPE_CHECKING:
    from scalereid.data import DATASETS as DATASETS
    from scalereid.data.records import ImageRecord as ImageRecord
    from scalereid.data.records import ReidDataset as ReidDataset
    from scalereid.experiments.evaluation import Evaluation as Evaluation
    from scalereid.experiments.evaluation import evaluate as evaluate
    from scalereid.experiments.options import EvaluationOptions as EvaluationOptions
    from scalereid.experiments.study import Row as Row
    from scalereid.experiments.study import Study as Study
    from scalereid.experiments.training import resume as resume
    from scalereid.experiments.training import train as train
    from scalereid.inference.embedder import Embedder as Embedder
    from scalereid.inference.opening import RuntimeOptions as RuntimeOptions
    from scalereid.inference.search_files import Found as Found
    from scalereid.inference.search_files import FoundFiles as FoundFiles
    from scalereid.inference.search_files import search_files as search_files
    from scalereid.models import BACKBONES as BACKBONES
    from scalereid.models.building import build_model as build_model
    from scalereid.models.genotype import Genotype as Genotype
    from scalereid.recipes import RECIPES as RECIPES
    from scalereid.retrieval.answers import LabelledPairs as LabelledPairs
    from scalereid.retrieval.answers import read_pairs as read_pairs
    from scalereid.retrieval.arrays import rank as rank
    from scalereid.retrieval.arrays import score as score
    from scalereid.retrieval.calibration import Calibration as Calibration
    from scalereid.retrieval.drawing import DrawnPairs as DrawnPairs
    from scalereid.retrieval.drawing import draw_pairs as draw_pairs
    from scalereid.retrieval.labelled import LabelledEmbeddings as LabelledEmbeddings
    from scalereid.retrieval.per_query import PerQuery as PerQuery
    from scalereid.retrieval.ranking import Ranking as Ranking
    from scalereid.retrieval.reranking import Reranking as Reranking
    from scalereid.retrieval.reranking import rerank as rerank
    from scalereid.retrieval.scores import Scores as Scores
    from scalereid.retrieval.search import SearchResult as SearchResult
    from scalereid.retrieval.search import search as search
    from scalereid.runs.checkpoint import load_checkpoint as load_checkpoint
    from scalereid.runs.checkpoint import load_model as load_model
    from scalereid.runs.recipe import Recipe as Recipe
    from scalereid.runs.run import Run as Run
    from scalereid.training.objective import Losses as Losses

__version__ = "0.1.0"
__all__ = [*MODULES]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, whose module is imported when it is first used: what needs no torch does not wait for it."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(MODULES[name]), name)
        return found


def __dir__() -> list[str]:
    return [*MODULES, "__version__"]
