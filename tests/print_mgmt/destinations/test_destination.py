"""The meaning of errors during a delivery."""

import errno

import pytest
from accepted import DOE, accepted_film

from dimse.data import Dataset
from dimse.errors import AssociationAborted, ConnectionFailed, ContextNotAccepted, EncodeError
from print_mgmt import Film, LayoutError, PrintUncertain
from print_mgmt.destinations import (
    CallbackDestination,
    CommandDestination,
    Condition,
    DeliveryFailed,
    Destination,
    FolderDestination,
    Outcome,
    PacsDestination,
    PaperDestination,
    PrinterDestination,
    Receipt,
    failure_of,
)
from print_mgmt.output import OutputError

LATER, NEVER, INDETERMINATE = Outcome


@pytest.mark.parametrize(
    ("error", "outcome", "info"),
    [
        (LayoutError("FilmSizeID", "X", "is unknown"), NEVER, "INVALID PAGE DES"),
        (OutputError("no"), NEVER, "INVALID PAGE DES"),
        (ContextNotAccepted("no"), NEVER, "CHECK PRINTER"),
        (PrintUncertain("lost"), INDETERMINATE, "CHECK PRINTER"),
        (MemoryError(), LATER, "INSUFFIC MEMORY"),
        (OSError(errno.ENOSPC, "full"), LATER, "INSUFFIC MEMORY"),
        (OSError(errno.EACCES, "no"), LATER, "CHECK PRINTER"),
        (ConnectionFailed("no"), LATER, "CHECK PRINTER"),
        (AssociationAborted(0, 0), LATER, "CHECK PRINTER"),
        (ZeroDivisionError(), LATER, "UNKNOWN"),
    ],
)
def test_error_determines_the_next_step(error: Exception, outcome: Outcome, info: str) -> None:
    failure = failure_of(error)
    assert (failure.outcome, failure.info) == (outcome, info)


@pytest.mark.parametrize("error", [TimeoutError(), ZeroDivisionError()])
def test_error_without_a_message_is_named_by_its_type(error: Exception) -> None:
    assert str(failure_of(error)) == type(error).__name__


def test_reason_is_one_short_line_without_controls() -> None:
    reason = str(DeliveryFailed(Outcome.LATER, "\x1b[2Jbad\n" * 10_000))
    assert reason.startswith("\\x1b[2Jbad\\n")
    assert reason.isprintable()
    assert len(reason) == 1000


def test_condition_refuses_an_unknown_term() -> None:
    with pytest.raises(EncodeError, match="PrinterStatusInfo"):
        Condition("WARNING", "TOO HOT")


async def test_callback_gets_the_film_and_its_patient() -> None:
    got = []

    async def take(film: Film, identified: Dataset) -> None:
        got.append((film, identified))

    film = accepted_film()
    await CallbackDestination(take).deliver(film, DOE)
    assert got == [(film, DOE)]


async def test_plain_callback_gets_the_film() -> None:
    got: list[Film] = []
    film, destination = accepted_film(), CallbackDestination(lambda film, _: got.append(film))
    assert await destination.check() == Condition("NORMAL")
    await destination.deliver(film, DOE)
    assert got == [film]


async def test_plain_callback_may_fail() -> None:
    def take(_film: Film, _identified: Dataset) -> None:
        raise DeliveryFailed(Outcome.NEVER, "not mine")

    with pytest.raises(DeliveryFailed, match="not mine") as raised:
        await CallbackDestination(take).deliver(accepted_film(), DOE)
    assert raised.value.outcome is Outcome.NEVER


def test_only_some_destinations_are_repeatable() -> None:
    words = ("x",)
    harmless: list[Destination] = [FolderDestination(path="x"), PacsDestination(peer="A@h:1")]
    doubtful: list[Destination] = [PrinterDestination(printers=("A@h:1",)), PaperDestination(queue="q")]
    assert [each.repeatable for each in (*harmless, *doubtful)] == [True, True, False, False]
    assert [CommandDestination(command=words, repeatable=can).repeatable for can in (True, False)] == [True, False]


LONG = "\x1b[2J" * 300_000


def test_texts_of_peers_become_short_lines() -> None:
    failure = DeliveryFailed(Outcome.LATER, LONG)
    condition, receipt = Condition("WARNING", "CHECK PRINTER", LONG), Receipt(warnings=(LONG, "short"))
    assert receipt.warnings[1] == "short"
    for words in (str(failure), condition.reason, receipt.warnings[0]):
        assert (len(words), words[:4], words[-3:]) == (1000, r"\x1b", "...")
