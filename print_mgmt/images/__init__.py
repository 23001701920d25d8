"""What a user has, an array, a Data Set or a file, to what an image box takes; and test patterns."""

from .errors import ImageError
from .pattern import PATTERNS, Pattern, smpte
from .prepare import prepare

__all__ = ["PATTERNS", "ImageError", "Pattern", "prepare", "smpte"]
