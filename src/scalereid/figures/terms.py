"""The terms on the pages, each explained in the words of docs/reference/glossary.md."""

from scalereid.retrieval.calibration import Calibration

TERMS = {
    "mAP": "mean of the queries' average precision (AP); high if all matches come first",
    "AP": "average precision of a query: the mean, over its matches, of the share of matches among the images up to each one",
    "mINP": "mean inverse negative penalty: the mean, over queries, of the number of matches divided by the rank of the last "
    "one",
    "rank-k": "share of queries with a match among the k nearest gallery images",
    "CMC": "cumulative matching characteristic: rank-1, rank-2, … as a curve",
    "similarity": "cosine of the angle between two embeddings, 1 − the cosine distance: at most 1, larger is more similar",
}
"""What each term means, in one line."""


def meaning_of_probabilities(calibration: Calibration) -> str:
    """What the percentages beside images are, in a sentence."""
    return (
        f"Per cent: the probability of the same person, calibrated on {calibration.dataset}, where {calibration.prior:.2%} of "
        "all pairs show the same person."
    )
