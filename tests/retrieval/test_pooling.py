import numpy as np
import torch

from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.pooling import pool_people, pool_tracklets


def test_a_tracklet_is_the_mean_of_its_images() -> None:
    embeddings = torch.tensor([[1.0, 2.0], [10.0, 0.0], [3.0, 4.0], [20.0, 0.0], [0.0, 7.0]])
    pooled = pool_tracklets(embeddings, np.array([0, 1, 0, 1, 2]))
    assert pooled.tolist() == [[2.0, 3.0], [15.0, 0.0], [0.0, 7.0]]


def test_queries_of_a_person_and_camera_are_pooled() -> None:
    embeddings = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0], [0.0, 7.0]], np.float32)
    pooled = pool_people(labelled(embeddings, [9, 4, 9, 9], [1, 1, 1, 2], images=[5, 6, 7, 8], paths=list("abcd")))
    assert pooled.embeddings.tolist() == [[3.0, 0.0], [0.5, 2.5], [0.0, 7.0]]
    assert (pooled.pids.tolist(), pooled.camids.tolist()) == ([4, 9, 9], [1, 1, 2])
    assert pooled.images is not None and pooled.images.tolist() == [6, 5, 8]
    assert pooled.paths == ("b", "a", "d")
