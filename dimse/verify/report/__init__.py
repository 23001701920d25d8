"""Reports of a run: JSON, JUnit, a page, a badge."""

from .document import SCHEMA, document, schema

__all__ = ["SCHEMA", "document", "schema"]
