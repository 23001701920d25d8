"""Films on paper: a queue of CUPS, and ippeveprinter."""

from pathlib import Path

import pytest
from accepted import DOE, accepted_film
from paper_printers import cups_queue, ippeveprinter
from peers import free_port

from print_mgmt.destinations import Condition, DeliveryFailed, Outcome, PaperDestination, Receipt
from print_mgmt.destinations.names import film_id

pytestmark = pytest.mark.interop


def printed(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes()[:8] for path in out.glob("*.pdf")}


async def test_cups_prints_a_film() -> None:
    film = accepted_film(copies=2)
    async with cups_queue(free_port()) as printer:
        destination = PaperDestination(queue="film", server=printer.address, dpi=30)
        assert await destination.check() == Condition()
        assert await destination.deliver(film, DOE) == Receipt(("film-1",))
        assert printed(printer.out) == {f"film-{film_id(film)}-2.pdf": b"%PDF-1.7"}


async def test_cups_aborts_a_film_without_paper() -> None:
    async with cups_queue(free_port()) as printer:
        (printer.out / "empty").touch()
        destination = PaperDestination(queue="film", server=printer.address, dpi=30)
        with pytest.raises(DeliveryFailed, match="it was aborted") as raised:
            await destination.deliver(accepted_film(), DOE)
        condition = await destination.check()
    assert raised.value.outcome is Outcome.INDETERMINATE
    assert condition.PrinterStatusInfo == "SUPPLY EMPTY"


async def test_film_for_an_unknown_queue_is_tried_again() -> None:
    async with cups_queue(free_port()) as printer:
        destination = PaperDestination(queue="nobody", server=printer.address, dpi=30)
        with pytest.raises(DeliveryFailed) as raised:
            await destination.deliver(accepted_film(), DOE)
    assert raised.value.outcome is Outcome.LATER


async def test_ippeveprinter_prints_a_film() -> None:
    film = accepted_film(copies=2)
    async with ippeveprinter() as printer:
        destination = PaperDestination(uri=printer.address, dpi=30)
        assert await destination.check() == Condition()
        receipt = await destination.deliver(film, DOE)
        assert [name.startswith(f"film-{film_id(film)}") for name in printed(printer.out)] == [True]
    assert receipt.made == ("1",)


async def test_ippeveprinter_aborts_a_film_without_paper() -> None:
    async with ippeveprinter() as printer:
        (printer.out / "empty").touch()
        destination = PaperDestination(uri=printer.address, dpi=30)
        with pytest.raises(DeliveryFailed) as raised:
            await destination.deliver(accepted_film(), DOE)
    assert raised.value.outcome in (Outcome.INDETERMINATE, Outcome.LATER)


async def test_ippeveprinter_refuses_an_unknown_paper() -> None:
    async with ippeveprinter() as printer:
        destination = PaperDestination(uri=printer.address, dpi=30, media={"8INX10IN": "na_moon_1x1in"})
        with pytest.raises(DeliveryFailed) as raised:
            await destination.deliver(accepted_film(), DOE)
        assert printed(printer.out) == {}
    assert raised.value.outcome is Outcome.NEVER
