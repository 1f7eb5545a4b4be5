from pathlib import Path

from scalereid.data.readers.first_images import first_of_each_camera
from scalereid.data.records import ImageRecord


def test_the_first_of_each_person_and_camera() -> None:
    rows = [(1, 1), (1, 1), (2, 1), (1, 2), (2, 1), (1, 1), (1, 2)]
    records = [ImageRecord(Path(f"{i}.jpg"), pid, camid) for i, (pid, camid) in enumerate(rows)]
    first, others = first_of_each_camera(iter(records))
    assert [r.path.stem for r in first] == ["0", "2", "3"]
    assert [r.path.stem for r in others] == ["1", "4", "5", "6"]
    assert first_of_each_camera([]) == ((), ())
