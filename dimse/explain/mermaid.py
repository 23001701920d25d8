"""A recording as a Mermaid sequence diagram, for documents in Markdown."""

import re
from collections.abc import Iterable, Iterator

from .conversation import REQUESTOR
from .record import Step

__all__ = ["mermaid"]

_UNSAFE = re.compile(r"[^\w .,:()/+=§\[\]-]")  # quotes, semicolons and markup end a label, or change its meaning
_MAX_LABEL = 120  # characters of a label


def mermaid(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines of a diagram of one association: arrows for PDUs and messages, notes for errors and events."""
    yield "sequenceDiagram"
    yield "    participant R as requestor"
    yield "    participant A as acceptor"
    for step in steps:
        sender, receiver = ("R", "A") if step.side == REQUESTOR else ("A", "R")
        if step.turns:
            arrow = "-x" if step.errors or step.has_failed else "->>"
            words = f"{step.name} {step.words}".strip()
            yield f"    {sender}{arrow}{receiver}: {_label(words)}"
        for error in step.errors:
            yield f"    Note over {sender}: {_label(error)}"
        for event in step.view_events:
            yield f"    Note over A: {_label(f'{event.name}: {event.words}')}"


def _label(words: str) -> str:
    """Return a text as a label; characters that Mermaid could read as markup are replaced by their number codes."""
    return _UNSAFE.sub(lambda found: f"#{ord(found[0])};", words[:_MAX_LABEL])
