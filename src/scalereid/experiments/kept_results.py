"""Results of finished runs in one small file, to be kept where the runs are not: in a repository, or from another machine."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.classification.scores import ClassScores
from scalereid.experiments.rows import StudyRun
from scalereid.experiments.study_results import Result, results_of
from scalereid.files import read_json, sha256, write
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.typed_json import from_json

_LARGEST = 2**26  # bytes that results of queries may take
_STEPS = 2**16 - 1  # an average precision is kept to 1/65,535


@dataclass(frozen=True)
class PackedQueries:
    """Results of each query: little-endian arrays, compressed by zlib, as base 85."""

    average_precision: str
    """uint16, in steps of 1 / 65,535."""
    first_match: str
    """uint32; 0 for a query without a match."""
    pids: str
    """int32, or int64 where they are wide."""
    wide_pids: bool = False
    """Whether a number of a person needs more than 32 bits."""

    @classmethod
    def pack(cls, queries: PerQuery) -> "PackedQueries":
        """Results of each query, made small."""
        precision = np.nan_to_num(queries.average_precision).clip(0, 1) * _STEPS
        wide = not np.array_equal(queries.pids, queries.pids.astype(np.int32))
        return cls(
            _packed(precision.round().astype("<u2")),
            _packed(queries.first_match.astype("<u4")),
            _packed(queries.pids.astype("<i8" if wide else "<i4")),
            wide,
        )

    def unpack(self) -> PerQuery:
        """The results; average precisions to 1/131,070.

        Raises:
            ValueError: The texts are not what `pack` makes.
        """
        first = _unpacked(self.first_match, "<u4").astype(np.int64)
        precision = _unpacked(self.average_precision, "<u2") / _STEPS
        pids = _unpacked(self.pids, "<i8" if self.wide_pids else "<i4")
        if not len(first) == len(precision) == len(pids):
            raise ValueError(f"per_query has {len(precision)} precisions, {len(first)} ranks and {len(pids)} people")
        return PerQuery(np.where(first > 0, precision, np.nan), first, pids.astype(np.int64))


@dataclass(frozen=True)
class KeptScores:
    """The scores of a finished run on one dataset."""

    fingerprint: str
    """Of the dataset."""
    scores: Scores | ClassScores
    per_query: PackedQueries

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return asdict(self) | {"scores": self.scores.to_json()}


@dataclass(frozen=True)
class KeptResult:
    """The result of a finished run."""

    recipe: Recipe
    targets: dict[str, KeptScores]
    """By the names of the datasets that it was scored on, the recipe's `targets`."""
    seconds: float
    """Time of its epochs."""
    device: str
    torch: str
    """Version."""
    platform: str
    source: str = ""
    """Fingerprint of the dataset that it was trained on; empty for a result that an earlier version kept."""
    code: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the Python files of one's own that the recipe names, by their names without folder."""

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprints that are known of the datasets that it was trained and scored on, by name."""
        source = {self.recipe.data.dataset: self.source} if self.source else {}
        return source | {name: scored.fingerprint for name, scored in self.targets.items()}

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        targets = {name: kept.to_json() for name, kept in self.targets.items()}
        return asdict(self) | {"recipe": self.recipe.to_json(), "targets": targets}

    def check(self) -> None:
        """Check that the recipe makes sense, and that it is the targets' own.

        Raises:
            ValueError: It does not, or is not.
        """
        self.recipe.check()
        if (*self.targets,) != self.recipe.targets:
            raise ValueError(f"targets are {', '.join(self.targets)}, not those of the recipe: {self.recipe.targets}")


class KeptResults:
    """The results in a file, by the names of their runs.

    Raises:
        ValueError: The file holds something else; the message names it, and the value that does not fit.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.runs: dict[str, KeptResult] = {}
        if file.exists():
            values = read_json(file)
            try:
                self.runs = from_json(dict[str, KeptResult], values, "results")
                for kept in self.runs.values():
                    kept.check()
            except ValueError as error:
                raise ValueError(f"{file} does not hold results of a study: {error}") from error

    def __contains__(self, run: StudyRun) -> bool:
        """Whether the result of a run is in the file.

        Raises:
            ValueError: It is the result of another recipe, or of another version of one's own code.
        """
        if run.name not in self.runs:
            return False
        kept = self.runs[run.name]
        if kept.recipe != run.recipe:
            raise ValueError(
                f"{self.file} has a result of {run.name} by another recipe; choose another file for the results of this "
                "study, or remove that result from it"
            )
        for file in filter(Path.is_file, run.recipe.own_files):
            if kept.code.get(file.name) not in (None, sha256(file)):
                raise ValueError(
                    f"{self.file} has a result of {run.name} by another {file}; put that back, choose another file for the "
                    "results of this study, or remove that result from it"
                )
        return True

    def require_same_datasets(self, fingerprints: Mapping[str, str]) -> None:
        """Check that all results are of the same version of each dataset: of that here, whose `fingerprints` are by name.

        Raises:
            ValueError: One is of another version of a dataset, whose scores are not to be compared with those of this one.
        """
        known = dict(fingerprints)
        for name, kept in self.runs.items():
            for dataset, fingerprint in kept.fingerprints.items():
                if known.setdefault(dataset, fingerprint) != fingerprint:
                    where = "here" if dataset in fingerprints else "of other results in it"
                    raise ValueError(
                        f"{self.file} has a result of {name} on another {dataset}: its fingerprint was {fingerprint} and is "
                        f"{known[dataset]} {where}; choose another file for the results of this study, or remove that result "
                        "from it"
                    )

    def add(self, run: StudyRun, out: Path) -> None:
        """Keep the result of a run that is finished in `out`, and write the file."""
        there, results = Run(out / run.name), results_of(run, out)
        if not results:
            raise ValueError(f"{there.folder} is not finished")
        environment, datasets = there.environments()[-1], there.dataset()
        kept = KeptResult(
            recipe=run.recipe,
            targets={
                result.target: KeptScores(facts.fingerprint, result.scores, PackedQueries.pack(result.per_query))
                for result, facts in zip(results, datasets.targets, strict=True)
            },
            seconds=round(sum(entry.seconds for entry in there.log())),
            device=environment.device,
            torch=environment.torch,
            platform=environment.platform,
            source=datasets.source.fingerprint,
            code={file.name: sha256(there.folder / file.name) for file in run.recipe.own_files},
        )
        self.runs[run.name] = kept
        lines = [f"{json.dumps(name)}: {json.dumps(self.runs[name].to_json())}" for name in sorted(self.runs)]
        text = "{\n" + ",\n".join(lines) + "\n}\n"  # a line for each run, so that versions of the file can be compared
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write(self.file, lambda partial: partial.write_text(text, encoding="utf-8"))

    def results(self, run: StudyRun) -> tuple[Result, ...]:
        """The results of a run, one for each target of its recipe; empty if they are not in the file.

        Raises:
            ValueError: The results of its queries are damaged.
        """
        if run not in self:
            return ()
        kept = self.runs[run.name].targets
        try:
            return tuple(Result(name, each.scores, each.per_query.unpack()) for name, each in kept.items())
        except ValueError as error:
            raise ValueError(f"{self.file}, {run.name}: {error}") from error


def _packed(values: NDArray[Any]) -> str:
    return base64.b85encode(zlib.compress(values.tobytes(), 9)).decode()


def _unpacked(text: str, kind: str) -> NDArray[Any]:
    try:
        return np.frombuffer(zlib.decompressobj().decompress(base64.b85decode(text), _LARGEST), kind)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"per_query cannot be unpacked: {error}") from error
