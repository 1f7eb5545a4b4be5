"""scalereid export: a model as a file for other runtimes."""

from dataclasses import asdict, dataclass
from pathlib import Path

from scalereid.cli.models import TorchModel
from scalereid.cli.options import Flat, RunCode, Switch
from scalereid.cli.terminal import Output
from scalereid.inference.runtimes import Format
from scalereid.wording import counted


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is written."""

    out: Path
    """A .onnx file, a .xml file for OpenVINO, or a .pt2 file for torch."""
    format: Format = "onnx"
    """Format of the file. aotinductor compiles it for processors like this one; the others run anywhere."""
    normalisation: Switch = True
    """Leave normalisation out of the file, which then takes normalised float32, not uint8 pixels."""
    run_code: RunCode = False


def export(source: TorchModel, options: Flat[ExportOptions], output: Flat[Output]) -> None:
    """Write a model for other runtimes, kept only if it computes the same embeddings
    as torch."""
    from scalereid.inference.export.exporting import export as export_model

    exported = export_model(
        source,
        options.out,
        format=options.format,
        normalisation=options.normalisation,
        run_code=options.run_code,
    )
    metadata, agreement = exported.metadata, exported.agreement
    learned = {kind: list(layer.names) if layer else [] for kind, layer in exported.layers._asdict().items()}
    beside = "".join(f"\nbeside them: {len(names):,} {kind}" for kind, names in learned.items() if names)
    height, width = metadata.image_size
    output.say(
        f"{options.out}: {metadata.model}\n"
        f"input: {metadata.input}, {height}×{width}; output: {counted(metadata.embedding_size, 'number')}, not normalised\n"
        f"against torch: largest difference {agreement.difference:.1e} of the longest embedding, smallest cosine "
        f"{agreement.cosine:.7f}\nmodel {metadata.fingerprint}{beside}"
    )
    output.result({"out": str(options.out), "metadata": asdict(metadata), "agreement": agreement._asdict()} | learned)
