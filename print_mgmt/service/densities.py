"""Limits the densities and the light of a film to the range of the printer.

The client sends Min Density, Max Density, Illumination and Reflected Ambient Light of a film box. If it omits one of
them, the value comes from the film session (CP 173), or else from the printer with the medium of the film. Values out
of range are replaced, with a warning: B605 for Min and Max Density (PS3.4 H.4.2.2.1.2), 0116 for other attributes. A
strict printer refuses the other attributes instead (0106, PS3.4 H.2.4). If Min Density is not below Max Density, the
warning is 0116, too.
"""

from dimse.data import Dataset

from ..attributes import Checked, refuse
from ..film import Imager
from ..model import FilmBox
from ..status import DENSITY_LIMITED, INVALID_VALUE, OUT_OF_RANGE
from ..typed import text
from .instances import Instances

__all__ = ["fill_in", "limit_densities", "limit_border_densities", "limit_light", "refill"]

_DENSITIES = ("MinDensity", "MaxDensity")
_LIGHT = ("Illumination", "ReflectedAmbientLight")
_BORDERS = ("BorderDensity", "EmptyImageDensity")


def fill_in(instances: Instances, session: Dataset, attributes: Dataset, imager: Imager) -> None:
    """Add the densities and the light that a film box lacks, from its film session or else from the printer.

    Attributes that the printer does not support are not added.
    """
    for row in instances.tables.film_box:
        if row.keyword in _DENSITIES + _LIGHT and row.supported and row.keyword not in attributes:
            attributes[row.keyword] = session.get(row.keyword, getattr(imager, row.keyword))


def refill(instances: Instances, session: Dataset, box: FilmBox, imager: Imager) -> Dataset:
    """Return the attributes of a film box after its session or its medium has changed; ``imager`` has the new medium.

    Densities and light that the client did not send are filled in again, and limited without a warning.
    """
    attributes = box.attributes.copy()
    for keyword in _DENSITIES + _LIGHT:
        if keyword in attributes and attributes[keyword].tag not in box.sent:
            del attributes[keyword]
    fill_in(instances, session, attributes, imager)
    checked = Checked(attributes)
    limit_densities(checked, imager)
    limit_border_densities(checked, imager, strict=False)
    limit_light(checked, imager, strict=False)
    return attributes


def limit_densities(checked: Checked, imager: Imager, *earlier: Dataset) -> None:
    """Replace densities out of the range of ``imager`` by the limit.

    If Min Density is then not below Max Density, use the printer's values of both. ``earlier`` are attributes set
    before the request, the most specific first; they apply to a density that the request omits.
    """
    attributes = checked.attributes
    densities = attributes.values_of(*_DENSITIES)
    if densities == [None, None]:
        return
    for keyword, density in zip(_DENSITIES, densities, strict=True):
        if not isinstance(density, int):
            continue
        limited = min(max(density, imager.MinDensity), imager.MaxDensity)
        if limited != density:
            attributes[keyword] = limited
            checked.warn(DENSITY_LIMITED, keyword, f"{density} is out of range: {limited} is used")
    least, greatest = (_value(keyword, getattr(imager, keyword), attributes, *earlier) for keyword in _DENSITIES)
    if least >= greatest:
        for keyword, relation in zip(_DENSITIES, ("below Max Density", "above Min Density"), strict=True):
            attributes[keyword] = used = getattr(imager, keyword)
            checked.warn(OUT_OF_RANGE, keyword, f"is not {relation}: {used} is used")


def limit_border_densities(checked: Checked, imager: Imager, *, strict: bool) -> None:
    """Limit the densities of borders and empty boxes to the range of ``imager``, in hundredths of OD (PS3.3 C.13.3).

    Raises `Refusal` (0106) instead if the printer is strict.
    """
    attributes = checked.attributes
    for keyword in _BORDERS:
        term = text(attributes, keyword)
        if not term.isdecimal():  # BLACK and WHITE are always in range
            continue
        limited = min(max(int(term), imager.MinDensity), imager.MaxDensity)
        if limited == int(term):
            continue
        if strict:
            raise refuse(INVALID_VALUE, keyword, f"{term} is out of range: {imager.MinDensity} to {imager.MaxDensity}")
        attributes[keyword] = str(limited)
        checked.warn(OUT_OF_RANGE, keyword, f"{term} is out of range: {limited} is used")


def limit_light(checked: Checked, imager: Imager, *earlier: Dataset, strict: bool) -> None:
    """Replace light under which the densities cannot be shown (PS3.14 §7.1). `limit_densities` explains ``earlier``.

    Raises `Refusal` (0106) instead if the printer is strict.
    """
    attributes = checked.attributes
    if attributes.values_of(*_DENSITIES, *_LIGHT) == [None] * 4:
        return
    asked = [_value(keyword, getattr(imager, keyword), attributes, *earlier) for keyword in _LIGHT]
    least, greatest = [_value(keyword, getattr(imager, keyword), attributes, *earlier) for keyword in _DENSITIES]
    used = imager.light(*asked, MinDensity=least, MaxDensity=greatest)
    for keyword, value, limited in zip(_LIGHT, asked, used, strict=True):
        if value == limited:
            continue
        if strict:
            raise refuse(INVALID_VALUE, keyword, f"{value} cd/m2 cannot be used, but {limited} can (PS3.14 7.1)")
        attributes[keyword] = limited
        checked.warn(OUT_OF_RANGE, keyword, f"{value} cannot be used: {limited} is used (PS3.14 7.1)")


def _value(keyword: str, default: int, *datasets: Dataset) -> int:
    """Return the value of an attribute from the first Data Set in which it is a whole number, or ``default``."""
    for dataset in datasets:
        value = dataset.get(keyword)
        if isinstance(value, int):
            return value
    return default
