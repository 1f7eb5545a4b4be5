import shutil
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.gallery.answers import Answer
from scalereid.gallery.audit import searches
from scalereid.gallery.constraints import Constraints
from scalereid.gallery.filters import Filter
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.naming import NameRule
from scalereid.gallery.sightings import Seen
from scalereid.inference.embedder import Embedder
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.search import search
from tests.gallery.conftest import START
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def crops(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery images of the drawn people, in a folder for each camera, with times in their names."""
    folder = tmp_path_factory.mktemp("crops")
    for minute, record in enumerate(people.gallery):
        time = START + timedelta(minutes=minute)
        file = folder / f"cam{record.camid}" / f"p{record.pid}_{time:%Y%m%d_%H%M%S}.jpg"
        file.parent.mkdir(exist_ok=True)
        shutil.copy(record.path, file)
    return folder


TORCH = RuntimeOptions(runtime="torch")
RULE = NameRule(camera_from=r"cam(\d+)", time_from="%Y%m%d_%H%M%S")


@pytest.fixture(scope="session")
def filled(run: Path, crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A gallery of these pictures. Not to be changed."""
    folder = tmp_path_factory.mktemp("filled") / "people.gallery"
    with Gallery.create(folder, run, options=TORCH) as gallery:
        gallery.add(crops, RULE)
    return folder


@pytest.fixture
def gallery(filled: Path, tmp_path: Path) -> Gallery:
    shutil.copytree(filled, tmp_path / "people.gallery")
    return Gallery(tmp_path / "people.gallery", options=TORCH, by="me")


def test_pictures_are_added_once(gallery: Gallery, crops: Path, people: ReidDataset) -> None:
    files = sorted(map(str, crops.rglob("*.jpg")))
    assert gallery.ledger.count() == len(files) == len(people.gallery)
    seen = gallery.sightings([1])[1].seen
    assert seen.source == files[0]
    assert f"cam{seen.camera}" in files[0]
    assert seen.time is not None and f"{seen.time:%Y%m%d_%H%M%S}" in files[0]
    assert gallery.ledger.crop(1) == Path(files[0]).read_bytes()
    again = gallery.add(crops, RULE)
    assert (again.numbers, again.there, again.errors) == ([], len(files), {})


def test_what_cannot_be_added_is_named(gallery: Gallery, tmp_path: Path, crops: Path) -> None:
    good, new = next(crops.rglob("*.jpg")), tmp_path / "cam1_20260302_000000.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (500, 100, 3), np.uint8)).save(new)
    (tmp_path / "cam1_20260302_000001.jpg").write_bytes(good.read_bytes()[:500])
    (tmp_path / "cam1.jpg").write_bytes(b"no name, no picture")
    files = [
        str(tmp_path / name) for name in ("cam1_20260302_000001.jpg", "cam1.jpg", "cam1_20260302_000002.jpg", new.name)
    ]
    added = gallery.add([*files, good], RULE)
    assert (len(added.numbers), added.there) == (1, 1)
    assert [*added.errors] == [files[1], files[2], files[0]]
    assert "no time like" in added.errors[files[1]]
    assert "No such file" in added.errors[files[2]]
    assert files[0] in added.errors[files[0]]
    kept = gallery.ledger.crop(added.numbers[0])
    assert kept is not None
    (tmp_path / "kept.jpg").write_bytes(kept)
    with Image.open(tmp_path / "kept.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (77, 384))
    without = gallery.add([str(good.parent / good.name)], RULE, keep_crops=False)
    assert without.there == 1


@pytest.mark.parametrize(
    ("size", "kept"),
    [((70_000, 10), (8_192, 1)), ((70_000, 1_000), (8_192, 117)), ((10, 70_000), (1, 384)), ((1, 1), (1, 1))],
)
def test_a_picture_of_any_shape_is_kept(gallery: Gallery, size: tuple[int, int], kept: tuple[int, int]) -> None:
    """Also one that is wider than a JPEG file can be."""
    (number,) = gallery.add_crops([Image.new("RGB", size)], [Seen("x")]).numbers
    crop = gallery.ledger.crop(number)
    assert crop is not None
    with Image.open(BytesIO(crop)) as image:
        assert image.size == kept


def test_names_that_are_not_utf8_are_named(gallery: Gallery, crops: Path, tmp_path: Path) -> None:
    """The other pictures are added, whatever bytes a file's name has."""
    new, odd = tmp_path / "new.png", tmp_path / "cam\udce9.png"
    with Image.open(min(crops.rglob("*.jpg"))) as image:
        image.rotate(180).save(new)
        odd.write_bytes(new.read_bytes())
        for seen in (Seen("x", camera="\ud800"), Seen("x", track="\ud800"), Seen("x", attributes={"\ud800": 0.5})):
            (why,) = gallery.add_crops([image], [seen]).errors.values()
            assert why.startswith(r"'\ud800' is not UTF-8")
    added = gallery.add(tmp_path)
    assert str(new) in [gallery.sightings(added.numbers)[number].seen.source for number in added.numbers]
    assert added.errors == {str(odd): f"{str(odd)!r} is not UTF-8, as a gallery keeps names; give it another one"}


def test_people_are_cut_out_of_what_a_table_lists(gallery: Gallery, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (120, 200, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "frame.png")
    rows = ["path,camera,track,left,top,right,bottom,attribute.bag", "frame.png,yard,1,10,20,50,110,0.9"]
    rows += ["frame.png,yard,2,100,20,999,110,0.1", "frame.png,yard,3,300,20,310,110,"]
    (tmp_path / "boxes.csv").write_text("\n".join(rows))
    added = gallery.add(tmp_path / "boxes.csv")
    assert [*added.errors] == [f"{tmp_path / 'frame.png'}, box (300.0, 20.0, 310.0, 110.0)"]
    first, second = (gallery.sightings(added.numbers)[number] for number in added.numbers)
    assert (first.seen.camera, first.seen.track, first.seen.box) == ("yard", "1", (10.0, 20.0, 50.0, 110.0))
    for number, (left, right) in zip(added.numbers, ((10, 50), (100, 200)), strict=True):
        vector = gallery.ledger.vector(1, number)
        assert vector is not None
        own = gallery.embedder()(Image.fromarray(pixels[20:110, left:right]))[0]
        assert vector.tolist() == pytest.approx(own.tolist(), abs=1e-5)
    assert gallery.ledger.select(Filter(attributes={"bag": 0.5})).tolist() == [first.number]
    found = gallery.find(own[None], where=Filter(attributes={"bag": 0.1}), top=9).matches
    assert [match.sighting.number for match in found] == [second.number, first.number]
    assert (gallery.add(tmp_path / "boxes.csv").there, gallery.add(tmp_path / "frame.png").there) == (2, 0)
    with pytest.raises(ValueError, match="is a table, which lists cameras"):
        gallery.add(tmp_path / "boxes.csv", RULE)


def test_a_frame_that_was_replaced_is_read_anew(gallery: Gallery, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (2, 100, 60, 3), np.uint8)
    (tmp_path / "boxes.csv").write_text("path,left,top,right,bottom\nframe.png,0,0,40,90\n")
    for own in pixels:
        Image.fromarray(own).save(tmp_path / "frame.png")
        (number,) = gallery.add(tmp_path / "boxes.csv").numbers
        vector = gallery.ledger.vector(1, number)
        assert vector is not None
        expected = gallery.embedder()(Image.fromarray(own[:90, :40]))[0]
        assert vector.tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    (tmp_path / "boxes.jsonl").write_text('{"path": "frame.png", "box": [0, 0, 40, 90]}')
    assert gallery.add(tmp_path / "boxes.jsonl").there == 1


def test_pictures_in_memory_are_added_with_what_is_known(gallery: Gallery) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (2, 90, 40, 3), np.uint8)
    seen = [Seen("a tracker", "yard", START, track=str(i)) for i in range(2)]
    added = gallery.add_crops([*pixels[..., ::-1]], seen, channels="BGR")
    assert [gallery.sightings(added.numbers)[number].seen for number in added.numbers] == seen
    vector = gallery.ledger.vector(1, added.numbers[1])
    assert vector is not None
    assert vector.tolist() == pytest.approx(gallery.embedder()(pixels[1])[0].tolist(), abs=1e-5)
    assert gallery.add_crops([Image.fromarray(pixels[1])], seen[:1]).there == 1
    assert gallery.ledger.crop(added.numbers[0])
    with pytest.raises(ValueError, match="there are 2 images, and of 1 it is said"):
        gallery.add_crops([*pixels], seen[:1])


def test_a_search_finds_what_a_scan_finds(gallery: Gallery, people: ReidDataset, crops: Path, run: Path) -> None:  # noqa: F811
    query = people.query[0].path
    found = gallery.search(query, top=7, purpose="a test")
    embedder = Embedder(run, runtime="torch")
    files = sorted(map(str, crops.rglob("*.jpg")))
    expected = search(embedder(query), embedder(files), 7)
    assert [match.sighting.seen.source for match in found.matches] == [files[i] for i in expected.indices[0]]
    assert [match.similarity for match in found.matches] == pytest.approx(expected.similarities[0].tolist(), abs=1e-5)
    cameras = {str(people.query[0].camid)}
    elsewhere = gallery.search(query, where=Filter(not_cameras=(*cameras,)), top=50)
    assert {match.sighting.seen.camera for match in elsewhere.matches} & cameras == set()
    assert len(elsewhere.matches) == len(gallery.ledger.select(Filter(not_cameras=(*cameras,))))


def test_answers_follow_what_is_said(gallery: Gallery, people: ReidDataset) -> None:
    gallery.ledger.calibrate(gallery.model.number, calibration(gallery).to_text())
    first = gallery.search(people.query[0].path, top=5)
    numbers = [match.sighting.number for match in first.matches]
    assert first.verdict == "unknown" and first.candidates == ()
    anna = gallery.enrol(numbers[:2], "Anna")
    known = gallery.search(people.query[0].path, top=5)
    assert (known.candidates[0].name, known.verdict) == ("Anna", "likely")
    assert known.matches[0].name == "Anna"
    gallery.reject(anna, [numbers[0]])
    assert gallery.identities.of == {numbers[1]: anna}
    assert numbers[1] not in [match.sighting.number for match in gallery.similar(numbers[0], top=50).matches]
    gallery.undo()
    assert gallery.identities.of == {numbers[0]: anna, numbers[1]: anna}
    ben = gallery.split(anna, [numbers[1]], "Ben")
    gallery.rename(ben, "Benno")
    gallery.undo()
    gallery.undo()
    assert [*gallery.identities.by_number] == [anna]
    other = gallery.enrol(numbers[2:4])
    before = gallery.identities.of.copy()
    event = gallery.merge(anna, [other])
    assert {*gallery.identities.of.values()} == {anna}
    gallery.undo(event.number)
    assert gallery.identities.of == before
    assert [event.by for event in gallery.history.events()] == ["me"] * len(gallery.history.events())
    with pytest.raises(ConflictError, match="does not exist"):
        gallery.confirm(99, numbers)


def test_nobody_is_in_two_places_at_once(gallery: Gallery, people: ReidDataset) -> None:
    """Pictures are a minute apart; with a limit of a week all of another camera are of somebody else."""
    here, week = gallery.sightings([1])[1].seen, 7 * 24 * 3600
    found = gallery.similar(1, top=99).matches
    beside = [match.sighting.number for match in found if match.sighting.seen.camera == here.camera]
    other = next(match.sighting.number for match in found if match.sighting.seen.camera != here.camera)
    assert 0 < len(beside) < len(found)
    gallery.constraints = Constraints(seconds=week)
    assert gallery.constraints == Constraints(seconds=week)

    def numbers(answer: Answer) -> list[int]:
        return [match.sighting.number for match in answer.matches]

    assert numbers(gallery.similar(1, top=99)) == beside
    query = people.query[0].path
    assert {*numbers(gallery.search(query, top=99, seen=here))} == {1, *beside}
    assert len(numbers(gallery.search(query, top=99))) == gallery.ledger.count()
    gallery.enrol([beside[0], other])  # who was elsewhere, so that the other sighting shows somebody else, too
    assert numbers(gallery.similar(1, top=99)) == beside[1:]
    gallery.confirm(gallery.identities.of[other], [1])  # unless somebody says that they are one
    assert {*numbers(gallery.similar(1, top=99))} == {*beside, other}


def test_numbers_may_be_numpys(gallery: Gallery) -> None:
    numbers = gallery.ledger.select()
    anna = gallery.enrol(numbers[:3], "Anna")  # type: ignore[arg-type]
    gallery.confirm(np.int64(anna), numbers[3:4])  # type: ignore[arg-type]
    assert gallery.identities.of == dict.fromkeys(numbers[:4].tolist(), anna)
    assert [*gallery.sightings(numbers[:2])] == numbers[:2].tolist()  # type: ignore[arg-type]
    assert len(gallery.similar(numbers[0], top=3).matches) == 3
    known = gallery.similar(numbers[0], among=np.array([anna]), top=9)  # type: ignore[arg-type]
    assert {match.identity for match in known.matches} == {anna}
    assert gallery.forget(sightings=numbers[:2]) == numbers[:2].tolist()  # type: ignore[arg-type]
    assert gallery.check() == []


@pytest.mark.parametrize(
    ("say", "problem"),
    [
        (lambda g: g.enrol("12"), "sightings has '1'; expected a whole number"),
        (lambda g: g.enrol([1.0]), "sightings has 1.0; expected a whole number"),
        (lambda g: g.enrol([True]), "sightings has True; expected a whole number"),
        (lambda g: g.enrol([]), "there is nothing to enrol; name at least one sighting"),
        (lambda g: g.enrol([1], None), "name is None; expected text"),
        (lambda g: g.merge(1, "23"), "others has '2'; expected a whole number"),
        (lambda g: g.undo("1"), "event has '1'; expected a whole number"),
        (lambda g: g.forget(sightings="12"), "sightings has '1'"),
        (lambda g: g.similar(1, among="knwon"), "among is 'knwon'; choose all, known, unknown"),
    ],
)
def test_what_cannot_be_said_leaves_nothing(gallery: Gallery, say: Callable[[Gallery], Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        say(gallery)
    assert Gallery(gallery.where).history.events() == []
    assert gallery.check() == []


@pytest.mark.parametrize("top", [0, -1, 2.5])
def test_what_cannot_be_searched_is_not_recorded(gallery: Gallery, people: ReidDataset, top: Any) -> None:
    refused = f"top is {top}; expected a whole number"
    with pytest.raises(ValueError, match=refused):
        gallery.similar(1, top=top)
    with pytest.raises(ValueError, match=refused):
        gallery.search(people.query[0].path, top=top)
    assert searches(gallery.ledger.engine) == []


def test_proposals_are_accepted_as_events(gallery: Gallery) -> None:
    pytest.importorskip("sklearn")
    (proposal,) = gallery.group(similarity=-0.99).proposals
    assert proposal.sightings == tuple(gallery.ledger.select().tolist())
    anna = gallery.accept(proposal).number
    assert {*gallery.identities.of.values()} == {anna}
    gallery.undo()
    ben = gallery.enrol([2], "Ben")
    (proposal,) = gallery.group(similarity=-0.99).proposals
    assert (proposal.identity, proposal.name) == (ben, "Ben")
    gallery.accept(proposal)
    assert {*gallery.identities.of.values()} == {ben}
    with pytest.raises(ValueError, match="at least 20 people"):
        gallery.calibrate()


def calibration(gallery: Gallery) -> Calibration:
    return Calibration(
        "cosine", "net", gallery.model.fingerprint, "toy", "logistic", ((0.0, 9.0), (1.0, 3.0)), 0.5, same_pairs=9,
        different_pairs=9, points=(),
    )  # fmt: skip


def test_forgetting_leaves_nothing(gallery: Gallery, people: ReidDataset, crops: Path) -> None:
    found = gallery.search(people.query[0].path, top=3)
    numbers = [match.sighting.number for match in found.matches]
    pictures = [gallery.ledger.crop(number) for number in numbers]
    vectors = [gallery.ledger.vector(1, number) for number in numbers]
    anna = gallery.enrol(numbers, "Anna Anonyma")
    assert gallery.forget(identity=anna) == sorted(numbers)
    content = b"".join(file.read_bytes() for file in Path(gallery.where).rglob("*") if file.is_file())
    for picture, vector, match in zip(pictures, vectors, found.matches, strict=True):
        assert picture is not None and vector is not None
        assert picture[-200:-50] not in content and vector[:20].tobytes() not in content
        assert Path(match.sighting.seen.source).name.encode() not in content
    assert b"Anonyma" not in content
    assert not set(numbers) & {m.sighting.number for m in gallery.search(people.query[0].path, top=99).matches}
    assert gallery.add(crops, RULE).there == len(people.gallery) - 3  # they may be added again


def test_embeddings_of_another_model_are_refused(gallery: Gallery, tmp_path: Path) -> None:
    other = Gallery(Path(gallery.where), model=tmp_path / "gone", options=TORCH)
    with pytest.raises(FileNotFoundError, match="the gallery's model is not at .*gone any more; name it anew"):
        other.search(tmp_path / "x.jpg")
    with gallery.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE models SET fingerprint = 'aaaaaaaaaaaa'")
    with pytest.raises(ValueError, match="they cannot be compared; use that model, or embed the gallery again"):
        Gallery(Path(gallery.where), options=TORCH).search(tmp_path / "x.jpg")


def test_what_is_not_a_gallery(tmp_path: Path, run: Path) -> None:  # noqa: F811
    with pytest.raises(FileNotFoundError, match="No gallery at .*nowhere; create one first"):
        Gallery(tmp_path / "nowhere")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(FileExistsError):
        Gallery.create(tmp_path / "there", run)
    with pytest.raises(FileNotFoundError):
        Gallery.create(tmp_path / "new", tmp_path / "no model")
    assert not (tmp_path / "new").exists()


def test_likelihoods_are_filters(crops: Path, tmp_path: Path, attribute_run: Path) -> None:
    """Each new sighting gets them, but for what its table says of an attribute itself."""
    first = min(crops.rglob("*.jpg"))
    (tmp_path / "x.csv").write_text(f"path,attribute.hat\n{first},1\n")
    with (
        AttributeRecognizer(attribute_run, options=TORCH) as recognizer,
        Gallery.create(tmp_path / "new.gallery", attribute_run, options=TORCH) as gallery,
    ):
        gallery.add(tmp_path / "x.csv", recognizer=recognizer)
        gallery.add(crops, recognizer=recognizer)
        with Image.open(first) as image:
            gallery.add_crops([image.rotate(180)], [Seen("turned")], recognizer=recognizer)
        sightings = gallery.sightings(range(1, gallery.ledger.count() + 1)).values()
        likelihoods = {sighting.seen.source: sighting.seen.attributes for sighting in sightings}
        files = [str(path) for path in crops.rglob("*.jpg")]
        for file, (hat, bag) in zip(files, recognizer(files).tolist(), strict=True):
            assert likelihoods[file]["hat"] == (1 if file == str(first) else pytest.approx(hat, abs=1e-4))
            assert likelihoods[file]["bag"] == pytest.approx(bag, abs=1e-4)
        assert {*likelihoods["turned"]} == {"hat", "bag"}
        certain = gallery.search(first, top=50, where=Filter(attributes={"hat": 0.999}))
        assert [match.sighting.seen.source for match in certain.matches] == [str(first)]
