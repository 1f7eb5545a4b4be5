"""Packages that only some of inference needs."""

from importlib.util import find_spec


def installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def require(*packages: str, extra: str) -> None:
    """Check that packages are installed, before any work is done.

    Raises:
        ModuleNotFoundError: One is missing; the message says how to install it.
    """
    for package in packages:
        if not installed(package):
            raise ModuleNotFoundError(f"{package} is not installed: pip install 'scalereid[{extra}]'", name=package)
