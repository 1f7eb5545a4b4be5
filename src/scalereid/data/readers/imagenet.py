"""ImageNet (ILSVRC 2012): 1,281,167 training and 50,000 validation images of 1,000 classes."""

from pathlib import Path

from scalereid.data.readers.class_folders import check_class_counts, class_dataset
from scalereid.data.readers.folders import find_folder
from scalereid.data.records import ReidDataset

CLASSES, TRAIN, VALIDATION = 1_000, 1_281_167, 50_000
_FOLDERS = ("imagenet", "ImageNet", "ILSVRC2012", "ILSVRC/Data/CLS-LOC")


def read_imagenet(root: Path) -> ReidDataset:
    """ImageNet (ILSVRC 2012), for classification and to start from: 1,000 classes; scored on the validation images.

    `root`, or `imagenet`, `ImageNet`, `ILSVRC2012` or `ILSVRC/Data/CLS-LOC` within it, contains train/n01440764/… and
    val/n01440764/…: the validation images, too, lie in the folders of their classes.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It has other counts.
    """
    hint = "Unpack each class's tar file into a folder of its name, and sort the validation images into such folders."
    base = find_folder(root, "ImageNet", _FOLDERS, ("train", "val"), hint=hint)
    return check_class_counts(class_dataset("imagenet", base), CLASSES, TRAIN, VALIDATION)
