"""MATLAB's files, in which some datasets keep their splits; the libraries for them come with an extra."""

from pathlib import Path
from typing import Any

_INSTALL = "which is not installed: pip install 'scalereid[matlab]'"


def load_mat(file: Path) -> dict[str, Any]:
    """The variables of a `.mat` file up to version 7, as SciPy gives them.

    Raises:
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: the file cannot be read.
    """
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{file} is read with SciPy, {_INSTALL}") from error
    try:
        variables: dict[str, Any] = loadmat(str(file))
    except FileNotFoundError:
        raise
    except Exception as error:  # SciPy raises half a dozen kinds for damaged files
        raise ValueError(f"{file} cannot be read as a MATLAB file: {error}") from error
    return variables


def open_hdf5(file: Path) -> Any:
    """A `.mat` file of version 7.3, as h5py gives it, to be closed by the caller.

    Raises:
        ModuleNotFoundError: h5py is not installed; the message says how to install it.
        ValueError: the file cannot be read.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{file} is read with h5py, {_INSTALL}") from error
    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise ValueError(f"{file} cannot be read as a MATLAB 7.3 file: {error}") from error
