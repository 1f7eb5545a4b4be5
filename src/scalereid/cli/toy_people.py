"""The drawn people, which commands draw by themselves where a dataset's name asks for them."""

from pathlib import Path

from scalereid.data.names import named_datasets
from scalereid.data.toy import TOY_SETS, draw_toy_once
from scalereid.progress import Progress


def draw_toy_people(data: Path, progress: Progress, *datasets: str) -> None:
    """Draw those of the datasets that are drawn, into the folders where they will be read."""
    for name, _, folder in (named for dataset in datasets for named in named_datasets(dataset)):
        if name in TOY_SETS:
            progress.say(f"{name} people are drawn into {data / folder} (a minute), unless they are there already …")
            draw_toy_once(data / folder, name)
