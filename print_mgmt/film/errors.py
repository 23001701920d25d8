"""Errors of layout and rendering. Each names an attribute, its value, and the rule that the value violates."""

from collections.abc import Collection

from dimse.errors import DimseError, shown

__all__ = ["FILM_BOX_RULE", "IMAGE_BOX_RULE", "OWN_RULE", "LayoutError", "require"]

FILM_BOX_RULE = "PS3.3 C.13.3"
IMAGE_BOX_RULE = "PS3.3 C.13.5"
OWN_RULE = "limit of this renderer"


class LayoutError(DimseError):
    """A sheet cannot be laid out because of the ``value`` of ``attribute`` (a DICOM keyword); ``why`` is the reason."""

    def __init__(self, attribute: str, value: object, why: str, *, rule: str = FILM_BOX_RULE) -> None:
        self.attribute = attribute
        self.value = value
        self.why = why
        text = shown(value).replace("\\\\", "\\")  # a backslash separates values: show it once
        super().__init__(f"{attribute} {text}: {why} ({rule})")


def require(attribute: str, value: object, choices: Collection[str], *, rule: str = FILM_BOX_RULE) -> None:
    """Raise LayoutError unless the value of an attribute is one of ``choices``."""
    if value not in choices:
        raise LayoutError(attribute, value, f"not one of {', '.join(choices)}", rule=rule)
