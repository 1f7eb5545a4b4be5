import numpy as np
import pytest

from scalereid.packages import installed, require, version_of


def test_what_is_installed() -> None:
    assert installed("torch")
    assert not installed("no_such_package")
    require("torch", "numpy", extra="export")


def test_what_is_missing_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(
        ModuleNotFoundError, match=r"no_such_package is not installed: pip install 'scalereid\[export,int8\]'"
    ):
        require("torch", "no_such_package", extra="export,int8")
    with pytest.raises(ModuleNotFoundError, match="no_such_package, needed for pictures, is not installed: "):
        require("no_such_package", extra="figures", purpose="pictures")
    with pytest.raises(ModuleNotFoundError, match="no_such_package is not installed: pip install no_such_package$"):
        require("no_such_package", extra="")


def test_versions() -> None:
    assert version_of("numpy") == np.__version__
    assert version_of("no_such_package") == ""
