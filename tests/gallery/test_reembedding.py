import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scalereid.gallery.forgetting import forget
from scalereid.gallery.gallery import Gallery
from scalereid.gallery.history import History
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger, ModelChangedError
from scalereid.inference.embedder import Embedder
from scalereid.runs.run import Run
from tests.gallery.test_gallery import RULE, TORCH, crops, filled, gallery  # noqa: F401 - fixtures
from tests.inference.conftest import cache, own_cache, run  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def other_run(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The same run with other weights."""
    folder = tmp_path_factory.mktemp("other") / "run"
    shutil.copytree(run, folder)
    file, generator = Run(folder).last, torch.Generator().manual_seed(1)
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    changed = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator) if name.endswith("weight") else value
        for name, value in load_file(file).items()
    }
    save_file(changed, file, metadata)
    return folder


def test_a_gallery_takes_another_model(gallery: Gallery, other_run: Path, crops: Path) -> None:  # noqa: F811
    number, anna, old = gallery.ledger.count(), gallery.enrol([1, 2], "Anna"), gallery.model
    done = gallery.reembed(other_run)
    assert (done.embedded, done.without_picture) == (number, [])
    assert gallery.model.number == done.model != old.number
    embedder = Embedder(other_run, runtime="torch")
    vector = gallery.ledger.vector(done.model, 1)
    assert vector is not None
    assert vector.tolist() == pytest.approx(embedder(gallery.sightings([1])[1].seen.source)[0].tolist(), abs=1e-6)
    assert [*gallery.ledger.vectors(old.number)] == []
    assert not list(Path(gallery.where).rglob(f"{old.fingerprint}/*"))
    assert gallery.identities.of == {1: anna, 2: anna}
    assert gallery.check() == []
    again = Gallery(gallery.where, options=TORCH)
    assert again.search(min(crops.rglob("*.jpg"))).matches[0].sighting.number == 1
    assert again.add(crops, RULE).there == number


def test_another_process_takes_the_new_model_and_who_is_embedding_goes_on(
    gallery: Gallery,  # noqa: F811
    other_run: Path,
    run: Path,  # noqa: F811
    crops: Path,  # noqa: F811
) -> None:
    picture, other = min(crops.rglob("*.jpg")), Gallery(gallery.where, options=TORCH)
    old = other.embedder()
    named = Gallery(gallery.where, model=run, options=TORCH)
    named.search(picture)
    gallery.reembed(other_run)
    assert other.search(picture).matches[0].similarity == pytest.approx(1, abs=1e-5)
    assert other.embedder().metadata.fingerprint == gallery.model.fingerprint != old.metadata.fingerprint
    assert old(picture).shape == (1, 32)  # by a request that was under way
    for _ in range(2):
        with pytest.raises(ValueError, match=f"has the fingerprint {old.metadata.fingerprint}, but the gallery's"):
            named.search(picture)


class StoppedError(Exception):
    pass


def test_what_was_stopped_is_made_again(gallery: Gallery, other_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Until it is done the model that was there goes on; then nothing is computed twice."""
    monkeypatch.setattr("scalereid.gallery.reembedding._AT_ONCE", 5)
    own, times, embed = gallery.model, 0, Ledger.embed

    def stop(*given: Any) -> int:
        nonlocal times
        times += 1
        if times == 3:
            raise StoppedError
        return embed(*given)

    monkeypatch.setattr(Ledger, "embed", stop)
    with pytest.raises(StoppedError):
        gallery.reembed(other_run)
    monkeypatch.undo()
    assert gallery.model == own
    assert len(gallery.similar(1, top=99).matches) == gallery.ledger.count() - 1
    assert gallery.reembed(other_run).embedded == gallery.ledger.count() - 10


def test_what_has_no_picture_is_told(gallery: Gallery, other_run: Path, crops: Path) -> None:  # noqa: F811
    (lost,) = gallery.forget(sightings=[3])
    assert lost == 3
    (number,) = gallery.add(crops, RULE, keep_crops=False).numbers
    assert gallery.reembed(other_run).without_picture == [number]
    assert gallery.check() == [
        f"1 sighting cannot be found, as no embedding by the model is there ({number}, …): embed them (reembed), or forget them"
    ]
    expected = (
        f"sighting {number} has no embedding by the gallery's model: embed it .*, forget it and add its picture again"
    )
    with pytest.raises(ValueError, match=expected):
        gallery.similar(number)
    gallery.forget(sightings=[number])
    with pytest.raises(ValueError, match=f"No such sighting: {number}"):
        gallery.similar(number)


def test_a_picture_that_is_damaged_is_named(gallery: Gallery, other_run: Path) -> None:  # noqa: F811
    with gallery.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE crops SET jpeg = x'00' WHERE sighting = 3")
    with pytest.raises(ValueError, match="^the picture of sighting 3 cannot be read as an image"):
        gallery.reembed(other_run)


@pytest.mark.parametrize("name", ["crop", "embed"])
def test_what_is_forgotten_meanwhile_is_left_out(
    gallery: Gallery,  # noqa: F811
    other_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Before its picture is read, and after."""
    number, own = gallery.ledger.count(), getattr(Ledger, name)

    def forget_first(*given: Any) -> Any:
        monkeypatch.undo()
        forget(History(gallery.ledger.engine), sightings=[2, 5])  # as another process does
        return own(*given)

    monkeypatch.setattr(Ledger, name, forget_first)
    assert gallery.reembed(other_run).embedded == number - 2
    assert gallery.check() == []


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("by", ["picture", "sighting"])
def test_embeddings_of_two_models_are_not_compared(
    gallery: Gallery,  # noqa: F811
    other_run: Path,
    crops: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    by: str,
    is_late: bool,
) -> None:
    """The gallery gets another model before its index is searched, or after."""
    picture, search = min(crops.rglob("*.jpg")), ExactIndex.search

    def reembed_meanwhile(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        hits = search(*given, **named) if is_late else None
        Gallery(gallery.where, options=TORCH).reembed(other_run)
        return hits or search(*given, **named)

    monkeypatch.setattr(ExactIndex, "search", reembed_meanwhile)
    with pytest.raises(ModelChangedError, match="was given another model while it was searched; search again"):
        gallery.search(picture) if by == "picture" else gallery.similar(1)
    assert gallery.search(picture).matches[0].sighting.number == 1


@pytest.mark.parametrize("name", ["embed", "set"])
def test_what_is_added_meanwhile_is_embedded_too(
    gallery: Gallery,  # noqa: F811
    other_run: Path,
    crops: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """By another process: after it was found out what is missing, and at the last moment."""
    other, number, before = Gallery(gallery.where, options=TORCH), gallery.ledger.count(), gallery.model.number
    own = getattr(Ledger, name)
    with Image.open(min(crops.rglob("*.jpg"))) as image:
        image.rotate(180).save(tmp_path / "new.png")

    def add_first(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        assert len(other.add(tmp_path / "new.png").numbers) == 1
        return own(*given, **named)

    monkeypatch.setattr(Ledger, name, add_first)
    assert gallery.reembed(other_run).embedded == number + 1
    assert gallery.check() == []
    with pytest.raises(
        ModelChangedError, match="was given another model while pictures were embedded .*; add them again"
    ):
        gallery.ledger.add(before, [])
