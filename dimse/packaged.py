"""The text files inside the packages: tables, and the parts of pages.

`importlib.resources` would do the same, but its import takes 7 ms, which each command line would wait for.
"""

from pkgutil import get_data

__all__ = ["packaged_text"]


def packaged_text(package: str, name: str) -> str:
    """Return the text of a file in ``package``, which has UTF-8. Raises OSError if there is no such file."""
    data = get_data(package, name)
    if data is None:
        raise FileNotFoundError(f"{package} cannot be read by its importer")
    return data.decode().replace("\r\n", "\n")
