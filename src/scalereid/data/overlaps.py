"""What is known of published datasets that show the same people: training on one, and scores on another."""

import re

from scalereid.data.toy import TOY_SETS

_HELD_OUT = ("market1501-dev", "market1501-dev-cameras", "market1501-all")
_SHARED: dict[str, tuple[str, ...]] = {  # trained on, and scored on: test people among the training people
    "market1501": (*_HELD_OUT, "mars"),
    "market1501-500k": (*_HELD_OUT, "mars"),
    "market1501-dev": ("market1501-all", "mars"),
    "market1501-dev-cameras": ("market1501-all", "mars"),
    "mars": ("market1501", "market1501-500k", *_HELD_OUT),  # "a video extension of Market-1501", divided anew
    "msmt17-all": ("msmt17", "msmt17-trainval"),
    "cuhk02": ("cuhk01",),  # its first pair of cameras is CUHK01
    "prid2011": ("prid2011-video",),  # other halves of the same people
    "prid2011-video": ("prid2011",),
    "cuhk03-np": ("cuhk03-classic", "cuhk03-pair1", "cuhk03-pair1-all"),
    "cuhk03-classic": ("cuhk03-np", "cuhk03-pair1", "cuhk03-pair1-all"),
    "cuhk03-pair1": ("cuhk03-np", "cuhk03-classic", "cuhk03-pair1-all"),  # its random splits
}
_BY_CLASSES = {  # people to train on, hence classes of a classifier
    751: "market1501",
    702: "dukemtmc-reid",
    1_041: "msmt17",
    4_101: "msmt17-all",
    767: "cuhk03-np-detected",
    1_367: "cuhk03-classic-detected",
    625: "mars",
}
_BY_WORDS = {  # in the names of torchreid's files
    "msmt17_combineall": "msmt17-all",
    "msmt17": "msmt17",
    "market": "market1501",
    "duke": "dukemtmc-reid",
    "cuhk03": "cuhk03-np-detected",
}


def shared_people(trained_on: str, scored_on: str) -> str:
    """Name of the part of the training dataset whose people are, all or some, among the other's test people; empty for none.

    Takes names of datasets, of a training dataset also `A+B`.

    >>> shared_people("cuhk01#1+market1501", "market1501-dev"), shared_people("market1501-dev", "market1501")
    ('market1501', '')
    """
    scored, scored_split = _people(scored_on)
    for part in trained_on.split("+"):
        trained, split = _people(part)
        if scored in _SHARED.get(trained, ()) or (trained == scored and split != scored_split):
            return part
    return ""


def require_unseen(trained_on: str, scored_on: str) -> None:
    """Check that a dataset to score on shows no people of the dataset that is trained on, as far as their names tell.

    Raises:
        ValueError: Some or all of its test people are among those that are trained on.
    """
    if part := shared_people(trained_on, scored_on):
        raise ValueError(
            f"{part} is trained on, and so some or all of the test people of {scored_on}: the scores would say how well people "
            "are remembered, not how well unseen people are found; choose another dataset to score on"
        )


def _people(name: str) -> tuple[str, str]:
    """Whose people a dataset shows, whoever drew the boxes, and the number of its split."""
    if name == "cuhk03-pair1":  # divided as the new protocol divides them
        return "cuhk03-np", ""
    people, _, split = name.partition("#")
    return re.sub(r"^(cuhk03-\w+)-(detected|labelled)$", r"\1", people), split


def is_drawn(name: str) -> bool:
    """Whether a dataset, or every part of `A+B`, shows drawn people rather than photographs."""
    drawn = {*TOY_SETS, *(toy.folder for toy in TOY_SETS.values())}
    return all(part in drawn for part in name.split("+"))


def guess_training(file_name: str, classes: int | None) -> tuple[str, str]:
    """The published dataset on which released weights appear to have been trained, and what tells; empty if nothing does.

    >>> guess_training("osnet_x0_25_market1501.pth", None)
    ('market1501', "its file's name contains market")
    >>> guess_training("weights.pth", 1041)
    ('msmt17', 'its classifier has 1,041 classes')
    """
    if classes in _BY_CLASSES:
        return _BY_CLASSES[classes], f"its classifier has {classes:,} classes"
    for word, dataset in _BY_WORDS.items():
        if re.search(word, file_name, re.IGNORECASE):
            return dataset, f"its file's name contains {word}"
    return "", ""
