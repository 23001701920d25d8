"""VOI LUT boxes and image overlay boxes, retired in PS3.4 1998 and 2004."""

from typing import Any

import numpy as np
import pytest
from print_scu import GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import Dataset, tag_of
from dimse.message import NSetRQ
from dimse.uids import BasicFilmBox, BasicGrayscaleImageBox, BasicPrintImageOverlayBox, ImageOverlayBox, VOILUTBox
from print_mgmt.film import Overlay, PrintImage
from print_mgmt.images import ImageError
from print_mgmt.model import reference
from print_mgmt.service import Answer, n_action

CROSS = np.eye(5, 9, dtype=np.bool_)


def plane(bits: np.ndarray[Any, np.dtype[np.bool_]] = CROSS, allocated: int = 1, **changes: Any) -> Dataset:
    rows, columns = bits.shape
    data = np.packbits(bits.ravel(), bitorder="little").tobytes()
    if allocated != 1:
        data = (bits.astype(f"<u{allocated // 8}") << 3).tobytes()
    values = {
        "OverlayRows": rows,
        "OverlayColumns": columns,
        "OverlayOrigin": [1, 1],
        "OverlayBitsAllocated": allocated,
        "OverlayBitPosition": 0 if allocated == 1 else 3,
        "OverlayData": data + bytes(len(data) % 2),
    }
    return Dataset(OverlayPixelDataSequence=[Dataset(**values | changes)])


def printed(scu: Scu, film_box: str) -> tuple[Overlay, ...]:
    return scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].overlays


@pytest.mark.parametrize("allocated", [1, 8, 16])
def test_overlay_of_1998_refers_to_its_image_box(allocated: int) -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    dataset = plane(allocated=allocated)
    dataset.update(Dataset(OverlayForegroundDensity="BLACK", OverlayMagnificationType="BILINEAR"))
    dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, boxes[0])]
    created = scu.create(ImageOverlayBox, dataset=dataset)
    assert created.Status == SUCCESS
    (overlay,) = printed(scu, film_box)
    assert np.array_equal(overlay.pixels, CROSS)
    assert (overlay.OverlayForegroundDensity, overlay.OverlayMagnificationType) == ("BLACK", "BILINEAR")
    uid = created.AffectedSOPInstanceUID
    assert uid
    assert scu.set(ImageOverlayBox, uid, plane(~CROSS)).Status == SUCCESS
    assert np.array_equal(printed(scu, film_box)[0].pixels, ~CROSS)
    assert scu.delete(ImageOverlayBox, uid).Status == SUCCESS
    assert printed(scu, film_box) == ()
    assert scu.set(ImageOverlayBox, uid, plane()).Status == 0x0112


def test_image_boxes_refer_to_an_overlay_of_2004() -> None:
    scu = Scu()
    dataset = plane(OverlayOrigin=[2, 3])
    dataset.OverlayBackgroundDensity = "WHITE"
    uid = scu.create(BasicPrintImageOverlayBox, dataset=dataset).AffectedSOPInstanceUID
    assert uid
    film_box, boxes = scu.film()
    references = [reference(BasicPrintImageOverlayBox, uid)]
    assert scu.image(boxes[0], 1, ramp(), ReferencedImageOverlayBoxSequence=references).Status == SUCCESS
    (overlay,) = printed(scu, film_box)
    assert (overlay.origin, overlay.OverlayBackgroundDensity) == ((2, 3), "WHITE")
    assert scu.delete(BasicPrintImageOverlayBox, uid).Status == SUCCESS
    assert len(printed(scu, film_box)) == 1, "what refers to it still does"
    assert scu.image(boxes[0], 1, ramp(), ReferencedImageOverlayBoxSequence=[]).Status == SUCCESS
    assert printed(scu, film_box) == ()


def test_overlay_box_without_a_plane_prints_nothing() -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    dataset = Dataset(ReferencedImageBoxSequence=[reference(BasicGrayscaleImageBox, boxes[0])])
    assert scu.create(ImageOverlayBox, dataset=dataset).Status == SUCCESS
    assert printed(scu, film_box) == ()


def test_overlay_of_a_deleted_film_may_be_deleted() -> None:
    scu = Scu()
    _, boxes = scu.film()
    dataset = plane()
    dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, boxes[1])]
    uids_of = [scu.create(ImageOverlayBox, dataset=dataset).AffectedSOPInstanceUID or "" for _ in range(2)]
    assert scu.delete(ImageOverlayBox, uids_of[0]).Status == SUCCESS
    assert scu.service.session is not None
    scu.delete(scu.service.session.SOPClassUID, scu.service.session.SOPInstanceUID)
    assert scu.delete(ImageOverlayBox, uids_of[1]).Status == SUCCESS


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"OverlayRows": 65535, "OverlayColumns": 65535}, "OverlayData"),
        ({"OverlayRows": 50}, "OverlayData"),
        ({"OverlayRows": 0}, "OverlayRows"),
        ({"OverlayOrigin": 1}, "OverlayOrigin"),
        ({"OverlayOrigin": [1, 2, 3]}, "OverlayOrigin"),
        ({"OverlayBitsAllocated": 4}, "OverlayBitsAllocated"),
        ({"OverlayBitPosition": 1}, "OverlayBitsAllocated"),
        ({"OverlayBitPosition": 99}, "OverlayBitPosition"),
    ],
)
def test_wrong_overlay_is_refused(changes: dict[str, Any], named: str) -> None:
    """PS3.3 C.9.2."""
    answer = Scu().create(BasicPrintImageOverlayBox, dataset=plane(**changes))
    assert answer.Status == 0x0106
    assert named in answer.comment


def test_overlay_of_1998_needs_an_image_box() -> None:
    scu = Scu()
    assert scu.create(ImageOverlayBox, dataset=plane()).Status == 0x0120
    dataset = plane()
    dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, "1.2.3")]
    assert scu.create(ImageOverlayBox, dataset=dataset).Status == 0x0106


# --- VOI LUT boxes ---


def voi(scu: Scu, **attributes: Any) -> Answer:
    return scu.create(VOILUTBox, dataset=Dataset(**attributes))


def test_window_comes_before_polarity() -> None:
    scu = Scu()
    uid = voi(scu, WindowCenter=128, WindowWidth=2).AffectedSOPInstanceUID
    assert uid
    film_box, boxes = scu.film()
    image = PrintImage(pixels=np.array([[0, 127, 129, 255]], np.uint8), PhotometricInterpretation="MONOCHROME2")
    references = [reference(VOILUTBox, uid)]
    assert scu.image(boxes[0], 1, image, Polarity="REVERSE", ReferencedVOILUTBoxSequence=references).Status == SUCCESS

    def seen() -> list[int]:
        cell = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0]
        assert cell.Polarity == "REVERSE"
        assert cell.image is not None
        return list(cell.image.pixels[0])

    assert seen() == [0, 0, 255, 255]
    assert scu.set(VOILUTBox, uid, Dataset(WindowCenter=1000)).Status == SUCCESS
    assert seen() == [0, 0, 0, 0]
    assert scu.delete(VOILUTBox, uid).Status == SUCCESS
    assert seen() == [0, 0, 0, 0], "what refers to it still does"
    assert scu.image(boxes[0], 1, image, Polarity="REVERSE", ReferencedVOILUTBoxSequence=[]).Status == SUCCESS
    assert seen() == [0, 127, 129, 255]


def test_table_with_fewer_bits_is_a_warning() -> None:
    """It is applied by its descriptor (C.11.2.1.1), and prints dark: 0116, with the attribute."""
    table = Dataset(LUTDescriptor=[256, 0, 16], LUTData=np.arange(0, 4096, 16).astype("<u2").tobytes())
    scu = Scu()
    answer = voi(scu, VOILUTSequence=[table])
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0116, (tag_of("VOILUTSequence"),))
    assert answer.AffectedSOPInstanceUID
    again = scu.set(VOILUTBox, answer.AffectedSOPInstanceUID, Dataset(VOILUTSequence=[table]))
    assert again.Status == 0x0116


def test_table_is_applied() -> None:
    scu = Scu()
    item = Dataset(LUTDescriptor=[256, 0, 8], LUTData=np.arange(255, -1, -1).astype("<u2").tobytes())
    uid = voi(scu, VOILUTSequence=[item]).AffectedSOPInstanceUID
    assert uid
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp(), ReferencedVOILUTBoxSequence=[reference(VOILUTBox, uid)])
    image = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert image is not None
    assert np.array_equal(image.pixels, 255 - ramp().pixels)


@pytest.mark.parametrize(
    ("attributes", "status", "named"),
    [
        ({"WindowCenter": 1}, 0x0120, "WindowWidth"),
        ({"WindowWidth": 1}, 0x0120, "WindowCenter"),
        ({"WindowCenter": 1, "WindowWidth": 0}, 0x0106, "WindowWidth"),
        ({"WindowCenter": 1, "WindowWidth": [5, -5]}, 0x0106, "WindowWidth"),
        ({"VOILUTSequence": [Dataset(LUTDescriptor=[256, 0, 8])]}, 0x0120, "LUTData"),
        ({"VOILUTSequence": [Dataset(LUTDescriptor=[256, 0, 8], LUTData=bytes(10))]}, 0x0106, "LUTData has 10 of 256"),
        ({"VOILUTSequence": [Dataset(LUTDescriptor=[256, 0, 0], LUTData=bytes(256))]}, 0x0106, "LUTDescriptor"),
    ],
)
def test_wrong_voi_lut_is_refused(attributes: dict[str, Any], status: int, named: str) -> None:
    answer = voi(Scu(), **attributes)
    assert (answer.Status, named in answer.comment) == (status, True)


def test_unusable_voi_lut_fails_the_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """0110: the film would be wrong."""

    def fail(*arguments: object, **choices: object) -> None:
        raise ImageError(f"no {arguments} with {choices}")

    scu = Scu()
    uid = voi(scu, WindowCenter=1, WindowWidth=1).AffectedSOPInstanceUID
    assert uid
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp(), ReferencedVOILUTBoxSequence=[reference(VOILUTBox, uid)])
    monkeypatch.setattr(n_action, "prepare", fail)
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, answer.job) == (0x0110, None)
    assert "VOI LUT Box" in answer.comment


def test_reference_to_a_missing_box_is_refused() -> None:
    scu = Scu()
    _, boxes = scu.film()
    for keyword in ("ReferencedVOILUTBoxSequence", "ReferencedImageOverlayBoxSequence"):
        answer = scu.image(boxes[0], 1, ramp(), **{keyword: [reference(VOILUTBox, "1.2.3")]})
        assert (answer.Status, keyword in answer.comment) == (0x0106, True)


def test_retired_boxes_need_negotiation() -> None:
    message = NSetRQ(MessageID=1, RequestedSOPClassUID=VOILUTBox, RequestedSOPInstanceUID="1.2.3")
    assert Scu(abstract_syntaxes=[GRAY]).ask(message, on=GRAY).Status == 0x0122


def test_image_boxes_share_no_list_of_overlays() -> None:
    scu = Scu()
    created = scu.film_box(scu.session())
    boxes = uids(created, "ReferencedImageBoxSequence")
    dataset = plane()
    dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, boxes[0])]
    scu.create(ImageOverlayBox, dataset=dataset)
    film_box = created.AffectedSOPInstanceUID
    assert film_box
    cells = scu.print(BasicFilmBox, film_box).films[0].sheet.cells
    assert [len(cell.overlays) for cell in cells] == [1, 0, 0, 0, 0, 0]
