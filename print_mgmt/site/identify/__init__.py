"""Identifies the patient and study of a film with a chain of sources.

- `identity`: the chain of sources, and its result.
- The sources: `sent` (attributes that the client sent), `pattern` (texts on the film), `worklist` (a Modality
  Worklist) and `program` (a program that reads the film).
"""

from .identity import IDENTITY, Findings, Identity, Patience, Source, identify
from .pattern import PatternSource
from .program import ProgramSource
from .sent import SentSource
from .worklist import WorklistSource

__all__ = [
    "IDENTITY",
    "Findings",
    "Identity",
    "Patience",
    "PatternSource",
    "ProgramSource",
    "SentSource",
    "Source",
    "WorklistSource",
    "identify",
]
