"""Positions of boxes: the geometry of PS3.3 C.13.3.1."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film import ANNOTATION_FORMATS, FILM, FILM_SIZES, Imager, LayoutError, Rect, Sheet
from print_mgmt.film.formats import MAX_BOXES, MAX_SIDE
from print_mgmt.film.layout import Layout, annotation_count, lay_out

FILMS = st.tuples(st.sampled_from(sorted(FILM_SIZES)), st.sampled_from(["PORTRAIT", "LANDSCAPE"]))


def standard_of(columns: int) -> st.SearchStrategy[str]:
    """Draw a STANDARD format with ``columns`` columns and at most `MAX_BOXES` boxes."""
    return st.integers(1, min(MAX_SIDE, MAX_BOXES // columns)).map(lambda rows: f"STANDARD\\{columns},{rows}")


STANDARD = st.integers(1, MAX_SIDE).flatmap(standard_of)
COUNTS = st.lists(st.integers(1, 9), min_size=1, max_size=9)
NUMBERED = st.tuples(st.sampled_from(["ROW", "COL"]), COUNTS).map(lambda p: f"{p[0]}\\{','.join(map(str, p[1]))}")
FORMATS = STANDARD | NUMBERED | st.sampled_from(["SLIDE", "SUPERSLIDE"])


def layout(ImageDisplayFormat: str, film: tuple[str, str] = ("8INX10IN", "PORTRAIT"), imager: Imager = FILM) -> Layout:
    return lay_out(Sheet(ImageDisplayFormat=ImageDisplayFormat, FilmSizeID=film[0], FilmOrientation=film[1]), imager)


@given(STANDARD, FILMS)
def test_standard_boxes_are_equal_and_symmetric(value: str, film: tuple[str, str]) -> None:
    """Any STANDARD format fits on any film."""
    found = layout(value, film)
    assert len({(round(box.width, 6), round(box.height, 6)) for box in found.boxes}) == 1
    for box, opposite in zip(found.boxes, reversed(found.boxes), strict=True):
        assert box.x + opposite.x + opposite.width == pytest.approx(found.width)
        assert box.y + opposite.y + opposite.height == pytest.approx(found.height)
    assert found.boxes[0][:2] == (FILM.edge_mm, FILM.edge_mm)


@given(FORMATS, FILMS, st.sampled_from(["", *ANNOTATION_FORMATS]))
def test_boxes_neither_overlap_nor_leave_the_film(value: str, film: tuple[str, str], annotated: str) -> None:
    sheet = Sheet(ImageDisplayFormat=value, FilmSizeID=film[0], FilmOrientation=film[1])
    found = lay_out(replace(sheet, AnnotationDisplayFormatID=annotated))
    boxes = sorted(found.boxes + found.annotations)
    for at, (x, y, width, height) in enumerate(boxes):
        assert min(x, y, width, height) > 0
        assert x + width < found.width
        assert y + height < found.height
        for other in boxes[at + 1 :]:
            if other.x >= x + width:
                break
            assert other.y >= y + height or y >= other.y + other.height


def test_positions_run_along_rows_from_the_top_left() -> None:
    """Image Box Position, C.13.5."""
    boxes = layout("STANDARD\\2,3", imager=Imager(edge_mm=1.6, gap_mm=0)).boxes
    assert [(round(x), round(y)) for x, y, _, _ in boxes] == [
        (2, 2),
        (102, 2),
        (2, 85),
        (102, 85),
        (2, 169),
        (102, 169),
    ]


def test_row_numbers_its_boxes_row_by_row() -> None:
    """ROW\\2,3: boxes 1 and 2 above, 3 to 5 below. Rows have one height, boxes of a row one width."""
    one, two, three, four, five = layout("ROW\\2,3").boxes
    assert one.y == two.y < three.y == four.y == five.y
    assert one.x == three.x < four.x < two.x < five.x
    assert one.height == five.height
    assert (one.width, three.width) == (two.width, five.width)


def test_col_numbers_its_boxes_column_by_column() -> None:
    """COL\\1,4: box 1 on the left, 2 to 5 down the right."""
    left, *right = layout("COL\\1,4").boxes
    assert left.height > 4 * right[0].height
    assert [box.y for box in right] == sorted(box.y for box in right)
    assert {box.x for box in right} == {right[0].x}
    assert left.width == right[0].width


@given(COUNTS, FILMS)
def test_row_and_col_are_symmetric_about_one_axis(counts: list[int], film: tuple[str, str]) -> None:
    numbers = ",".join(map(str, counts))
    row, column = layout(f"ROW\\{numbers}", film), layout(f"COL\\{numbers}", film)
    mirrored = {(round(row.width - x - width, 6), round(y, 6)) for x, y, width, _ in row.boxes}
    assert mirrored == {(round(x, 6), round(y, 6)) for x, y, _, _ in row.boxes}
    mirrored = {(round(x, 6), round(column.height - y - height, 6)) for x, y, _, height in column.boxes}
    assert mirrored == {(round(x, 6), round(y, 6)) for x, y, _, _ in column.boxes}


@pytest.mark.parametrize(("value", "size"), [("SLIDE", (36, 24)), ("SUPERSLIDE", (40, 40))])
@pytest.mark.parametrize(("film", "count"), [("8INX10IN", 3 * 4), ("14INX17IN", 6 * 8), ("A3", 5 * 8)])
def test_slides_keep_their_size_and_fill_the_film(value: str, size: tuple[float, float], film: str, count: int) -> None:
    """A mount is 50 mm wide: three of them fit across 8 inches."""
    boxes = layout(value, (film, "PORTRAIT")).boxes
    assert {box[2:] for box in boxes} == {size}
    assert len(boxes) == count


def test_custom_boxes_come_from_the_printer() -> None:
    imager = Imager(custom_formats={4: (Rect(10, 10, 50, 60), Rect(-60, -70, 50, 60))})
    assert layout("CUSTOM\\4", imager=imager).boxes == ((10, 10, 50, 60), (143.2, 184, 50, 60))
    with pytest.raises(LayoutError, match="has the custom formats: 4"):
        layout("CUSTOM\\5", imager=imager)
    with pytest.raises(LayoutError, match="no room for its boxes on a film of 203"):
        layout("CUSTOM\\1", imager=Imager(custom_formats={1: (Rect(10, 10, 200, 60),)}))


def test_neighbors_keep_their_gap() -> None:
    left, right, below, _ = layout("STANDARD\\2,2", imager=Imager(gap_mm=2.5)).boxes
    assert right.x - (left.x + left.width) == pytest.approx(2.5)
    assert below.y - (left.y + left.height) == pytest.approx(2.5)


def test_edges_without_room_are_refused() -> None:
    assert layout("STANDARD\\1,1", imager=Imager(edge_mm=101)).boxes[0].width == pytest.approx(1.2)
    with pytest.raises(LayoutError, match="no room"):
        layout("STANDARD\\1,1", imager=Imager(edge_mm=101.6))
    for edge in (80, 160):  # 160 mm from both edges is more than the film has
        with pytest.raises(LayoutError, match="no room"):
            layout("SLIDE", imager=Imager(edge_mm=edge))


def test_annotation_box_takes_a_strip_of_the_film() -> None:
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="A4", AnnotationDisplayFormatID="COMBINED")
    found = lay_out(sheet)
    (image,) = found.boxes
    assert found.annotations == (Rect(3, 3, 204, 6), Rect(3, 288, 204, 6))
    assert (image.y, image.y + image.height) == (10, 287)
    assert [annotation_count(name) for name in ("", "LABEL", "COMBINED")] == [0, 1, 2]


def test_unknown_annotation_format_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"^AnnotationDisplayFormatID 'X': this printer has .* \(PS3\.3 C\.13\.3\)$"):
        annotation_count("X")


def test_annotation_box_beyond_the_film_is_refused() -> None:
    imager = Imager(annotation_formats={"WIDE": (Rect(3, 3, 250, 6),)})
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="A4", AnnotationDisplayFormatID="WIDE")
    with pytest.raises(LayoutError, match=r"^AnnotationDisplayFormatID 'WIDE': no room for its boxes on a film of 210"):
        lay_out(sheet, imager)


def test_trim_has_room_around_each_image() -> None:
    sheet = Sheet(ImageDisplayFormat="STANDARD\\2,1", Trim="YES")
    left, right = lay_out(sheet, Imager(edge_mm=0, gap_mm=0)).boxes
    assert left.x == 0.25
    assert right.x - left.x - left.width == pytest.approx(0.5)
