"""Image files to augmented batches: images a second of each stage, at 256×128 on any device.

python benchmarks/input_pipeline.py DATASET FOLDER [DEVICE]

Compare the last line with the images a second that a model trains at: the pipeline must be the faster.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from scalereid.assembly import build_batches, read_dataset
from scalereid.data.images import ImageStore
from scalereid.recipe import DataSettings, Recipe

SIZE = (256, 128)


def main(dataset_name: str, root: str, device_name: str = "cpu") -> None:
    device = torch.device(device_name)
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
    }
    for name, data in steps.items():
        recipe = Recipe(data=data)
        batches = build_batches(recipe, records, store, device)
        for epoch in range(2):  # the first warms up
            started = time.perf_counter()
            for images, _ in batches.epoch(epoch):
                last = images
            last.sum().item()  # waits for a GPU
        print(f"batches, {name}: {len(batches) * 64 / (time.perf_counter() - started):,.0f} images/s")


if __name__ == "__main__":
    main(*sys.argv[1:])
