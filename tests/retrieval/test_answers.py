from pathlib import Path

import numpy as np
import pytest

from scalereid.retrieval.answers import COLUMNS, LabelledPairs, read_pairs


def write(folder: Path, *lines: str) -> Path:
    file = folder / "pairs.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_what_the_page_saves(tmp_path: Path) -> None:
    pairs = read_pairs(
        write(tmp_path, ",".join(COLUMNS), '"/a,1.jpg",b.jpg,same,0.1,2.5,abc', "c.jpg,b.jpg,,0.25,40,abc")
    )
    assert pairs.first == (Path("/a,1.jpg"), tmp_path / "c.jpg")
    assert pairs.second == (tmp_path / "b.jpg", tmp_path / "b.jpg")
    assert pairs.answers == ("same", "")
    assert pairs.weights.tolist() == [2.5, 40]
    assert pairs.distances is not None
    assert pairs.distances.tolist() == [0.1, 0.25]
    assert pairs.model_fingerprint == "abc"
    assert pairs.counts == {"same": 1, "different": 0, "unsure": 0, "": 1}


def test_ones_own_file_needs_three_columns(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, "answer,first,second", "Same,a.jpg,b.jpg", "different ,a.jpg,c.jpg"))
    assert pairs.answers == ("same", "different")
    assert pairs.weights.tolist() == [1, 1]
    assert pairs.distances is None
    assert pairs.model_fingerprint == ""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["first,answer", "a,same"], r"pairs\.csv has no column second; its first line names first, answer; expected"),
        (["first,second,answer"], "has no pairs"),
        (["first,second,answer", "a,b,yes"], "line 2: answer is 'yes'; expected same, different, unsure or nothing"),
        (
            ["first,second,answer,weight", "a,b,same,1", "a,c,same,0"],
            "line 3: weight is '0'; expected a positive number",
        ),
        (["first,second,answer", "a,,same"], "line 2: second is missing"),
        (["first,second,answer,weight", "a,b,same,inf"], "line 2: weight is 'inf'; expected a positive number below"),
        (
            ["first,second,answer,distance", "a,b,same,nan"],
            "line 2: distance is 'nan'; expected a positive number below",
        ),
        (["first,second,answer", "a,b," + "x" * 200_000], "line 2: field larger than field limit"),
        (["first,second,answer,weight", "a,b,same,x"], "line 2: weight is 'x'; expected a positive number"),
        (["first,second,answer,model_fingerprint", "a,b,same,m", "a,c,same,n"], "pairs of several models, m, n"),
        (
            ["first,second,answer", "a,b,same", "a,c,same,9"],
            "line 3: it has more cells than the first line has columns",
        ),
        (["first,second,answer,model_fingerprint", "a,b,same,m"], "names a model but not every pair's distance"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_pairs(write(tmp_path, *lines))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a CSV file with the columns first, second, answer"):
        read_pairs(tmp_path / "none.csv")


def labelled(*answers: str, weights: list[float]) -> LabelledPairs:
    return LabelledPairs((), (), answers, np.array(weights), None, "")  # type: ignore[arg-type]


def test_pairs_without_an_answer_are_stood_for_by_their_stratum() -> None:
    """Of four pairs of weight 10 one is unsure, one not labelled: the other two stand for 20 each."""
    pairs = labelled("same", "same", "different", "unsure", "", "different", weights=[1, 1, 10, 10, 10, 10])
    found = pairs.pair_distances(np.array([0.1, 0.2, 0.5, 0.3, 0.4, 0.6]))
    assert (found.same.sum(), found.different.sum()) == (2, 40)
    assert (found.seen.same.sum(), found.seen.different.sum()) == (2, 2)
    at = found.different.nonzero()[0]
    assert found.edges[at].tolist() == pytest.approx([0.5, 0.6], abs=1e-4)


def test_a_stratum_without_an_answer_is_an_error() -> None:
    pairs = labelled("same", "different", "unsure", "", weights=[1, 1, 10, 10])
    message = (
        r"none of the 2 pairs at distances from 0\.3000 to 0\.4000 is labelled same or different; label at least one"
    )
    with pytest.raises(ValueError, match=message):
        pairs.pair_distances(np.array([0.1, 0.2, 0.3, 0.4]))
    with pytest.raises(ValueError, match="found 2 pairs of one person and 0 of two; it takes both"):
        labelled("same", "same", weights=[1, 1]).pair_distances(np.array([0.1, 0.2]))
