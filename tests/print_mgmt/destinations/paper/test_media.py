"""Paper for films."""

import pytest

from print_mgmt.destinations import DeliveryFailed, Outcome
from print_mgmt.destinations.paper.media import Paper, paper_for, size_of
from print_mgmt.film import FILM_SIZES

A4, A3, LETTER, LEDGER = "iso_a4_210x297mm", "iso_a3_297x420mm", "na_letter_8.5x11in", "na_ledger_11x17in"


@pytest.mark.parametrize(
    ("size", "supported", "paper"),
    [
        ("A4", (A3, A4), Paper(A4, true_size=True)),
        ("8_5INX11IN", (A4, LETTER), Paper(LETTER, true_size=True)),
        ("8INX10IN", (A3, LETTER, A4), Paper(LETTER, true_size=True)),
        ("10INX12IN", (A4, A3, LEDGER), Paper(LEDGER, true_size=True)),
        ("A4", ("custom_odd_209.5x297.5mm",), Paper("custom_odd_209.5x297.5mm", true_size=True)),
        ("14INX17IN", ("custom_mammo_360x440mm",), Paper("custom_mammo_360x440mm", true_size=True)),
        ("14INX17IN", (A4, A3), Paper(A3, true_size=False)),
        ("A4", ("custom_max_1000x1000mm", "roll_max_1000x1000mm", A3), Paper(A3, true_size=True)),
        ("A4", (), Paper(A4, true_size=True)),
        ("A4", ("na-letter", "iso-a4"), Paper("iso-a4", true_size=True)),
        ("A4", ("na-letter-white", "iso-a4-white"), Paper("iso-a4-white", true_size=True)),
        ("14INX17IN", ("iso-a4", "iso-a3"), Paper("iso-a3", true_size=False)),
        ("A4", ("main", "photo"), Paper(A4, true_size=True)),
        ("A4", ("custom_min_10x10mm", "custom_max_1000x1000mm", "photo"), Paper(A4, true_size=True)),
        ("14INX17IN", (), Paper("custom_film_355.6x431.8mm", true_size=True)),
    ],
)
def test_film_gets_the_paper_that_fits_best(size: str, supported: tuple[str, ...], paper: Paper) -> None:
    assert paper_for(size, supported, fit=True) == paper


def test_loaded_paper_goes_first() -> None:
    names = ("iso_a4-extra_210.4x297mm", A4)
    assert paper_for("A4", names, fit=True).name == names[0]


def test_film_larger_than_any_paper_fails_in_true_size() -> None:
    with pytest.raises(DeliveryFailed, match="as large as a film of 14INX17IN") as raised:
        paper_for("14INX17IN", (A4, A3), fit=False)
    assert (raised.value.outcome, raised.value.info) == (Outcome.NEVER, "REQ MED NOT AVAI")


@pytest.mark.parametrize("size", FILM_SIZES)
def test_name_of_each_film_has_its_size(size: str) -> None:
    found = size_of(paper_for(size, (), fit=False).name)
    assert found == pytest.approx(FILM_SIZES[size], abs=0.1)


@pytest.mark.parametrize("name", ["main", "A4", "iso_a4_210x297", "x_1x1cm", ""])
def test_name_without_a_size_has_no_size(name: str) -> None:
    assert size_of(name) is None
