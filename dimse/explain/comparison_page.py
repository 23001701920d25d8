"""Comparisons as text, and as a page with two columns that needs neither scripts nor a network."""

from collections.abc import Iterator, Sequence
from html import escape

from ..errors import cut
from ..packaged import packaged_text
from .comparison import Comparison, Pair
from .conversation import REQUESTOR
from .facts import Weight
from .page import HEAD, source_hash
from .record import Step

__all__ = ["comparison_lines", "comparison_page"]

_MARKS = {0: " ", Weight.NAME: "~", Weight.CONTENT: "*", Weight.OUTCOME: "!"}  # by weight
_KINDS = {0: "same", Weight.NAME: "name", Weight.CONTENT: "content", Weight.OUTCOME: "outcome"}
_MAX_DIFFERENCES = 200  # differences of a pair that are shown
_MAX_VALUE = 160  # characters of a value that are shown in a line of text


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the comparison as text: first the headline, then each pair that differs, with its differences.

    ``!`` marks a difference in the outcome of a request, ``~`` one in names, lengths, dates or pixels, ``*`` any other.
    """
    yield comparison.headline
    start = _starts(comparison)
    for number, pair in enumerate(comparison.pairs, 1):
        if not pair.weight:
            continue
        yield ""
        only = "" if pair.left and pair.right else "  only in a" if pair.left else "  only in b"
        step = pair.step
        words = "" if pair.left and pair.right and step.status is not None else step.words
        yield f"{_MARKS[pair.weight]} {number:3} {step.side} {step.name} {words}".rstrip() + only + _times(pair, start)
        for difference in pair.differences[:_MAX_DIFFERENCES]:
            yield f"      {_MARKS[difference.weight]} {difference.name}"
            yield f"          a: {cut(difference.left, _MAX_VALUE) or '(absent)'}"
            yield f"          b: {cut(difference.right, _MAX_VALUE) or '(absent)'}"
        if len(pair.differences) > _MAX_DIFFERENCES:
            yield f"        and {len(pair.differences) - _MAX_DIFFERENCES} more"
    same = sum(not pair.weight for pair in comparison.pairs)
    yield ""
    yield f"{same} of {len(comparison.pairs)} steps are the same; a is {comparison.ends[0]}, b is {comparison.ends[1]}"
    if comparison.is_cut:
        yield "The recordings go on; only their first steps are compared."


def _starts(comparison: Comparison) -> tuple[float | None, float | None]:
    left = next((pair.left.time for pair in comparison.pairs if pair.left), None)
    return left, next((pair.right.time for pair in comparison.pairs if pair.right), None)


def _times(pair: Pair, start: tuple[float | None, float | None]) -> str:
    shown = [_since(step, begin) for step, begin in zip((pair.left, pair.right), start, strict=True)]
    return f"  ({' | '.join(filter(None, shown))})" if any(shown) else ""


def _since(step: Step | None, start: float | None) -> str:
    return "" if step is None or step.time is None or start is None else f"{(step.time - start) * 1000:.1f} ms"


# --- the page ---


def comparison_page(title: str, sides: tuple[str, str], comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """Return comparisons as HTML. ``sides`` are the names of a and b; ``notes`` stand at the top, styled as faults."""
    style = packaged_text("dimse.explain", "comparison.css")
    policy = f"default-src 'none'; style-src '{source_hash(style)}'; "
    titles = [f"<h2>association {number}</h2>" for number in range(1, len(comparisons) + 1)]
    if len(titles) == 1:
        titles = [""]
    body = "".join(_section(heading, one, sides) for heading, one in zip(titles, comparisons, strict=True))
    faults = "".join(f'<p class="fault">{escape(note)}</p>' for note in notes)
    return _FRAME.format(
        policy=policy + "base-uri 'none'; form-action 'none'", title=escape(title), style=style, notes=faults, body=body
    )


_FRAME = (
    HEAD
    + """<body>
<h1>{title}</h1>
{notes}
{body}
</body>
</html>
"""
)


def _section(heading: str, comparison: Comparison, sides: tuple[str, str]) -> str:
    start = _starts(comparison)
    heads = "".join(
        f"<div><b>{letter}</b> {escape(side)}<small>{escape(end)}</small></div>"
        for letter, side, end in zip("ab", sides, comparison.ends, strict=True)
    )
    rows = "".join(_row(pair, start) for pair in comparison.pairs)
    cut = '<p class="fault">The recordings go on; only their first steps are compared.</p>' if comparison.is_cut else ""
    is_same = max((pair.weight for pair in comparison.pairs), default=0) < Weight.CONTENT
    kind = "headline same" if is_same and comparison.ends[0] == comparison.ends[1] else "headline"
    headline = f'<p class="{kind}">{escape(comparison.headline)}</p>'
    return f'<section>{heading}{headline}<div class="sides">{heads}</div>{rows}{cut}</section>'


def _row(pair: Pair, start: tuple[float | None, float | None]) -> str:
    cells = "".join(_cell(step, begin) for step, begin in zip((pair.left, pair.right), start, strict=True))
    kind = _KINDS[pair.weight]
    if not pair.differences:
        return f'<div class="pair {kind}"><div class="steps">{cells}</div></div>'
    shown = sorted(pair.differences, key=lambda one: -one.weight)[:_MAX_DIFFERENCES]
    rows = "".join(
        f'<tr class="{_KINDS[one.weight]}"><th scope="row">{escape(one.name)}</th>'
        f"<td>{_value(one.left)}</td><td>{_value(one.right)}</td></tr>"
        for one in shown
    )
    if len(pair.differences) > len(shown):
        rows += f'<tr><th scope="row">and {len(pair.differences) - len(shown)} more</th></tr>'
    is_open = " open" if pair.weight >= Weight.CONTENT else ""
    return (
        f'<details class="pair {kind}"{is_open}><summary class="steps">{cells}</summary>'
        f"<table><tbody>{rows}</tbody></table></details>"
    )


def _value(value: str) -> str:
    return escape(value) if value else "<i>absent</i>"


def _cell(step: Step | None, start: float | None) -> str:
    if step is None:
        return '<div class="step absent">absent</div>'
    arrow = "→" if step.side == REQUESTOR else "←"
    time = _since(step, start)
    shown = f"<time>{time}</time>" if time else ""
    return f'<div class="step">{arrow} <b>{escape(step.name)}</b> {escape(step.words)} {shown}</div>'
