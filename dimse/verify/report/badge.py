"""``badge.svg``: how many MUST cases were judged, and how many of them the peer passes."""

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["badge"]

_GREEN, _RED, _GRAY = "#2e7d32", "#b00020", "#555555"
_PER_CHARACTER, _PADDING, _HEIGHT = 6.6, 12, 20  # pixels
_KEPT = ("PASS", "NON-STRICT")
_UNJUDGED = ("UNIMPLEMENTED", "SKIPPED", "INCONCLUSIVE", "ERROR")


def badge(document: Mapping[str, Any]) -> str:
    """Return the badge: red if a case failed or damaged the peer, green if the peer is conformant, else gray."""
    musts = [case for case in document["cases"] if case["level"] == "MUST" and case["verdict"] not in _UNJUDGED]
    kept = sum(case["verdict"] in _KEPT for case in musts)
    failed = any(case["verdict"] == "FAIL" or case["damaged"] for case in document["cases"])
    color = _RED if failed else _GREEN if document["conformant"] else _GRAY
    label, text = f"DICOM {document['run']['role']}", f"{kept} of {len(musts)} MUST"
    left, right = (round(len(each) * _PER_CHARACTER) + _PADDING for each in (label, text))
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}: {escape(text)}">'
        f'<rect width="{left}" height="{_HEIGHT}" fill="#333"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{color}"/>'
        f'<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(text)}</text></g></svg>\n'
    )
