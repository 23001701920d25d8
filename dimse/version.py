"""The version of this distribution; both packages and both commands show it, and the build reads it here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
