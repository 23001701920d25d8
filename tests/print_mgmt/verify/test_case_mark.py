"""The mark of a case in the image that it prints."""

from print_mgmt.verify.case_mark import mark

SIDE = 32
SHOWN = """\
..##..##..##......#...
..#.#.#.#.#.#.....#...
..##..##..#.#.###.#...
..#...#.#.#.#.....#...
..#...#.#.#.#.....###.
......................
......................
...#......###.###.....
..##......#.#.#.#.....
...#......#.#.###.....
...#......#.#.#.#.....
..###..#..###.###....."""


def test_image_shows_the_id_of_its_case() -> None:
    pixels = mark(b"\xff" * SIDE * SIDE, SIDE, SIDE, "PRN-L-1.08")
    rows = ["".join(".#"[not octet] for octet in pixels[at : at + 22]) for at in range(0, len(pixels), SIDE)]
    assert "\n".join(rows[2:14]) == SHOWN
    assert pixels.count(0) == SHOWN.count("#")


def test_each_plane_and_each_octet_of_a_pixel_is_marked() -> None:
    plain = b"\xff\x0f" * (3 * SIDE * SIDE)
    pixels = mark(plain, SIDE, SIDE, "PRN-L-1.08", octets=2)
    assert len(pixels) == len(plain)
    assert pixels.count(b"\0\0") == 3 * SHOWN.count("#")


def test_small_image_is_not_marked() -> None:
    assert mark(b"\xff" * 8 * 8, 8, 8, "PRN-L-1.08") == b"\xff" * 64
