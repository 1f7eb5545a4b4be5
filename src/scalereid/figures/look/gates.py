"""Gates: how much each stream counts, image by image, block by block."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.degrading import shrunk
from scalereid.data.images import as_jpeg, load_image
from scalereid.data.records import ImageRecord
from scalereid.experiments.gates import SCALES, Cluster, cluster_gates, shares, shares_by_size
from scalereid.figures.look.charts import deviation_bar, lines_chart
from scalereid.figures.look.heat import matrix
from scalereid.figures.look.model import LookedAt
from scalereid.figures.look.settings import LookSettings
from scalereid.figures.page import png_uri
from scalereid.figures.pictures import Pictures, describe, filterable
from scalereid.figures.tiles import Tile, in_a_row
from scalereid.wording import counted

EXEMPLARS = 15
"""Number of images shown of a cluster: as many as in OSNet's figure."""
_SHRUNK = 24  # images whose people are made smaller
_WHAT = """<p>A block of these networks computes several streams, each of which sees a square of another size, and sums them
with a weight of each stream in each channel, which depends on the image. A stream's <em>share</em> is its part of all the
weights of a block. The images are clustered by the weights of a block (k-means), and of each cluster those nearest to its
centre are shown.</p>"""


def gates_part(
    models: Sequence[LookedAt], records: Sequence[ImageRecord], settings: LookSettings, pictures: Pictures
) -> str:
    """HTML of the clusters of images by each model's gates, block by block, and of the shares by the person's size.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
        ValueError: An image cannot be read.
    """
    images = [load_image(record.path) for record in records]
    for record in records:
        pictures.add_record(record)
    parts = [_WHAT]
    for model in models:
        parts.append(f"<h3>{escape(model.name)}</h3>")
        fields = model.inspector.receptive_fields
        if not fields:
            parts.append("<p>Its blocks do not weight streams.</p>")
            continue
        weights = model.inspector(images).weights
        parts.append(_overview(fields, weights))
        few = images[:: max(1, len(images) // _SHRUNK)][:_SHRUNK]
        by_size = shares_by_size(model.inspector, few)
        for block, (sides, found, sizes) in enumerate(zip(fields, weights, by_size, strict=True), start=1):
            streams = _squares(sides)
            clusters = cluster_gates(found, settings.clusters, seed=settings.seed)
            content = [
                _shares_table(streams, found, clusters),
                *(_exemplars(number, cluster, records, pictures) for number, cluster in enumerate(clusters, start=1)),
                _channels(streams, found, clusters),
                _by_size(model, block, streams, sizes, few, pictures),
            ]
            is_open = " open" if block == len(fields) else ""
            parts.append(f"<details{is_open}><summary>Block {block}</summary>{''.join(content)}</details>")
    return "\n".join(parts)


def _overview(fields: Sequence[tuple[int, ...]], weights: Sequence[NDArray[np.float32]]) -> str:
    """The mean share of each stream in each block, and how far images deviate from it."""
    rows = []
    for block, (sides, found) in enumerate(zip(fields, weights, strict=True), start=1):
        if block == 1 or sides != fields[block - 2]:
            rows.append(f"<tr><th></th>{_heads(_squares(sides))}</tr>")
        of_images = shares(found)
        cells = "".join(
            f"<td>{mean:.1%}<small>± {100 * deviation:.2f}</small></td>"
            for mean, deviation in zip(of_images.mean(axis=0), of_images.std(axis=0), strict=True)
        )
        rows.append(f'<tr><th scope="row">block {block}</th>{cells}</tr>')
    return f"""<div class="wide"><table class="shares">
<caption>Mean share of each stream, named by the square that it sees in pixels of the block's maps; ±: standard deviation
between images, in percentage points</caption>
{"".join(rows)}</table></div>"""


def _squares(sides: Sequence[int]) -> list[str]:
    return [f"{side}×{side}" for side in sides]


def _heads(streams: Sequence[str]) -> str:
    return "".join(f'<th scope="col">{name}</th>' for name in streams)


def _shares_table(streams: Sequence[str], weights: NDArray[np.float32], clusters: Sequence[Cluster]) -> str:
    """The mean share of each stream, and how those of each cluster deviate from it."""
    mean = shares(weights).mean(axis=0)
    most = max(float(np.abs(cluster.shares - mean).max()) for cluster in clusters)
    rows = [
        f'<tr><th scope="row">all {counted(len(weights), "image")}</th>{"".join(f"<td>{s:.1%}</td>" for s in mean)}</tr>'
    ]
    for number, cluster in enumerate(clusters, start=1):
        cells = "".join(f"<td>{_points(float(d))}{deviation_bar(float(d), most)}</td>" for d in cluster.shares - mean)
        name = f"cluster {number}<small>{counted(len(cluster.images), 'image')}</small>"
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return f"""<div class="wide"><table class="shares">
<caption>Mean share of each stream, and for each cluster the difference to it in percentage points</caption>
<tr><th></th>{_heads(streams)}</tr>
{"".join(rows)}</table></div>"""


def _points(difference: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * difference:+.2f}".replace("-", "−")


def _exemplars(number: int, cluster: Cluster, records: Sequence[ImageRecord], pictures: Pictures) -> str:
    """The images nearest to a cluster's centre."""
    figures = []
    for record in (records[row] for row in cluster.images[:EXEMPLARS]):
        tile = Tile(str(record.path), "found", (f"person {record.pid}", *_camera(record)), describe(record))
        figures.append(f'<div class="item" {filterable(record)}>{pictures.tile(tile)}</div>')
    return f"<h4>Cluster {number}</h4>{in_a_row(figures)}"


def _camera(record: ImageRecord) -> tuple[str, ...]:
    return (f"c{record.camid}",) if record.camid >= 0 else ()


def _channels(streams: Sequence[str], weights: NDArray[np.float32], clusters: Sequence[Cluster]) -> str:
    """Of each cluster the weights by stream and channel, as deviations from the mean of all images."""
    mean = weights.mean(axis=0)
    order = np.argsort(np.tensordot(np.arange(len(streams)), mean / mean.sum(axis=0), axes=1), kind="stable")
    of_clusters = [weights[cluster.images].mean(axis=0) - mean for cluster in clusters]
    even = mean - mean.mean(axis=0)
    rows = [("all images, and how the streams differ in each channel", even, float(np.abs(even).max()))]
    most = max(float(np.abs(each).max()) for each in of_clusters)
    rows += [(f"cluster {n}, and how it differs from all images", each, most) for n, each in enumerate(of_clusters, 1)]
    figures = []
    for words, values, highest in rows:
        drawn = matrix(values[:, order], highest, size=(values.shape[1] * 8, len(streams) * 12))
        alt = f"weights of {len(streams)} streams in {values.shape[1]} channels: {words}"
        caption = f"{words} (colours to ±{highest:.2g})"
        figures.append(
            f'<figure class="matrix"><img src="{png_uri(drawn)}" alt="{escape(alt)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return f"""<h4>Weights by stream and channel</h4>
<p><small>A row for each stream, {" above ".join(streams)}; a column for each channel, those that prefer small squares on the
left. Orange: larger weights, blue: smaller ones.</small></p>
{"".join(figures)}"""


def _by_size(
    model: LookedAt,
    block: int,
    streams: Sequence[str],
    sizes: NDArray[np.float32],
    images: Sequence[Image.Image],
    pictures: Pictures,
) -> str:
    """The shares where people are smaller within their frames."""
    tiles = []
    for scale in sorted(SCALES):
        picture = as_jpeg(shrunk(images[0], scale), quality=80)
        tiles.append(Tile(picture, "found", (f"{scale:.0%}",), f"a picture at {scale:.0%} of its size"))
    alt = f"{model.name}, block {block}: shares of {len(streams)} streams by the size of the person"
    return f"""<h4>By the person's size</h4>
<p><small>{counted(len(images), "picture")}, each made smaller in the middle of its own frame, around it the mean colour of its
edges.</small></p>
<div class="sizes">{lines_chart(SCALES, sizes, streams, below="size of the picture in its frame", alt=alt)}
{pictures.tiles(tiles)}</div>"""
