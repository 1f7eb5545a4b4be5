from pathlib import Path

import pytest

from scalereid.data.readers import imagenet
from scalereid.data.readers.imagenet import read_imagenet
from tests.conftest import draw_classes


def test_folders_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_classes(tmp_path / "ILSVRC" / "Data" / "CLS-LOC", train=2, test=1)
    with pytest.raises(
        ValueError, match="found 3 classes, 6 training and 3 test images, but the dataset has 1,000 classes"
    ):
        read_imagenet(tmp_path)
    for name, value in (("CLASSES", 3), ("TRAIN", 6), ("VALIDATION", 3)):
        monkeypatch.setattr(imagenet, name, value)
    (tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "test").mkdir()  # whose classes are not published
    assert (read_imagenet(tmp_path).name, len(read_imagenet(tmp_path).classes)) == ("imagenet", 3)
