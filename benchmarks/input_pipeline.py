"""Image files to augmented batches: images per second of each stage, at 256×128 on any device.

python benchmarks/input_pipeline.py DATASET FOLDER [DEVICE]

On a CPU say OMP_NUM_THREADS=1 for the rates of one core, and compare with the images per second that a model trains at: the
pipeline must be the faster. With PYTHONPATH set to another copy of src it measures that one.
"""

import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset
from scalereid.data.records import labels
from scalereid.memory import keep_freed_memory
from scalereid.runs.recipe import DataSettings, Recipe
from scalereid.runs.wiring import wire

SIZE = (256, 128)
BATCHES = 100  # of 64 images


def main(dataset_name: str, root: str, device_name: str = "cpu") -> None:
    device = torch.device(device_name)
    keep_freed_memory()  # as the command line does
    records = read_dataset(dataset_name, Path(root)).train
    started = time.perf_counter()
    store = ImageStore([record.path for record in records], SIZE)
    print(f"decode and resize, once: {len(store) / (time.perf_counter() - started):,.0f} images/s")

    started = time.perf_counter()
    order = np.random.default_rng(0).permutation(len(store))
    for start in range(0, len(store), 64):
        store.read(order[start : start + 64])
    print(f"read from the store: {len(store) / (time.perf_counter() - started):,.0f} images/s")

    steps = {
        "flip": DataSettings(flip=0.5),
        "flip + erase": DataSettings(flip=0.5, erase=0.5),
        "flip + crop + erase": DataSettings(flip=0.5, crop=0.5, erase=0.5),
        "flip + crop + patch": DataSettings(flip=0.5, crop=0.5, patch=0.5),
        "flip + crop + patch + jitter": DataSettings(flip=0.5, crop=0.5, patch=0.5, jitter=0.5),
    }
    for name, data in steps.items():
        recipe = Recipe(data=data)
        batches = wire(recipe, labels(records), device).batches(store)
        for epoch in range(2):  # the first warms up
            started = time.perf_counter()
            for images, _ in islice(batches.epoch(epoch), BATCHES):
                last = images
            last.sum().item()  # waits for a GPU
        count = min(batches.steps(epoch), BATCHES)
        print(f"batches, {name}: {count * 64 / (time.perf_counter() - started):,.0f} images/s")


if __name__ == "__main__":
    main(*sys.argv[1:])
