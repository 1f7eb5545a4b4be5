from pathlib import Path

from scalereid.data.readers.sensereid import read_sensereid
from scalereid.data.records import Counts
from tests.data.readers.files import touch


def test_probe_and_gallery(tmp_path: Path) -> None:
    for folder, people, images in (("test_probe", 522, 1_040), ("test_gallery", 1_717, 3_388)):
        names = [f"{pid:05d}_{camid}.jpg" for camid in (0, 1) for pid in range(people)]
        touch(tmp_path / "SenseReID" / folder, names[:images])  # some people have one camera
    assert read_sensereid(tmp_path).counts() == {
        "train": Counts(0, 0, 0),
        "query": Counts(522, 1_040, 2),
        "gallery": Counts(1_717, 3_388, 2),
    }
