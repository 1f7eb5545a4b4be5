"""The names that users import: there when asked for, documented, and costing nothing before."""

import subprocess
import sys

import pytest

import scalereid
from scalereid import api


@pytest.mark.parametrize("name", api.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(scalereid, name)
    assert value is getattr(api, name)
    assert name in dir(scalereid)
    assert isinstance(value, dict) or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = scalereid.nothing


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, scalereid; assert 'torch' not in sys.modules; scalereid.Recipe; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
