from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset
from scalereid.data.shapes import ShapeCount
from scalereid.inference.opening import RuntimeOptions, open_model
from scalereid.inference.query_gallery import QueryGallery, embed_splits, live_embedder
from scalereid.models.building import build_model
from scalereid.runs.checkpoint import load_model
from tests.inference.conftest import SIZE, expected

TORCH = RuntimeOptions(runtime="torch")


@pytest.fixture(scope="module")
def images(people: ReidDataset) -> QueryGallery:
    return QueryGallery(people, SIZE)


def test_embeddings_with_their_labels(run: Path, people: ReidDataset, images: QueryGallery) -> None:
    query, gallery = images.embed(open_model(run, TORCH))
    for found, records in ((query, people.query), (gallery, people.gallery)):
        exact = expected(run, [record.path for record in records])
        np.testing.assert_allclose(found.embeddings.numpy(), exact, rtol=1e-3, atol=1e-4)
        assert found.pids.tolist() == [record.pid for record in records]
        assert found.camids.tolist() == [record.camid for record in records]
        assert found.paths == tuple(str(record.path) for record in records)


def test_a_live_model_has_exactly_the_embeddings_of_its_saved_weights(run: Path, images: QueryGallery) -> None:
    model = load_model(run).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    live = images.embed(live_embedder(model), flip=True)
    saved = images.embed(open_model(run, TORCH), flip=True)
    for one, other in zip(live, saved, strict=True):
        assert torch.equal(one.embeddings, other.embeddings)
    assert all(module.training for module in model.modules())  # left as it was, and so are the norms' statistics
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_super_network_in_training() -> None:
    """Its blocks hold the weights of the last step, of which no copy can be made, unless it forgets them."""
    model = build_model("osnet_supernet_sampled", width=0.25, embedding_size=8)
    model(torch.randn(2, 3, 32, 16))
    pixels = torch.randint(0, 256, (2, 32, 16, 3), dtype=torch.uint8)
    found = live_embedder(model).runtime(pixels.numpy())
    with torch.inference_mode():
        exact = model.eval()(normalise(pixels))
    torch.testing.assert_close(torch.from_numpy(found), exact, rtol=1e-3, atol=1e-4)


def test_flip_makes_left_and_right_alike(run: Path, people: ReidDataset, images: QueryGallery) -> None:
    mirrored = QueryGallery(people, SIZE)
    for store in (mirrored.query_images, mirrored.gallery_images):
        assert isinstance(store, ImageStore)
        assert store.pixels is not None
        store.pixels = np.ascontiguousarray(store.pixels[:, :, ::-1])
    model = open_model(run, TORCH)
    one, other = (found.embed(model, flip=True)[0].embeddings for found in (images, mirrored))
    torch.testing.assert_close(one, other)
    plain, plain_mirrored = (found.embed(model)[0].embeddings for found in (images, mirrored))
    assert not torch.allclose(plain, plain_mirrored)
    torch.testing.assert_close(one, plain + plain_mirrored)


def test_a_tracklet_is_the_mean_of_its_images(run: Path, people: ReidDataset, images: QueryGallery) -> None:
    first = people.gallery[0]
    several = [i for i, r in enumerate(people.gallery) if (r.pid, r.camid) == (first.pid, first.camid)]
    assert len(several) > 1
    gallery = tuple(replace(r, tracklet=1) if i in several else r for i, r in enumerate(people.gallery))
    model = open_model(run, TORCH)
    _, plain = images.embed(model)
    query, pooled = QueryGallery(replace(people, gallery=gallery), SIZE).embed(model)
    assert (len(query), len(pooled)) == (16, 32 - len(several) + 1)
    torch.testing.assert_close(pooled.embeddings[0], plain.embeddings[several].mean(dim=0))
    assert pooled.pids[0] == first.pid


def test_splits_give_what_each_gives_alone(run: Path, people: ReidDataset) -> None:
    """Tracklets, and images that are a query in one split and in the gallery in the other."""
    gallery = tuple(replace(record, tracklet=1) for record in people.gallery[:20])
    swapped = replace(people, query=gallery[::-1], gallery=people.query)
    model = open_model(run, TORCH)
    shapes = ShapeCount()
    found = embed_splits(model, [people, swapped], SIZE, shapes=shapes, flip=True)
    assert shapes.images == 48  # each once
    for dataset, both in zip([people, swapped], found, strict=True):
        for one, other in zip(both, QueryGallery(dataset, SIZE).embed(model, flip=True), strict=True):
            torch.testing.assert_close(one.embeddings, other.embeddings)
            assert one.paths == other.paths
            assert torch.equal(one.pids, other.pids)


def test_damaged_weights_are_noticed(run: Path, images: QueryGallery) -> None:
    model = load_model(run)
    with torch.no_grad():
        model.embedding[0].bias[3] = torch.inf  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"the embedding of .*0007_c1_0\.jpg is not finite"):
        images.embed(live_embedder(model))
