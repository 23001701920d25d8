"""PS3.5 §7.1: a tag is a group and an element number."""

from dimse.data import Tag


def test_tag_is_printed_as_in_the_standard() -> None:
    assert str(Tag(0x0028A010)) == "(0028,A010)"
    assert repr(Tag(0x7FE00010)) == f"{Tag(0x7FE00010)}" == "(7FE0,0010)"


def test_tag_has_group_and_element() -> None:
    tag = Tag(0x2010A0FF)
    assert (tag.group, tag.element) == (0x2010, 0xA0FF)
    assert tag == 0x2010A0FF
    assert hash(tag) == hash(0x2010A0FF)


def test_odd_groups_are_private() -> None:
    assert Tag(0x00090010).is_private
    assert not Tag(0x00080010).is_private
