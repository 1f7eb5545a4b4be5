"""`score` and `rank` for arrays: what `scalereid.score` and `scalereid.rank` are."""

from scalereid.data.protocols import Protocol
from scalereid.retrieval import APRule, Distance, ranking, scores
from scalereid.retrieval.distances import BLOCK, Embeddings
from scalereid.retrieval.labelled import Numbers, labelled
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.retrieval.ranking import Ranking
from scalereid.retrieval.reranking import Reranking
from scalereid.retrieval.scores import Scores


def score(
    query: Embeddings,
    gallery: Embeddings,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    query_images: Numbers | None = None,
    gallery_images: Numbers | None = None,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    ap_rule: APRule = "at-matches",
    rerank: Reranking | None = None,
    max_rank: int = 50,
    seed: int = 0,
    block: int = BLOCK,
) -> Scores:
    """Score query embeddings (q, d) against gallery embeddings (g, d): mAP, mINP and CMC.

    The gallery is ranked by distance for each query, equal distances in gallery order. Gallery images of pid −1 (junk) take
    no part; pid 0 (distractors) are other people. A query without a match is counted in `queries_without_match` and in no
    score. At most `block` distances are held at a time, as float32; on a GPU and with `single-gallery-shot` at least those of
    16 queries, on a GPU some 80 bytes for each. Float32 memory maps are read piece by piece and never copied.

    Args:
        query: Embeddings of the queries, one row per image or tracklet.
        gallery: Embeddings of the gallery, likewise.
        query_pids: (q,) the person of each query.
        gallery_pids: (g,) the person of each gallery image.
        query_camids: (q,) the camera of each query.
        gallery_camids: (g,) the camera of each gallery image.
        query_images: (q,) image ids, by which `all-cameras` recognises a query in the gallery. Without them, no image is taken
            to be in both.
        gallery_images: (g,) image ids of the gallery.
        distance: `cosine` or `euclidean`.
        protocol: `market1501` (Zheng et al., ICCV 2015) leaves out images of the query's person from the query's camera;
            `all-cameras` only the query's own image, for data of one camera; `single-gallery-shot` (CUHK03's classic protocol,
            Li et al., CVPR 2014) is market1501 with the CMC among one random image of each gallery person, mean of 10 draws.
        ap_rule: Average precision of a query: the mean of the precision `at-matches`, or by the `trapezoid` rule of Oxford's
            buildings (Philbin et al., CVPR 2007), as Market-1501's first MATLAB code and layumi's baseline do.
        rerank: Rank by k-reciprocal distances instead (Zhong et al., CVPR 2017), made row by row.
        max_rank: Length of the CMC.
        seed: Seed of the draws of `single-gallery-shot`.
        block: Number of distances held at a time.

    Raises:
        ValueError: No query has a match (the message says which rule removed them); one side is empty; lengths or widths
            differ; values are NaN or infinite; a query is junk; or a setting is unknown.
    """
    return scores.score(
        labelled(query, query_pids, query_camids, images=query_images, name="query"),
        labelled(gallery, gallery_pids, gallery_camids, images=gallery_images, name="gallery"),
        distance=distance,
        protocol=protocol,
        ap_rule=ap_rule,
        rerank=rerank,
        max_rank=max_rank,
        seed=seed,
        block=block,
    )


def rank(
    query: Embeddings,
    gallery: Embeddings | PreparedGallery,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    query_images: Numbers | None = None,
    gallery_images: Numbers | None = None,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    top: int = 10,
    block: int = BLOCK,
) -> Ranking:
    """The `top` nearest gallery images of each query among those that the protocol does not leave out.

    Labels and settings are those of `score`; a `PreparedGallery` is faster from the second call on. To search without
    labels, see `search`.

    Raises:
        ValueError: `top` is below 1, or what `score` says of bad input.
    """
    return ranking.rank(
        labelled(query, query_pids, query_camids, images=query_images, name="query"),
        labelled(gallery, gallery_pids, gallery_camids, images=gallery_images, name="gallery"),
        distance=distance,
        protocol=protocol,
        top=top,
        block=block,
    )
