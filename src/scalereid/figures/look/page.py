"""The page itself: its parts, the tools that filter it, and all that is loaded and computed for them."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from scalereid.data.images import load_image
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset, one_per_tracklet
from scalereid.data.terms import terms_of_use
from scalereid.experiments.degraded import Retrieved, degradations, retrieve_degraded
from scalereid.experiments.evaluation import evaluate, own_dataset
from scalereid.experiments.options import EvaluationOptions
from scalereid.figures.browsing import DIALOG, NO_SCRIPT, browse_script, browse_style, filter_tools
from scalereid.figures.look.activation import activation_part
from scalereid.figures.look.attributes import attributes_part
from scalereid.figures.look.chosen import of_people, spread
from scalereid.figures.look.embedding_map import map_part
from scalereid.figures.look.gates import gates_part
from scalereid.figures.look.model import LookedAt
from scalereid.figures.look.retrieval import Answered, retrieval_part
from scalereid.figures.look.settings import LookSettings, What
from scalereid.figures.neighbours import embeddings_by_file, nearest_pictures
from scalereid.figures.page import write_page
from scalereid.figures.pictures import Pictures
from scalereid.figures.ranked_lists import evenly_spaced
from scalereid.inference.inspector import Inspector
from scalereid.inference.opening import RuntimeOptions
from scalereid.progress import Progress
from scalereid.retrieval.plane import require_layout

_TITLES: dict[What, str] = {
    "activation": "Activation maps",
    "gates": "Gates",
    "attributes": "Likelihoods of attributes",
    "retrieval": "Retrieval of degraded queries",
    "map": "Map of embeddings",
}
_BESIDE = Path(__file__).parent
_NUMBERS: dict[What, int] = {"activation": 12, "gates": 300, "attributes": 24, "retrieval": 60, "map": 160}
"""Number of images of each part by default."""
_MOST_ON_MAP = 1000
"""Number of pictures on a map at most: of more, each pair of which may hide each other, moving them apart takes minutes."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What is looked at: a model or two, and a dataset."""

    models: tuple[str, ...]
    """One or two: runs, or weights files of ours or torchreid's."""
    data: Path
    """Folder of the datasets."""
    dataset: str | None = None
    """Name of the dataset. Defaults to the one that the first model was scored on."""
    device: str = "auto"
    run_code: bool = False
    """Allow models that run code of their own when they are loaded."""


@dataclass(frozen=True)
class Looked:
    """What a page shows."""

    models: tuple[str, ...]
    """Name of each model on the page."""
    dataset: str
    parts: tuple[What, ...]
    pictures: int
    """Number of different pictures."""
    terms: str
    """Terms of use of the pictures."""
    cautions: tuple[str, ...] = ()
    """Sentences that say why the scores may mean less than they seem to."""
    retrieved: tuple[tuple[Retrieved, ...], ...] = ()
    """Of each model what it found under each degradation; empty without that part."""

    def to_json(self) -> dict[str, Any]:
        """All but the ranked lists, as JSON values."""
        found = [
            {
                "model": model,
                "degradation": each.degradation.name,
                "amount": each.degradation.words,
                "queries": each.scores.queries,
                "mAP": each.scores.mAP,
                "rank1": each.scores.rank(1),
            }
            for model, retrieved in zip(self.models, self.retrieved, strict=False)
            for each in retrieved
        ]
        return {name: value for name, value in vars(self).items() if name != "retrieved"} | {"retrieval": found}

    def __str__(self) -> str:
        lines = [
            f"{model}: " + ", ".join(f"{each.degradation.name} {each.scores.mAP:.2%}" for each in retrieved)
            for model, retrieved in zip(self.models, self.retrieved, strict=False)
        ]
        queries = f"mAP of {self.retrieved[0][0].scores.queries:,} queries on {self.dataset}" if self.retrieved else ""
        return "\n".join([*([queries] if queries else []), *lines])


def write_look(
    file: Path, sources: Sources, settings: LookSettings = LookSettings(), progress: Progress | None = None
) -> Looked:
    """Write one HTML page with pictures of what one or two models do on a dataset.

    Raises:
        FileNotFoundError: A model or the dataset does not exist.
        ValueError: A model is an exported file, or has no gates, attributes or no such stage though they are asked for; the
            message says what to do.
        ModuleNotFoundError: scikit-learn is not installed, for gates and the map.
    """
    return _Page(sources, settings, progress or Progress.silent()).write(file)


class _Page:
    """Models and dataset, loaded, and the parts of the page as they are made."""

    def __init__(self, sources: Sources, settings: LookSettings, progress: Progress) -> None:
        self.sources, self.settings, self.progress = sources, settings, progress
        self.what = settings.what or get_args(What)
        if {"gates", "map"} & {*self.what}:
            require_layout()
        self.models = [
            LookedAt(letter, Inspector(model, device=sources.device, run_code=sources.run_code))
            for letter, model in zip("AB", sources.models, strict=False)
        ]
        names = " or ".join(model.name for model in self.models)
        if not any(model.inspector.receptive_fields for model in self.models):
            self._leave_out("gates", f"no block of {names} weights streams; leave it out")
        if not any(model.inspector.attributes for model in self.models):
            self._leave_out(
                "attributes",
                f"no attributes were learned by {names}; leave it out, or give a run or a weights file that was trained with "
                "objective.attributes",
            )
        first = self.models[0].inspector.metadata
        self.name = sources.dataset or own_dataset(first, run_code=sources.run_code)
        self.dataset: ReidDataset = read_dataset(self.name, sources.data)
        if self.dataset.classes:
            raise ValueError(f"{self.name} has classes, not people who are found again; name a dataset of people")
        if not self.dataset.gallery or not (self.dataset.query or self.what == ("attributes",)):
            raise ValueError(f"{self.name} has no query or no gallery images; all parts but attributes need both")
        self.pictures = Pictures()
        self.cautions: tuple[str, ...] = ()
        self.retrieved: tuple[tuple[Retrieved, ...], ...] = ()
        self.known: dict[str, NDArray[np.float32]] = {}  # embeddings by file, of the first model

    def write(self, file: Path) -> Looked:
        make = {
            "activation": self._activation, "gates": self._gates, "attributes": self._attributes,
            "retrieval": self._retrieval, "map": self._map,
        }  # fmt: skip
        parts = []
        for part in self.what:
            self.progress.say(f"{_TITLES[part].lower()} …")
            parts.append(f'<section id="{part}"><h2>{_TITLES[part]}</h2>\n{make[part]()}</section>')
        body = "\n".join([self._head(), *parts, DIALOG, self.pictures.data(self._nearest())])
        style, script = (_BESIDE.joinpath(f"look.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
        title = f"A look into {' and '.join(model.inspector.metadata.model for model in self.models)}"
        terms, names = terms_of_use(self.name), tuple(model.name for model in self.models)
        write_page(file, title, body, style=browse_style() + style, script=browse_script() + script, terms=terms)
        return Looked(names, self.dataset.name, self.what, len(self.pictures), terms, self.cautions, self.retrieved)

    def _leave_out(self, part: What, why: str) -> None:
        """Leave out a part that no model has, unless it is asked for."""
        if part in self.settings.what:
            raise ValueError(f"what has {part}, but {why}")
        self.what = tuple(each for each in self.what if each != part)

    def _head(self) -> str:
        links = " · ".join(f'<a href="#{part}">{_TITLES[part]}</a>' for part in self.what)
        names = "; ".join(escape(model.name) for model in self.models)
        records = self.pictures.records()
        return f"""<p>{names}, on {escape(self.dataset.name)}.</p>
<nav>{links}</nav>
{NO_SCRIPT}
{filter_tools(records)}"""

    def _number(self, part: What) -> int:
        return self.settings.images or _NUMBERS[part]

    def _activation(self) -> str:
        records = spread(one_per_tracklet(self.dataset.query), self._number("activation"))
        return activation_part(self.models, records, self.settings.stages, self.pictures)

    def _gates(self) -> str:
        return gates_part(self.models, of_people(self.dataset, self._number("gates")), self.settings, self.pictures)

    def _attributes(self) -> str:
        images = self.dataset.query or self.dataset.gallery  # for attributes alone there may be no queries
        records = spread(one_per_tracklet(images), self._number("attributes"))
        return attributes_part(self.models, records, self.dataset, self.sources.data, self.pictures)

    def _retrieval(self) -> str:
        settings, sources = self.settings, self.sources
        changes = degradations(blur=settings.blur, occlusion=settings.occlusion, gamma=settings.gamma)
        runtime = RuntimeOptions(runtime="torch", device=sources.device, run_code=sources.run_code)
        answered, options = list[Answered](), EvaluationOptions()
        for model, source in zip(self.models, sources.models, strict=True):
            found = evaluate(
                source, data=sources.data, dataset=self.name, options=options, runtime=runtime, progress=self.progress
            )
            # As the first model is scored, so is the second: their scores are side by side.
            options = EvaluationOptions(distance=found.scores.distance, protocol=found.scores.protocol)
            rows = evenly_spaced(self._number("retrieval"), len(found.query))
            of_each = [retrieve_degraded(found, rows, change, top=settings.top) for change in changes]
            answered.append(Answered(model.name, found, of_each))
        self.cautions = tuple(f"{each.name}: {words}" for each in answered for words in each.evaluation.cautions)
        self.retrieved = tuple(tuple(each.found) for each in answered)
        self.known |= embeddings_by_file(answered[0].evaluation)
        return retrieval_part(answered, rows, self.pictures)

    def _map(self) -> str:
        records = of_people(self.dataset, min(self._number("map"), _MOST_ON_MAP))
        images = [load_image(record.path) for record in records]
        embeddings = [model.inspector(images).embeddings for model in self.models]
        self.known |= dict(zip((str(record.path) for record in records), embeddings[0], strict=True))
        return map_part([*zip(self.models, embeddings, strict=True)], records, self.pictures, seed=self.settings.seed)

    def _nearest(self) -> dict[str, list[str]]:
        """For each picture of a record those nearest to it, by the first model."""
        files = [str(record.path) for record in self.pictures.records()]
        if missing := [file for file in files if file not in self.known]:
            found = self.models[0].inspector([load_image(Path(file)) for file in missing])
            self.known |= dict(zip(missing, found.embeddings, strict=True))
        return nearest_pictures({file: self.known[file] for file in files})
