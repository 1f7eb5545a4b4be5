"""QMUL i-LIDS as its authors pack it, ten random halves."""

import re
from collections import Counter
from itertools import groupby
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.readers.random_splits import draw, draw_people
from scalereid.data.records import ReidDataset

ILIDS_SPLITS = 10
_NAME = re.compile(r"(?P<pid>\d{4})\d{3}\.jpg")
_PUBLISHED = {
    "train": {"people": 59},
    "query": {"people": 60, "images": 60},
    "gallery": {"people": 60, "images": 60},
}
_IMAGES = 476


def read_ilids(root: Path, split: int = 1) -> ReidDataset:
    """i-LIDS (Zheng et al., BMVC 2009): 476 images of 119 people; 59 to train on, 10 random splits.

    `root` is the folder with `Persons`, or one or two above it. Which camera took an image is not known: all have camera 1,
    and the protocol is `all-cameras`. Of each of the other 60 people one image is a query and another one the gallery's,
    drawn with the split; their other images are left out.

    Raises:
        FileNotFoundError: the folder is missing; the message says where it was looked for.
        ValueError: a file's name is not i-LIDS's, a split does not have the published counts, or there is no such split.
    """
    base = find_folder(root, "i-LIDS", ("i-LIDS_Pedestrian", "ilids/i-LIDS_Pedestrian", "ilids"), ("Persons",))
    left_out: Counter[str] = Counter()
    records = read_names(base / "Persons", _NAME, "i-LIDS", "0001001.jpg", left_out)
    if len(records) != _IMAGES:
        raise ValueError(f"ilids: {len(records)} images in {base / 'Persons'}, but the dataset has {_IMAGES}")
    learned = draw_people((r.pid for r in records), 59, dataset="ilids", split=split, of=ILIDS_SPLITS)
    query, gallery = [], []
    for pid, images in groupby(records, key=lambda record: record.pid):
        if pid not in learned:
            drawn = sorted(images, key=lambda record: draw(f"ilids {split} {record.path.name}"))
            query.append(drawn[0])
            gallery.append(drawn[1])
    train = tuple(record for record in records if record.pid in learned)
    left_out["other images of the people to find"] += len(records) - len(train) - len(query) - len(gallery)
    dataset = ReidDataset(
        f"ilids#{split}", base, train, tuple(query), tuple(gallery), protocol="all-cameras", left_out=left_out
    )
    check_counts(dataset.name, _PUBLISHED, dataset.counts())
    return dataset
