"""PA-100K's attributes (Liu et al., ICCV 2017): 26 of each image."""

from pathlib import Path

from scalereid.attributes.table import AttributeTable, Key, path_key
from scalereid.data.readers.pa100k import SPLITS, find_pa100k, load_annotation

_ATTRIBUTES = 26


def read_pa100k_attributes(root: Path) -> AttributeTable:
    """The 26 attributes of all images of PA-100K, by the image: its people are not known.

    Raises:
        FileNotFoundError: The dataset is not there.
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: The annotation is damaged.
    """
    folder = find_pa100k(root)
    annotation = load_annotation(folder.annotation)
    names = tuple(annotation.attributes)
    rows: dict[Key, list[int]] = {}
    for split in SPLITS:
        images = [path_key(folder.images / name) for name in annotation.images[split]]
        values = annotation.labels[split]
        if values.shape != (len(images), _ATTRIBUTES) or len(names) != _ATTRIBUTES:
            raise ValueError(f"{folder.annotation}: {split}_label is {values.shape}, not {(len(images), _ATTRIBUTES)}")
        rows |= dict(zip(images, values.tolist(), strict=True))
    return AttributeTable(names, rows)
