"""Writes parts of a Markdown page: tables, and the table of contents."""

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["contents_lines", "table_lines"]


def table_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, with a head and rows."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def contents_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield a list of links to the numbered headings among ``lines``."""
    for line in "\n".join(lines).splitlines():
        marks, _, title = line.partition(" ")
        if marks.strip("#") == "" and title[:1].isdigit():
            anchor = "".join(char for char in title.lower() if char.isalnum() or char in " -").replace(" ", "-")
            yield f"{'  ' * (len(marks) - 2)}- [{title}](#{anchor})"
