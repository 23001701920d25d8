"""Status codes of DIMSE responses and their classes, PS3.7 Annex C.

Service classes define further codes, whose meaning depends on the service (PS3.4).
"""

from enum import Enum

__all__ = ["GENERAL_STATUS", "StatusClass", "is_failure", "is_pending", "status_class"]


class StatusClass(Enum):
    """The classes of status codes, PS3.7 Annex C.1 to C.5."""

    SUCCESS = "Success"
    WARNING = "Warning"
    FAILURE = "Failure"
    CANCEL = "Cancel"
    PENDING = "Pending"


# The statuses that all service classes have in common, PS3.7 Annex C
GENERAL_STATUS: dict[int, str] = {
    0x0000: "Success",
    0x0105: "No such attribute",
    0x0106: "Invalid attribute value",
    0x0107: "Attribute list error",
    0x0110: "Processing failure",
    0x0111: "Duplicate SOP instance",
    0x0112: "No such SOP instance",
    0x0113: "No such event type",
    0x0114: "No such argument",
    0x0115: "Invalid argument value",
    0x0116: "Attribute value out of range",
    0x0117: "Invalid object instance",
    0x0118: "No such SOP class",
    0x0119: "Class-instance conflict",
    0x0120: "Missing attribute",
    0x0121: "Missing attribute value",
    0x0122: "SOP class not supported",
    0x0123: "No such action type",
    0x0124: "Not authorized",
    0x0210: "Duplicate invocation",
    0x0211: "Unrecognized operation",
    0x0212: "Mistyped argument",
    0x0213: "Resource limitation",
    0xFE00: "Cancel",
    0xFF00: "Pending",
    0xFF01: "Pending, optional keys not supported",
}

_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})
_PENDING = (0xFF00, 0xFF01)


def status_class(status: int) -> StatusClass:
    """Return the class of a status. A code that the standard does not define is a failure."""
    if status == 0x0000:
        return StatusClass.SUCCESS
    if status in _WARNINGS or status >> 12 == 0xB:
        return StatusClass.WARNING
    if status in _PENDING:
        return StatusClass.PENDING
    if status == 0xFE00:
        return StatusClass.CANCEL
    return StatusClass.FAILURE


def is_failure(status: int) -> bool:
    """Return whether ``status`` is a failure."""
    return status_class(status) is StatusClass.FAILURE


def is_pending(status: int) -> bool:
    """Return whether further responses to the same request follow."""
    return status in _PENDING
