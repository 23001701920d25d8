"""Reading of the text files inside the packages: tables, and the parts of pages.

`importlib.resources` can do the same, but importing it takes 7 ms at the start of each command.
"""

from pkgutil import get_data

__all__ = ["packaged_text"]


def packaged_text(package: str, name: str) -> str:
    """Return the text of a UTF-8 file in ``package``. Raises OSError if there is no such file."""
    data = get_data(package, name)
    if data is None:
        raise FileNotFoundError(f"{package} cannot be read by its importer")
    return data.decode().replace("\r\n", "\n")
