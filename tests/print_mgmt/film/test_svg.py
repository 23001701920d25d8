"""The drawing of a layout is well formed, and to scale."""

from xml.etree import ElementTree

import pytest

from print_mgmt.film import Sheet, lay_out, layout_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("value", ["STANDARD\\2,3", "ROW\\1,3,2", "COL\\1,4", "SLIDE", "STANDARD\\16,16"])
def test_each_box_is_drawn_where_it_is_with_its_number(value: str) -> None:
    sheet = Sheet(ImageDisplayFormat=value, FilmSizeID="A4", AnnotationDisplayFormatID="COMBINED")
    layout = lay_out(sheet)
    root = ElementTree.fromstring(layout_svg(layout))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("210mm", "297mm", "0 0 210 297")
    _, *drawn = root.findall(f"{SVG}rect")
    for rect, element in zip((*layout.boxes, *layout.annotations), drawn, strict=True):
        assert [float(element.get(name, "")) for name in ("x", "y", "width", "height")] == pytest.approx(rect, abs=0.01)
    numbers = [element.text for element in root.findall(f"{SVG}text")]
    assert numbers == [*(str(position) for position in range(1, len(layout.boxes) + 1)), "A1", "A2"]
