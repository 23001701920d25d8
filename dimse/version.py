"""The version of this distribution, which both packages and both commands show, and which the build reads."""

__all__ = ["__version__"]

__version__ = "0.1.0"
