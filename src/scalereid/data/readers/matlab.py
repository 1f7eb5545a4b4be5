"""MATLAB files, in which some datasets keep their splits. The libraries that read them come with an extra."""

from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def load_mat(file: Path) -> dict[str, NDArray[Any]]:
    """Load the variables of a `.mat` file up to version 7, with SciPy.

    Raises:
        FileNotFoundError: The file does not exist.
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: The file cannot be read.
    """
    scipy_io = _library("scipy.io", "SciPy", file)
    try:
        variables: dict[str, NDArray[Any]] = scipy_io.loadmat(str(file))
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
    h5py = _library("h5py", "h5py", file)
    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise ValueError(f"{file} cannot be read as a MATLAB 7.3 file: {error}") from error


def _library(module: str, name: str, file: Path) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        why = f"Reading {file} takes {name}, which is not installed: pip install 'scalereid[matlab]'"
        raise ModuleNotFoundError(why) from error
