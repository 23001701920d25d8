"""Queues of CUPS, with programs that imitate the output of lp and lpstat."""

import asyncio
import errno
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from accepted import DOE, accepted_film

pytest.importorskip("ippx")

from ipp_printer import IppPrinter
from ippx import JobState, Operation
from private_folders import cancel_when_removed

from print_mgmt import ConfigError
from print_mgmt.destinations import Condition, DeliveryFailed, Outcome, PaperDestination, Receipt, TLSFiles
from print_mgmt.destinations.names import film_id
from print_mgmt.destinations.paper.cups import CupsQueue

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no CUPS")

LATER, NEVER, INDETERMINATE = Outcome
IDLE = "printer q is idle.  enabled since Sun\\n\\tAlerts: none\\nq accepting requests since Sun\\n"


class Cups:
    """``lp`` and ``lpstat`` as scripts that print these texts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        self.lp("request id is q-7 (1 file(s))")
        self.lpstat(IDLE, "q-70  root  1024 Sun\\n")

    def lp(self, said: str, status: int = 0) -> None:
        out = "" if status else said
        err = said if status else ""
        self.script("lp", f"print({out!r}); sys.stderr.write({err!r}); sys.exit({status})")

    def lpstat(self, state: str, waiting: str) -> None:
        self.script(
            "lpstat",
            f"print('{state}' if '-p' in sys.argv else '{waiting}')",
        )

    def script(self, name: str, code: str) -> None:
        path = self.folder / name
        keep = f"open({str(self.folder / name)!r} + '.words', 'a').write(json.dumps(sys.argv[1:]) + '\\n')"
        path.write_text(f"#!{sys.executable} -IS\nimport json, sys, time\n{keep}\n{code}\n")
        path.chmod(0o755)

    def words(self, name: str) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / f"{name}.words").read_text().splitlines()]


@pytest.fixture
def cups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cups:
    return Cups(tmp_path, monkeypatch)


async def deliver(**options: Any) -> Receipt:
    return await PaperDestination(queue="q", dpi=30, **options).deliver(accepted_film(copies=2), DOE)


async def fails(**options: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as raised:
        await deliver(**options)
    return raised.value


async def test_film_is_printed_and_followed(cups: Cups) -> None:
    receipt = await deliver(server="127.0.0.1:9", tray="Tray2", options={"Resolution": "600dpi"})
    assert receipt.made == ("q-7",)
    ((*words, path),) = cups.words("lp")
    assert path.endswith(".pdf")
    assert words == [
        *("-h", "127.0.0.1:9", "-d", "q", "-n", "2", "-t", f"film-{film_id(accepted_film())}"),
        *("-o", "media=na_govt-letter_8x10in", "-o", "sides=one-sided", "-o", "print-scaling=auto-fit"),
        *("-o", "InputSlot=Tray2", "-o", "Resolution=600dpi"),
    ]


async def test_film_in_true_size_is_not_scaled(cups: Cups) -> None:
    await deliver(size="true")
    ((*words, _),) = cups.words("lp")
    assert "print-scaling=none" in words


async def test_missing_queue_is_tried_again(cups: Cups) -> None:
    cups.lp("lp: The printer or class does not exist.", 1)
    failure = await fails()
    assert failure.outcome is LATER
    assert str(failure) == "q: lp: The printer or class does not exist."


async def test_disabled_queue_gets_no_job(cups: Cups) -> None:
    cups.lpstat("printer q disabled since Sun -\\n\\tno paper\\n\\tAlerts: media-empty-error paused\\n", "")
    failure = await fails()
    assert (failure.outcome, failure.info) == (LATER, "SUPPLY EMPTY")
    assert not (cups.folder / "lp.words").exists()


async def test_closed_queue_gets_no_job(cups: Cups) -> None:
    cups.lpstat("printer q is idle.\\n\\tAlerts: none\\nq not accepting requests since Sun -\\n", "")
    assert "accepts no jobs" in str(await fails())


@pytest.mark.parametrize(("state", "fails_with"), [(JobState.COMPLETED, None), (JobState.ABORTED, INDETERMINATE)])
@pytest.mark.usefixtures("cups")
async def test_scheduler_tells_how_the_job_ended(state: JobState, fails_with: Outcome | None) -> None:
    scheduler = IppPrinter()
    scheduler.states, scheduler.job_reasons = [state], ["processing-to-stop-point"]
    async with scheduler.serving() as uri:
        server = uri.split("/")[2]
        if fails_with is None:
            assert await deliver(server=server) == Receipt(("q-7",))
        else:
            assert (await fails(server=server)).outcome is fails_with
    assert scheduler.asked == [Operation.GET_JOB_ATTRIBUTES]


@pytest.mark.usefixtures("cups")
async def test_unknown_end_of_a_job_is_a_warning() -> None:
    (warning,) = (await deliver(server="127.0.0.1:9")).warnings
    assert warning.startswith("q-7 has left the queue; its final state is unknown: ")


async def test_job_that_does_not_end_is_a_warning(cups: Cups) -> None:
    cups.lpstat(IDLE, "q-7  root 1 Sun\\n")
    assert (await deliver(follow=0.5)).warnings == ("q-7 did not end within 0.5 s",)


@pytest.mark.usefixtures("cups")
async def test_stopped_delivery_of_an_accepted_job_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def follow(_queue: CupsQueue, _job: str, _seconds: float) -> tuple[str, ...]:
        delivery.cancel()
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(CupsQueue, "follow", follow)
    delivery = asyncio.create_task(deliver())
    assert await delivery == Receipt(("q-7",), ("the delivery was stopped after the job was accepted",))


@pytest.mark.usefixtures("cups")
async def test_delivery_stopped_while_its_files_are_removed_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = asyncio.create_task(deliver())
    cancel_when_removed(monkeypatch, delivery.cancel)
    assert await delivery == Receipt(("q-7",), ("the delivery was stopped after the job was accepted",))


@pytest.mark.usefixtures("cups")
async def test_error_after_the_job_was_accepted_leaves_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def follow(_queue: CupsQueue, _job: str, _seconds: float) -> tuple[str, ...]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(CupsQueue, "follow", follow)
    failure = await fails()
    assert failure.outcome is INDETERMINATE
    assert "job q-7 was accepted, but its state is unknown: Too many open files" in str(failure)


async def test_silent_lp_leaves_doubt(cups: Cups) -> None:
    cups.script("lp", "time.sleep(60)")
    assert (await fails(seconds=0.5)).outcome is INDETERMINATE


async def test_silent_lpstat_is_named(cups: Cups) -> None:
    cups.script("lpstat", "time.sleep(60)")
    why = "lpstat did not end within 0.5 s and was killed"
    assert await PaperDestination(queue="q", seconds=0.5).check() == Condition("FAILURE", "PRINTER OFFLINE", why)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("sys.exit(3)", "lpstat failed with exit status 3"),
        ("sys.exit('lpstat: Bad file descriptor')", "lpstat: Bad file descriptor"),
        ("os.kill(os.getpid(), 9)", "lpstat was ended by SIGKILL"),
    ],
    ids=["silent", "error", "killed"],
)
async def test_failed_lpstat_leaves_doubt(cups: Cups, code: str, why: str) -> None:
    cups.script("lpstat", f"import os\nif '-p' not in sys.argv: {code}\nprint('{IDLE}')")
    failure = await fails()
    assert failure.outcome is INDETERMINATE
    assert str(failure).endswith(f"q-7 was accepted, but its state is unknown: {why}")


async def test_check_tells_the_state_of_the_queue(cups: Cups) -> None:
    assert await PaperDestination(queue="q").check() == Condition()
    cups.lpstat("printer q is idle.\\n\\tAlerts: toner-low-warning\\n", "")
    assert await PaperDestination(queue="q").check() == Condition("WARNING", "RIBBON ERROR", "toner-low")


async def test_empty_lines_of_lpstat_take_no_time(cups: Cups) -> None:
    """A scheduler may send any description of a queue; half a million empty lines must not occupy the event loop."""
    cups.script("lpstat", "print('printer q is idle.' + '\\n' * 500_000 + '\\tAlerts: media-low-warning')")
    assert await PaperDestination(queue="q").check() == Condition("WARNING", "SUPPLY LOW", "media-low")


async def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "lp is not installed" in (await PaperDestination(queue="q").check()).reason


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("queue", {"queue": ""}),
        ("queue", {"uri": "ipp://h/ipp/print"}),
        ("queue", {"queue": "-o raw"}),
        ("server", {"server": "-E"}),
        ("tray", {"tray": "a b"}),
        ("uri", {"queue": "", "uri": "lpd://h/q"}),
        ("media.A9", {"media": {"A9": "x"}}),
        ("media.A4", {"media": {"A4": "-x"}}),
        ("options", {"options": {"a b": "1"}}),
        ("options", {"options": {"a": "\n"}}),
        ("tls", {"tls": TLSFiles()}),
        ("tls", {"queue": "", "uri": "ipp://h/ipp/print", "tls": TLSFiles()}),
        ("follow", {"follow": 0.0}),
        ("seconds", {"seconds": 0.0}),
        ("dpi", {"dpi": 0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        PaperDestination(**{"queue": "q", **values})
    assert raised.value.key == key


async def test_killed_lp_leaves_doubt(cups: Cups) -> None:
    cups.script("lp", "import os; os.kill(os.getpid(), 9)")
    assert (await fails()).outcome is INDETERMINATE
