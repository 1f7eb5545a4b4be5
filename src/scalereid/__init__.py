"""Person re-identification with features at every scale."""

from scalereid.data import DATASETS
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.inference.embedder import Embedder
from scalereid.models import BACKBONES
from scalereid.models.building import build_model
from scalereid.models.genotype import Genotype
from scalereid.recipes import RECIPES
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.ranking import Ranking, rank
from scalereid.retrieval.reranking import Reranking, rerank
from scalereid.retrieval.scores import Scores, score
from scalereid.runs.checkpoint import load_checkpoint, load_model
from scalereid.runs.recipe import Recipe
from scalereid.training.objective import Losses

__version__ = "0.1.0"
__all__ = [
    "BACKBONES",
    "DATASETS",
    "RECIPES",
    "Calibration",
    "Embedder",
    "Genotype",
    "ImageRecord",
    "Losses",
    "Ranking",
    "Recipe",
    "ReidDataset",
    "Reranking",
    "Scores",
    "build_model",
    "load_checkpoint",
    "load_model",
    "rank",
    "rerank",
    "score",
]
