import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset
from scalereid.inference.embedding import embed, pool_tracklets
from scalereid.models.building import build_model


@pytest.fixture
def store(people: ReidDataset) -> ImageStore:
    return ImageStore([record.path for record in people.query], (64, 32))


def test_rows_follow_the_images_whatever_the_batch_size(store: ImageStore) -> None:
    model = build_model("osnet_x0_25").train()
    done: list[int] = []
    embeddings = embed(model, store, batch_size=5, advance=done.append)
    assert embeddings.shape == (16, 512)
    assert done == [5, 5, 5, 1]
    assert model.training  # left as it was
    model.eval()
    with torch.no_grad():
        for i in range(16):
            torch.testing.assert_close(
                embeddings[i], model(normalise(store.read(np.array([i]))))[0], rtol=1e-4, atol=1e-6
            )


def test_flip_makes_left_and_right_alike(store: ImageStore, people: ReidDataset) -> None:
    model = build_model("osnet_x0_25").eval()
    mirrored = ImageStore([record.path for record in people.query], (64, 32))
    assert mirrored.pixels is not None
    mirrored.pixels = mirrored.pixels.flip(2)
    torch.testing.assert_close(embed(model, store, flip=True), embed(model, mirrored, flip=True))
    assert not torch.allclose(embed(model, store), embed(model, mirrored))
    torch.testing.assert_close(embed(model, store, flip=True), embed(model, store) + embed(model, mirrored))


def test_damaged_weights_are_noticed(store: ImageStore) -> None:
    model = build_model("osnet_x0_25")
    with torch.no_grad():
        model.embedding[0].bias[3] = torch.inf  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"the embedding of .*0007_c1_0\.jpg is not finite"):
        embed(model, store)


def test_a_tracklet_is_the_mean_of_its_images() -> None:
    embeddings = torch.tensor([[1.0, 2.0], [10.0, 0.0], [3.0, 4.0], [20.0, 0.0], [0.0, 7.0]])
    pooled = pool_tracklets(embeddings, np.array([0, 1, 0, 1, 2]))
    assert pooled.tolist() == [[2.0, 3.0], [15.0, 0.0], [0.0, 7.0]]
