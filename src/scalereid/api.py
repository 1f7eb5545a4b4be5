"""The public names, in one place; `import scalereid` gives them."""

from scalereid.data import DATASETS
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.experiments.evaluation import Evaluation, evaluate
from scalereid.experiments.options import EvaluationOptions
from scalereid.experiments.study import Row, Study
from scalereid.experiments.training import resume, train
from scalereid.inference.embedder import Embedder
from scalereid.inference.opening import RuntimeOptions
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
from scalereid.retrieval.ranking import Ranking
from scalereid.retrieval.reranking import Reranking, rerank
from scalereid.retrieval.scores import Scores
from scalereid.retrieval.search import SearchResult, search
from scalereid.runs.checkpoint import load_checkpoint, load_model
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.training.objective import Losses

__all__ = [
    "BACKBONES",
    "DATASETS",
    "RECIPES",
    "Calibration",
    "DrawnPairs",
    "Embedder",
    "Evaluation",
    "EvaluationOptions",
    "Found",
    "FoundFiles",
    "Genotype",
    "ImageRecord",
    "LabelledEmbeddings",
    "LabelledPairs",
    "Losses",
    "PerQuery",
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
    "rank",
    "read_pairs",
    "rerank",
    "resume",
    "score",
    "search",
    "search_files",
    "train",
]
