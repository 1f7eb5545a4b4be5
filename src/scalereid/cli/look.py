"""scalereid look: one page that looks into a model, or two side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from scalereid.cli.models import TorchModel, run_of
from scalereid.cli.options import DatasetOptions, Device, Flat, RunCode, otherwise
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing
from scalereid.figures.look.settings import LookSettings, What


@dataclass(frozen=True, kw_only=True)
class LookOptions(DatasetOptions):
    """What is looked at, and where the page is written."""

    other: Annotated[str | None, otherwise("none"), arg(metavar="MODEL")] = None
    """A second run or weights file, to be shown beside the first."""
    out: Annotated[Path | None, otherwise("report/look.html in the run")] = None
    """The page, one HTML file with its pictures in it."""
    device: Device = "auto"
    run_code: RunCode = False


@dataclass(frozen=True, kw_only=True)
class PartOptions:
    """What the page shows, and how much of it."""

    what: Annotated[tuple[What, ...], otherwise("all that the models have")] = ()
    """Parts of the page."""
    images: Annotated[int | None, otherwise("12, 300 for gates, 24 for attributes, 60 queries, 160 on the map")] = None
    """Number of images of each part."""
    stages: Annotated[tuple[int, ...], otherwise("all")] = ()
    """Stages whose activation maps are shown, from 1 on."""
    clusters: int = 4
    """Number of clusters of images by their gates."""
    top: int = 8
    """Number of gallery images shown for each query."""
    blur: float = 0.02
    """Standard deviation of the blur, as a share of the picture's height."""
    occlusion: float = 0.4
    """Share of the picture's height that is hidden, from below."""
    gamma: float = 2.0
    """Exponent by which pictures are darkened."""
    seed: int = 0
    """Seed of clusters and map."""


def look(source: TorchModel, options: Flat[LookOptions], parts: Flat[PartOptions], output: Flat[Output]) -> None:
    """Write a page that looks into a model, or two side by side: where their
    feature maps are large, how their gates weight the streams, which attributes
    they recognise, what they find for blurred, occluded and dark queries, and
    which people are near to each other."""
    from scalereid.figures.look.page import Sources, write_look

    settings = LookSettings(**vars(parts))
    if not (run_of(source) or options.out):
        raise ValueError(f"{source} is not a run to keep a page in; name a file: out=page.html")
    page = options.out or Path(source) / "report" / "look.html"
    models = (source, options.other) if options.other else (source,)
    sources = Sources(
        models=models, data=options.data, dataset=options.dataset, device=options.device, run_code=options.run_code
    )
    with writing(page):
        looked = write_look(page, sources, settings, output.progress)
    output.caution(looked.cautions)
    output.say(f"\n{looked}\n{looked.terms}\n\nLook at it: {page}")
    output.result({"page": str(page), **looked.to_json()})
