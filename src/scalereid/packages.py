"""Packages of the extras, which only some work needs."""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any


def installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def version_of(package: str) -> str:
    """Version of a package; empty where it is not installed, or by another name than that it is imported by."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def require(*packages: str, extra: str, purpose: str = "") -> None:
    """Check that packages are installed, before any work is done.

    `extra` is the one that installs them, empty for what is installed with scalereid unless that is left out; `purpose` says in
    the message what they are needed for.

    Raises:
        ModuleNotFoundError: One is missing; the message says how to install it.
    """
    for package in packages:
        if not installed(package):
            needed = f", needed for {purpose}," if purpose else ""
            wanted = f"'scalereid[{extra}]'" if extra else package
            raise ModuleNotFoundError(f"{package}{needed} is not installed: pip install {wanted}", name=package)


def import_openvino() -> Any:
    """OpenVINO, without the package by which it reports each import, and NNCF each use, to its makers over the network.

    Both do without where that is not installed. They would send what they report from another process, in which the handlers
    of this one's signals raise an error where no network answers.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # is not found from now on
    import openvino

    return openvino
