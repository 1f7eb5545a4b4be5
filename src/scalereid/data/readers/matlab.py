"""MATLAB files, in which some datasets keep their splits. The libraries that read them come with an extra."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from scalereid.packages import require


def load_mat(file: Path) -> dict[str, NDArray[Any]]:
    """Load the variables of a `.mat` file up to version 7, with SciPy.

    Raises:
        FileNotFoundError: The file does not exist.
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: The file cannot be read.
    """
    require("scipy", extra="matlab", purpose=f"reading {file}")
    import scipy.io

    try:
        variables: dict[str, NDArray[Any]] = scipy.io.loadmat(str(file))
    except FileNotFoundError:
        raise
    except Exception as error:  # SciPy raises half a dozen kinds for damaged files
        raise ValueError(f"{file} cannot be read as a MATLAB file: {error}") from error
    return variables


def open_hdf5(file: Path) -> Any:
    """Open a `.mat` file of version 7.3, with h5py; the caller closes it.

    Raises:
        ModuleNotFoundError: h5py is not installed; the message says how to install it.
        ValueError: The file cannot be read.
    """
    require("h5py", extra="matlab", purpose=f"reading {file}")
    import h5py

    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise ValueError(f"{file} cannot be read as a MATLAB 7.3 file: {error}") from error
