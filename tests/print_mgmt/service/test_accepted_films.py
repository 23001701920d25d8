"""Every film that N-ACTION accepts can be rendered: errors are reported while the client can still react."""

from typing import Any

import numpy as np
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from print_scu import COLOR, CONFIG, GRAY, Scu, uids

from dimse.data import Dataset
from dimse.message import StatusClass, status_class
from dimse.uids import BasicFilmBox, BasicFilmSession, PresentationLUT
from print_mgmt.film import PrintImage, render
from print_mgmt.model import reference

DENSITIES = st.sampled_from([0, 1, 5, 19, 20, 21, 150, 209, 210, 211, 300, 319, 320, 321, 65535])
TERMS = st.sampled_from(["BLACK", "WHITE", "0", "150", "320", "1000", "NONE"])
LIGHTS = st.sampled_from([0, 1, 10, 150, 2000, 65535])
MAGNIFICATIONS = st.sampled_from(["BILINEAR", "CUBIC", "REPLICATE", "NONE", "MAGIC"])
FORMATS = st.sampled_from(
    ["STANDARD\\1,1", "STANDARD\\2,3", "STANDARD\\12,12", "ROW\\1,3", "COL\\2,1,4", "SLIDE", "SUPERSLIDE", "CUSTOM\\1"]
)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "MinDensity": DENSITIES,
    "MaxDensity": DENSITIES,
    "Illumination": LIGHTS,
    "ReflectedAmbientLight": LIGHTS,
    "BorderDensity": TERMS,
    "EmptyImageDensity": TERMS,
    "MagnificationType": MAGNIFICATIONS,
    "SmoothingType": st.sampled_from(["SHARP", "SMOOTH", "140", "NORMAL"]),
    "Trim": st.sampled_from(["YES", "NO"]),
}
FILMS = st.fixed_dictionaries(
    {"ImageDisplayFormat": FORMATS},
    optional=CHANGES
    | {
        "FilmSizeID": st.sampled_from(["8INX10IN", "14INX17IN", "24CMX24CM", "A4"]),
        "FilmOrientation": st.sampled_from(["PORTRAIT", "LANDSCAPE"]),
        "RequestedResolutionID": st.sampled_from(["STANDARD", "HIGH"]),
        "AnnotationDisplayFormatID": st.sampled_from(["LABEL", "COMBINED", "NOWHERE"]),
    },
)
BOXES = st.fixed_dictionaries(
    {},
    optional={
        "MinDensity": DENSITIES,
        "MaxDensity": DENSITIES,
        "Polarity": st.sampled_from(["NORMAL", "REVERSE"]),
        "MagnificationType": MAGNIFICATIONS,
        "SmoothingType": st.sampled_from(["SHARP", "140"]),
        "RequestedImageSize": st.sampled_from([0.001, 1.0, 50.0, 9999.0]),
        "RequestedDecimateCropBehavior": st.sampled_from(["DECIMATE", "CROP", "FAIL"]),
    },
)
SIDES = st.integers(1, 40)
MEDIA = st.sampled_from(["BLUE FILM", "PAPER"])
SHAPES = st.sampled_from(["IDENTITY", "LIN OD", ""])


@given(
    meta=st.sampled_from([GRAY, COLOR]),
    media=st.tuples(MEDIA, MEDIA),
    film=FILMS,
    change=st.fixed_dictionaries({}, optional=CHANGES),
    box=BOXES,
    size=st.tuples(SIDES, SIDES),
    shape=SHAPES,
)
@settings(max_examples=examples(80))
def test_accepted_film_is_rendered(
    meta: str,
    media: tuple[str, str],
    film: dict[str, Any],
    change: dict[str, Any],
    box: dict[str, Any],
    size: tuple[int, int],
    shape: str,
) -> None:
    """A film has any attributes, and any later changes of film box, image and medium."""
    scu = Scu(meta, CONFIG)
    session = scu.session(MediumType=media[0])
    if shape:
        film["ReferencedPresentationLUTSequence"] = [reference(PresentationLUT, scu.lut(PresentationLUTShape=shape))]
    made = scu.film_box(session, on=meta, **film)
    if status_class(made.Status) is StatusClass.FAILURE:
        return
    uid = made.AffectedSOPInstanceUID or ""
    samples = (3,) if meta == COLOR else ()
    image = PrintImage(
        pixels=np.arange(np.prod(size + samples), dtype=np.uint8).reshape(*size, *samples),
        PhotometricInterpretation="RGB" if samples else "MONOCHROME2",
    )
    scu.image(uids(made, "ReferencedImageBoxSequence")[0], 1, image, **box)
    scu.set(BasicFilmBox, uid, Dataset(**change))
    scu.set(BasicFilmSession, session, Dataset(MediumType=media[1]))
    for printed in scu.print(BasicFilmBox, uid).films:
        render(printed.sheet, 10, imager=printed.imager)
