"""Attributes of Market-1501's people: from scratch, from weights of re-identification, and together with it.

    scalereid study studies/attributes.py --data FOLDER --out runs/attributes --results studies/results/attributes.json
    python studies/attributes.py runs/attributes FOLDER

The first command trains (600 people of `market1501-dev`, three seeds) and compares mAP: does re-identification gain from
attributes? The second compares attributes of the runs that are finished: do they gain from weights of re-identification, or
from learning both? Its last columns are the mean accuracies (of those with an attribute and those without) of seven attributes
and their mean, for which a public network of 0.74 M parameters has .751 on the same 2,284 images of 151 people.

Each row is scored twice: attributes predicted from a likelihood of 0.5 on, as published, and from the share of training images
on that have the attribute. The latter is the best choice for mean accuracy, where both kinds of images count alike: whoever is
more likely to wear a hat than people are is said to wear one.

FOLDER holds Market-1501's training images, `market_attribute.mat`, and `weights/osnet_x0_25_msmt17.pth` of torchreid's model
zoo, which never saw Market-1501; SCALEREID_DATA names it, too. All rows have the same number of epochs: EPOCHS, by default 30.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

from scalereid import Row, Run, Study
from scalereid.attributes import read_attributes
from scalereid.attributes.scores import METRICS, AttributeScores, score_attributes
from scalereid.attributes.table import positive_shares
from scalereid.data.reading import read_dataset
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer

EPOCHS = int(os.environ.get("EPOCHS", "30"))
WEIGHTS = str(Path(os.environ.get("SCALEREID_DATA", "data")) / "weights" / "osnet_x0_25_msmt17.pth")
SAME = {"schedule.epochs": EPOCHS, "evaluation.every": EPOCHS, "optimizer.precision": "float32"}
FROM_WEIGHTS = {**SAME, "model.initial_weights": WEIGHTS, "optimizer.name": "amsgrad", "optimizer.lr": 0.0015}

SEVEN = {
    "female": 0.872,  # is male
    "short-lower-body": 0.848,  # long trousers
    "long-hair": 0.833,
    "backpack": 0.782,
    "hat": 0.708,
    "bag": 0.650,
    "short-sleeves": 0.563,  # long sleeves
}
"""Market-1501's attributes with the public network's mean accuracies. Its own names, where they are others, stand behind: an
attribute and its opposite have the same mean accuracy."""

STUDY = Study(
    rows={
        "people": Row("osnet_x0_25_market1501_dev", SAME),
        "attributes": Row("attributes_market1501_dev", SAME),
        "both": Row("attributes_market1501_dev_joint", SAME),
        "people, from weights": Row("osnet_x0_25_market1501_dev", FROM_WEIGHTS),
        "attributes, from weights": Row("attributes_market1501_dev", FROM_WEIGHTS),
        "both, from weights": Row("attributes_market1501_dev_joint", FROM_WEIGHTS),
        "attributes, balanced, from weights": Row(
            "attributes_market1501_dev", FROM_WEIGHTS | {"objective.balanced_attributes": True}
        ),
    },
    seeds=(0, 1, 2),
)


def table(folder: Path, data: Path) -> str:
    """The scores of attributes of the finished runs in a folder, as a Markdown table: means and standard deviations."""
    dataset, labels = read_dataset("market1501-dev", data), read_attributes("market1501", data)
    test = [*dataset.query, *dataset.gallery]
    there, shares = labels.of(test), positive_shares(labels.of(dataset.train).values)
    scores: dict[str, list[AttributeScores]] = defaultdict(list)
    for run in (Run(file.parent) for file in sorted(folder.rglob("recipe.json"))):
        recipe, row = run.recipe(), run.folder.relative_to(folder).parts[0]
        if recipe.data.attributes and any(entry.epoch == recipe.schedule.epochs for entry in run.log()):
            with AttributeRecognizer(run.folder, options=RuntimeOptions(runtime="torch")) as recognize:
                likelihoods = recognize([image.path for image in test])
            scores[row].append(score_attributes(likelihoods, there))
            scores[f"{row}, from shares on"].append(score_attributes((likelihoods >= shares).astype(float), there))
    columns = ["row", "runs", *METRICS, *SEVEN, "mean of seven"]
    lines = [" | ".join(columns), " | ".join(["---"] * len(columns))]
    floor = ["public network", "", *([""] * len(METRICS)), *(f"{value:.1%}" for value in SEVEN.values())]
    lines.append(" | ".join([*floor, f"{mean(SEVEN.values()):.1%}"]))
    for row, found in scores.items():
        cells = [_cell([each.metric(name) for each in found]) for name in METRICS]
        cells += [_cell([each.mean_accuracy([name]) for each in found]) for name in SEVEN]
        cells.append(_cell([each.mean_accuracy([*SEVEN]) for each in found]))
        lines.append(" | ".join([row, str(len(found)), *cells]))
    return "\n".join(f"| {line} |" for line in lines)


def _cell(values: list[float]) -> str:
    return f"{mean(values):.1%}" + (f" ± {100 * stdev(values):.1f}" if values[1:] else "")


if __name__ == "__main__":
    print(table(*map(Path, sys.argv[1:])))
