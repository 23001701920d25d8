"""Whose film is it? A chain of sources fills attributes of patient and study.

- `identity`: the chain, and its result. `sent`: attributes of the client. `pattern`: texts on the film.
- `worklist`: a Modality Worklist. `program`: a program that reads the film.
"""

from .identity import IDENTITY, Findings, Identity, Source, identify
from .pattern import PatternSource
from .program import ProgramSource
from .sent import SentSource
from .worklist import WorklistSource

__all__ = [
    "IDENTITY",
    "Findings",
    "Identity",
    "PatternSource",
    "ProgramSource",
    "SentSource",
    "Source",
    "WorklistSource",
    "identify",
]
