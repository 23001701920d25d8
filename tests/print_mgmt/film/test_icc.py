"""ICC profiles, read by Little CMS (in Pillow)."""

import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from print_mgmt.film import FilmViewing
from print_mgmt.film.icc import KNOTS, gray_profile, is_profile_of, srgb_profile, without_padding

NUMBERS = np.arange(256, dtype=np.uint8)
FILM = FilmViewing()
PROFILE = gray_profile(FILM.density(np.linspace(0, 1, KNOTS)))


def opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def lightness(profile: bytes, intent: ImageCms.Intent) -> NDArray[np.float64]:
    """Return CIE L* of each 8-bit number, in steps of 100 / 255."""
    transform = ImageCms.buildTransform(
        opened(profile), ImageCms.createProfile("LAB"), "L", "LAB", renderingIntent=intent
    )
    seen = ImageCms.applyTransform(Image.fromarray(NUMBERS[None]), transform)
    assert seen is not None
    return np.asarray(seen)[0, :, 0] * (100 / 255)


def l_star(y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


@pytest.mark.parametrize(("profile", "device", "space"), [(PROFILE, "prtr", "GRAY"), (srgb_profile(), "mntr", "RGB ")])
def test_little_cms_reads_the_profile(profile: bytes, device: str, space: str) -> None:
    found = opened(profile).profile
    assert (found.device_class, found.xcolor_space, found.connection_space) == (device, space, "XYZ ")
    assert found.version == pytest.approx(2.4)
    assert found.profile_description
    assert len(profile) == int.from_bytes(profile[:4])


def test_gray_profile_names_its_densities() -> None:
    assert opened(PROFILE).profile.profile_description == "Film, 0.20 to 3.00 OD"
    paper = gray_profile(np.linspace(2.1, 0.05, KNOTS), reflective=True)
    assert opened(paper).profile.profile_description == "Paper, 0.05 to 2.10 OD"


def test_tags_begin_at_multiples_of_four_within_the_profile() -> None:
    """ICC.1 6.2."""
    for profile in (PROFILE, srgb_profile()):
        (count,) = struct.unpack_from(">L", profile, 128)
        tags = list(struct.iter_unpack(">4sLL", profile[132 : 132 + 12 * count]))
        assert len({name for name, _, _ in tags}) == count
        assert all(at % 4 == 0 and at >= 132 + 12 * count and at + size <= len(profile) for _, at, size in tags)


def test_number_means_light_relative_to_white() -> None:
    """Y = 10 ** (Dmin - D), within half a step of L* in Pillow."""
    expected = l_star(10 ** (0.20 - FILM.density(NUMBERS / 255)))
    assert np.abs(lightness(PROFILE, ImageCms.Intent.RELATIVE_COLORIMETRIC) - expected).max() < 0.3


def test_media_white_is_the_film_base() -> None:
    """Absolute colorimetry: Y = 10 ** -D."""
    expected = l_star(10 ** -FILM.density(NUMBERS / 255))
    assert np.abs(lightness(PROFILE, ImageCms.Intent.ABSOLUTE_COLORIMETRIC) - expected).max() < 0.3


def test_profile_returns_the_density_of_an_8_bit_number() -> None:
    """The 16 bits of the curve give 0.003 OD in the black of a film."""
    at = PROFILE.index(b"curv")
    curve = np.frombuffer(PROFILE, ">u2", KNOTS, at + 12)[::4] / 65535
    assert np.abs(0.20 - np.log10(curve) - FILM.density(NUMBERS / 255)).max() < 0.003


def test_srgb_matches_little_cms() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8)
    transform = ImageCms.buildTransform(
        opened(srgb_profile()),
        ImageCms.createProfile("sRGB"),
        "RGB",
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    seen = ImageCms.applyTransform(Image.fromarray(rgb), transform)
    assert np.abs(np.asarray(seen).astype(int) - rgb).max() <= 1


def test_same_densities_make_the_same_bytes() -> None:
    assert gray_profile(FILM.density(np.linspace(0, 1, KNOTS))) == PROFILE


@pytest.mark.parametrize(
    "data",
    [b"", b"profile", bytes(200), srgb_profile()[:-1], srgb_profile() + b"x", PROFILE]
    + [srgb_profile()[:at] + b"XXXX" + srgb_profile()[at + 4 :] for at in (0, 8, 12, 16, 20, 36)],
)
def test_other_data_is_not_a_profile_for_rgb(data: bytes) -> None:
    assert not is_profile_of(b"RGB ", data)


def test_profiles_of_little_cms_are_recognized() -> None:
    """The profiles have version 4."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert is_profile_of(b"RGB ", made)


@pytest.mark.parametrize("zeros", [0, 1, 3])
def test_padding_of_a_profile_is_removed(zeros: int) -> None:
    assert without_padding(srgb_profile() + bytes(zeros)) == srgb_profile()
    assert without_padding(srgb_profile() + b"x") == srgb_profile() + b"x"
    assert without_padding(b"short\0") == b"short\0"
