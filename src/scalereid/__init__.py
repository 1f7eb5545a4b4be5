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
    from scalereid.data import DATASETS
    from scalereid.data.records import ImageRecord, ReidDataset
    from scalereid.detection.detector import Detection, Detector, open_detector
    from scalereid.experiments.evaluation import Evaluation, evaluate
    from scalereid.experiments.options import EvaluationOptions
    from scalereid.experiments.study import Row, Study
    from scalereid.experiments.training import resume, train
    from scalereid.gallery.gallery import Gallery as Gallery
    from scalereid.inference.embedder import Embedder
    from scalereid.inference.opening import RuntimeOptions
    from scalereid.inference.pixel_format import PixelFormat as PixelFormat
    from scalereid.inference.recognizer import AttributeRecognizer as AttributeRecognizer
    from scalereid.inference.search_files import Found, FoundFiles, search_files
    from scalereid.models import BACKBONES
    from scalereid.models.building import build_model
    from scalereid.models.genotype import Genotype
    from scalereid.recipes import RECIPES
    from scalereid.retrieval.answers import LabelledPairs, read_pairs
    from scalereid.retrieval.arrays import rank, score
    from scalereid.retrieval.calibration import Calibration
    from scalereid.retrieval.drawing import DrawnPairs, draw_pairs
    from scalereid.retrieval.labelled import LabelledEmbeddings
    from scalereid.retrieval.per_query import PerQuery
    from scalereid.retrieval.prepared import PreparedGallery as PreparedGallery
    from scalereid.retrieval.ranking import Ranking
    from scalereid.retrieval.reranking import Reranking, rerank
    from scalereid.retrieval.scores import Scores
    from scalereid.retrieval.search import SearchResult, search
    from scalereid.runs.checkpoint import load_checkpoint, load_model
    from scalereid.runs.recipe import Recipe
    from scalereid.runs.run import Run
    from scalereid.training.objective import Losses

__version__ = "0.1.0"
__all__ = [
    "BACKBONES",
    "DATASETS",
    "RECIPES",
    "AttributeRecognizer",
    "Calibration",
    "Detection",
    "Detector",
    "DrawnPairs",
    "Embedder",
    "Evaluation",
    "EvaluationOptions",
    "Found",
    "FoundFiles",
    "Gallery",
    "Genotype",
    "ImageRecord",
    "LabelledEmbeddings",
    "LabelledPairs",
    "Losses",
    "PerQuery",
    "PixelFormat",
    "PreparedGallery",
    "Ranking",
    "Recipe",
    "ReidDataset",
    "Reranking",
    "Row",
    "Run",
    "RuntimeOptions",
    "Scores",
    "SearchResult",
    "Study",
    "build_model",
    "draw_pairs",
    "evaluate",
    "load_checkpoint",
    "load_model",
    "open_detector",
    "rank",
    "read_pairs",
    "rerank",
    "resume",
    "score",
    "search",
    "search_files",
    "train",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, whose module is imported when it is first used: what needs no torch does not wait for it."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(MODULES[name]), name)
        return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
