"""Maps the state reasons of a paper printer (RFC 8011 §5.4.12) to Printer Status and its Info (PS3.3 C.13.9.1)."""

from collections.abc import Sequence

from dimse.errors import escaped

from ..destination import Condition

__all__ = ["condition_of"]

# The values of printer-state-reasons (RFC 8011 §5.4.12, PWG 5100.9), without severity; the worst come first
_TERMS = {
    "media-jam": "FILM JAM",
    "media-path-jam": "FILM JAM",
    "media-path-input-jam": "FILM JAM",
    "media-path-output-jam": "FILM JAM",
    "input-media-tray-jam": "FILM JAM",
    "input-media-tray-feed-error": "FILM TRANSP ERR",
    "media-path-input-feed-error": "FILM TRANSP ERR",
    "media-path-output-feed-error": "FILM TRANSP ERR",
    "media-path-failure": "FILM TRANSP ERR",
    "cover-open": "COVER OPEN",
    "door-open": "COVER OPEN",
    "interlock-open": "COVER OPEN",
    "input-tray-missing": "NO SUPPLY MGZ",
    "output-tray-missing": "NO RECEIVE MGZ",
    "media-path-media-tray-missing": "NO RECEIVE MGZ",
    "output-area-full": "RECEIVER FULL",
    "media-path-output-full": "RECEIVER FULL",
    "media-path-media-tray-full": "RECEIVER FULL",
    "media-empty": "SUPPLY EMPTY",
    "media-path-input-empty": "SUPPLY EMPTY",
    "media-needed": "REQ MED NOT INST",
    "toner-empty": "NO RIBBON",
    "marker-supply-empty": "NO RIBBON",
    "marker-supply-missing": "NO RIBBON",
    "marker-ink-empty": "NO RIBBON",
    "marker-ink-missing": "NO RIBBON",
    "marker-print-ribbon-empty": "NO RIBBON",
    "marker-print-ribbon-missing": "NO RIBBON",
    "marker-toner-missing": "NO RIBBON",
    "marker-toner-cartridge-missing": "NO RIBBON",
    "developer-empty": "CHEMICALS EMPTY",
    "marker-developer-empty": "CHEMICALS EMPTY",
    "marker-developer-missing": "CHEMICALS EMPTY",
    "fuser-over-temp": "ELEC DOWN",
    "opc-life-over": "ELEC DOWN",
    "interpreter-resource-unavailable": "ELEC SW ERROR",
    "offline": "PRINTER OFFLINE",
    "shutdown": "PRINTER OFFLINE",
    "timed-out": "PRINTER OFFLINE",
    "connecting-to-device": "PRINTER OFFLINE",
    "paused": "PRINTER OFFLINE",
    "moving-to-paused": "PRINTER OFFLINE",
    "stopped-partly": "PRINTER DOWN",
    "stopping": "PRINTER DOWN",
    "spool-area-full": "PRINT BUFF FULL",
    "fuser-under-temp": "PRINTER INIT",
    "output-area-almost-full": "RECEIVER FULL",
    "media-path-media-tray-almost-full": "RECEIVER FULL",
    "media-low": "SUPPLY LOW",
    "toner-low": "RIBBON ERROR",
    "marker-supply-low": "RIBBON ERROR",
    "marker-supply-almost-empty": "RIBBON ERROR",
    "marker-ink-almost-empty": "RIBBON ERROR",
    "marker-print-ribbon-almost-empty": "RIBBON ERROR",
    "marker-waste-full": "CHECK PRINTER",
    "marker-waste-almost-full": "CHECK PRINTER",
    "developer-low": "CHEMICALS LOW",
    "marker-developer-almost-empty": "CHEMICALS LOW",
    "opc-near-eol": "CHECK PRINTER",
}
_SEVERITIES = ("-report", "-warning", "-error")  # suffixes that a printer may add to a reason
_MAX_REASONS = 100  # reasons that are looked at; a response may have 100,000 of them


def condition_of(reasons: Sequence[str], *, stopped: bool, accepting: bool = True, message: str = "") -> Condition:
    """Return the condition for the state and the reasons of a printer.

    A printer that has stopped or does not accept jobs is in FAILURE. Any other printer is in WARNING if it has a reason
    that is not a report, and NORMAL otherwise. ``message`` is the state in the printer's own words.
    """
    plain = [
        _without_severity(reason)
        for reason in reasons[:_MAX_REASONS]
        if reason != "none" and not reason.endswith("-report")
    ]
    failed = stopped or not accepting
    if not plain and not failed:
        return Condition()
    term = next((_TERMS[known] for known in _TERMS if known in plain), "PRINTER DOWN" if stopped else "CHECK PRINTER")
    words = [*plain, *([] if accepting else ["accepts no jobs"]), *([message] if message else [])]
    return Condition("FAILURE" if failed else "WARNING", term, escaped(", ".join(words)) or "stopped")


def _without_severity(reason: str) -> str:
    """Return a reason without its severity. Reasons in the table are unchanged: some of them end in such a suffix."""
    if reason in _TERMS:
        return reason
    return next((reason.removesuffix(end) for end in _SEVERITIES if reason.endswith(end)), reason)
