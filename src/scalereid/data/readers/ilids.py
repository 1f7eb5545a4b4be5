"""QMUL i-LIDS as its authors pack it, with ten random splits."""

import re
from collections import Counter
from itertools import groupby
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.random_splits import draw, draw_people
from scalereid.data.records import ReidDataset

ILIDS_SPLITS = 10
_FILES = FileNames("i-LIDS", re.compile(r"(?P<pid>\d{4})\d{3}\.jpg"), example="0001001.jpg")
_TESTED = {"people": 60, "images": 60}
_PUBLISHED = {"train": {"people": 59}, "query": _TESTED, "gallery": _TESTED}
_IMAGES = 476


def read_ilids(root: Path, split: int = 1) -> ReidDataset:
    """i-LIDS (Zheng et al., BMVC 2009): 476 images of 119 people; 59 people for training, 10 random splits.

    `root` is the folder with `Persons`, or one or two above it. The cameras are not known: all images have camera 1, and the
    protocol is `all-cameras`. Of each of the other 60 people one image is a query and another one in the gallery, drawn with
    the split; their other images are not used.

    Raises:
        FileNotFoundError: The folder is missing; the message says where it was looked for.
        ValueError: A file name is not i-LIDS's, a split does not have the published counts, or the split does not exist.
    """
    base = find_folder(root, "i-LIDS", ("i-LIDS_Pedestrian", "ilids/i-LIDS_Pedestrian", "ilids"), ("Persons",))
    left_out: Counter[str] = Counter()
    records = _FILES.read(base / "Persons", left_out)
    if len(records) != _IMAGES:
        raise ValueError(f"ilids: found {len(records)} images in {base / 'Persons'}, but the dataset has {_IMAGES}")
    trained = draw_people((r.pid for r in records), 59, dataset="ilids", split=split, of=ILIDS_SPLITS)
    query, gallery = [], []
    for pid, images in groupby(records, key=lambda record: record.pid):
        if pid not in trained:
            drawn = sorted(images, key=lambda record: draw(f"ilids {split} {record.path.name}"))
            query.append(drawn[0])
            gallery.append(drawn[1])
    train = tuple(record for record in records if record.pid in trained)
    left_out["other images of the test people"] += len(records) - len(train) - len(query) - len(gallery)
    name = f"ilids#{split}"
    dataset = ReidDataset(name, base, train, tuple(query), tuple(gallery), "all-cameras", left_out)
    return check_counts(dataset, _PUBLISHED)
