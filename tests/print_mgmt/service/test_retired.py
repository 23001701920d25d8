"""VOI LUT boxes and image overlay boxes, retired in PS3.4 1998 and 2004."""

from typing import Any

import numpy as np
import pytest
from print_scu import COLOR, GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import Dataset, tag_of
from dimse.message import NSetRQ
from dimse.uids import BasicFilmBox, BasicGrayscaleImageBox, BasicPrintImageOverlayBox, ImageOverlayBox, VOILUTBox
from print_mgmt.film import Overlay, PrintImage
from print_mgmt.images import ImageError
from print_mgmt.items import to_item
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


class Overlaid:
    """A film with an image and an overlay of 1998, which refers to the image box."""

    def __init__(self, dataset: Dataset) -> None:
        self.scu = Scu()
        self.film_box, boxes = self.scu.film()
        self.scu.image(boxes[0], 1, ramp())
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, boxes[0])]
        created = self.scu.create(ImageOverlayBox, dataset=dataset)
        assert (created.Status, created.AffectedSOPInstanceUID is None) == (SUCCESS, False)
        self.uid = created.AffectedSOPInstanceUID or ""


def test_voi_lut_box_keeps_the_notes_of_an_image() -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    voi = scu.create(VOILUTBox, dataset=Dataset(WindowCenter=[10], WindowWidth=[2])).AffectedSOPInstanceUID or ""
    item = to_item(ramp())
    item.PixelData = bytes(24) + bytes(2)
    dataset = scu.image_dataset(1, item, ReferencedVOILUTBoxSequence=[reference(VOILUTBox, voi)])
    scu.set(BasicGrayscaleImageBox, boxes[0], dataset)
    image = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert image is not None
    assert image.notes == ("PixelData: 26 bytes where 4 x 6 pixels need 24: the rest is ignored (PS3.5 8.1.1)",)


def test_voi_lut_box_leaves_color_as_it_is() -> None:
    scu = Scu(COLOR)
    film_box, boxes = scu.film()
    voi = scu.create(VOILUTBox, dataset=Dataset(WindowCenter=[10], WindowWidth=[2])).AffectedSOPInstanceUID or ""
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    image = PrintImage(pixels=pixels, PhotometricInterpretation="RGB")
    scu.image(boxes[0], 1, image, ReferencedVOILUTBoxSequence=[reference(VOILUTBox, voi)])
    printed_image = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert printed_image is not None
    assert np.array_equal(printed_image.pixels, pixels)


@pytest.mark.parametrize("allocated", [1, 8, 16])
def test_overlay_of_1998_refers_to_its_image_box(allocated: int) -> None:
    dataset = plane(allocated=allocated)
    dataset.update(Dataset(OverlayForegroundDensity="BLACK", OverlayMagnificationType="BILINEAR"))
    film = Overlaid(dataset)
    (overlay,) = printed(film.scu, film.film_box)
    assert np.array_equal(overlay.pixels, CROSS)
    assert (overlay.OverlayForegroundDensity, overlay.OverlayMagnificationType) == ("BLACK", "BILINEAR")


def test_n_set_replaces_the_plane_of_an_overlay() -> None:
    film = Overlaid(plane())
    assert film.scu.set(ImageOverlayBox, film.uid, plane(~CROSS)).Status == SUCCESS
    assert np.array_equal(printed(film.scu, film.film_box)[0].pixels, ~CROSS)


def test_deleted_overlay_of_1998_leaves_its_image() -> None:
    film = Overlaid(plane())
    assert film.scu.delete(ImageOverlayBox, film.uid).Status == SUCCESS
    assert printed(film.scu, film.film_box) == ()
    assert film.scu.set(ImageOverlayBox, film.uid, plane()).Status == 0x0112


class Referring:
    """A film with an image box that refers to a Basic Print Image Overlay Box."""

    def __init__(self) -> None:
        self.scu = Scu()
        dataset = plane(OverlayOrigin=[2, 3])
        dataset.OverlayBackgroundDensity = "WHITE"
        self.uid = self.scu.create(BasicPrintImageOverlayBox, dataset=dataset).AffectedSOPInstanceUID or ""
        self.film_box, (self.box, *_) = self.scu.film()
        references = [reference(BasicPrintImageOverlayBox, self.uid)]
        answer = self.scu.image(self.box, 1, ramp(), ReferencedImageOverlayBoxSequence=references)
        assert answer.Status == SUCCESS


def test_image_boxes_refer_to_a_basic_print_image_overlay_box() -> None:
    film = Referring()
    (overlay,) = printed(film.scu, film.film_box)
    assert (overlay.origin, overlay.OverlayBackgroundDensity) == ((2, 3), "WHITE")


def test_deleted_overlay_box_stays_on_its_image() -> None:
    film = Referring()
    assert film.scu.delete(BasicPrintImageOverlayBox, film.uid).Status == SUCCESS
    assert len(printed(film.scu, film.film_box)) == 1


def test_empty_reference_removes_the_overlay() -> None:
    film = Referring()
    assert film.scu.image(film.box, 1, ramp(), ReferencedImageOverlayBoxSequence=[]).Status == SUCCESS
    assert printed(film.scu, film.film_box) == ()


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
        ({"OverlayRows": 65535, "OverlayColumns": 65535}, "OverlayColumns 65535 are more than 134217728 bits"),
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


def test_overlay_covers_the_largest_film() -> None:
    """14 x 17 inches at 640 dpi."""
    data = memoryview(bytes(8960 * 10880 // 8))
    large = plane(OverlayRows=10880, OverlayColumns=8960, OverlayData=data)
    assert Scu().create(BasicPrintImageOverlayBox, dataset=large).Status == SUCCESS


def test_overlay_of_1998_needs_an_image_box() -> None:
    scu = Scu()
    assert scu.create(ImageOverlayBox, dataset=plane()).Status == 0x0120
    dataset = plane()
    dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, "1.2.3")]
    assert scu.create(ImageOverlayBox, dataset=dataset).Status == 0x0106


# --- VOI LUT boxes ---


def voi(scu: Scu, **attributes: Any) -> Answer:
    return scu.create(VOILUTBox, dataset=Dataset(**attributes))


class Windowed:
    """A film of an image with Polarity REVERSE that refers to a window."""

    def __init__(self) -> None:
        self.scu = Scu()
        self.uid = voi(self.scu, WindowCenter=128, WindowWidth=2).AffectedSOPInstanceUID or ""
        self.film_box, (self.box, *_) = self.scu.film()
        self.refer([reference(VOILUTBox, self.uid)])

    def refer(self, references: list[Dataset]) -> None:
        pixels = np.array([[0, 127, 129, 255]], np.uint8)
        image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2")
        answer = self.scu.image(self.box, 1, image, Polarity="REVERSE", ReferencedVOILUTBoxSequence=references)
        assert answer.Status == SUCCESS

    def printed(self) -> list[int]:
        cell = self.scu.print(BasicFilmBox, self.film_box).films[0].sheet.cells[0]
        assert cell.Polarity == "REVERSE"
        assert cell.image is not None
        return list(cell.image.pixels[0])


def test_window_comes_before_polarity() -> None:
    assert Windowed().printed() == [0, 0, 255, 255]


def test_n_set_of_a_window_applies_to_its_images() -> None:
    film = Windowed()
    assert film.scu.set(VOILUTBox, film.uid, Dataset(WindowCenter=1000)).Status == SUCCESS
    assert film.printed() == [0, 0, 0, 0]


def test_deleted_window_stays_on_its_image() -> None:
    film = Windowed()
    assert film.scu.delete(VOILUTBox, film.uid).Status == SUCCESS
    assert film.printed() == [0, 0, 255, 255]


def test_empty_reference_removes_the_window() -> None:
    film = Windowed()
    film.refer([])
    assert film.printed() == [0, 127, 129, 255]


def test_table_with_fewer_bits_is_a_warning() -> None:
    """The table is applied by its descriptor (C.11.2.1.1), and prints dark: 0116, with the attribute."""
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
