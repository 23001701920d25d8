"""PERF: the speed of a printer. These cases do not judge; the report has their figures."""

import asyncio
from collections.abc import Awaitable

from dimse.uids import BasicFilmBox
from dimse.verify import Case, Flags, Level, Peer, Unprepared
from dimse.verify.case import CaseRun
from dimse.verify.cases.perf import MAX_ENTRIES, kept, note_percentiles
from dimse.verify.observation import RULE_KEPT, Kept, Seen, succeeded

from ..conversation import DEEP, Conversation, conversation, prepare, unimplemented
from ..steps import on_print

__all__ = ["PERF", "large_images", "time_film"]

_ROWS, _COLUMNS, _TIMES = 2560, 2048, 5
_MAX_PDU = 128 << 10  # octets; few peers accept longer P-DATA-TF PDUs, and none is faster with them
_SIDE = 1024  # rows and columns of the film


def large_images(rows: int = _ROWS, columns: int = _COLUMNS, times: int = _TIMES) -> CaseRun:
    """Return the run that measures ``times`` N-SETs of an image of 12 bits in 16, or of 8 bits if these are refused."""

    async def run(talk: Conversation) -> Seen:
        talk.peer.trace.max_entries = MAX_ENTRIES
        await talk.prepare_film_box()
        talk.wire.max_length = min(talk.wire.max_length or _MAX_PDU, _MAX_PDU)
        data = _image(talk, rows, columns, is_deep=True)
        with talk.patiently():
            if not succeeded(seen := await talk.set_image(data)):
                data = _image(talk, rows, columns, is_deep=False)
                seen = await talk.set_image(data)
            if not succeeded(seen):
                raise unimplemented(f"the printer does not accept an image of {columns} x {rows}: {seen}")
            found = [await _seconds_of(talk.set_image(data)) for _ in range(times)]
        median = note_percentiles(talk.peer, "N-SET", found, (50,))
        talk.peer.measured["N-SET"] = (round(len(data) / median / 1000, 1), "MB/s")
        talk.peer.measured["P-DATA-TF"] = (talk.wire.max_length, "bytes")
        return kept(median, f"N-SET of {len(data)} bytes")

    return on_print(run)


def _image(talk: Conversation, rows: int, columns: int, *, is_deep: bool) -> bytes:
    pixels = bytes(rows * columns * (3 if talk.is_color else 1) * (2 if is_deep else 1))
    return talk.encoded(talk.image_box(rows, columns, pixels, **(DEEP if is_deep else {})))


async def _seconds_of(operation: Awaitable[Seen]) -> float:
    """Return the seconds that an operation takes. Raises `Unprepared` if it fails."""
    clock = asyncio.get_running_loop().time
    start = clock()
    seen = await operation
    if not succeeded(seen):
        raise Unprepared(f"a step failed: {seen}")
    return clock() - start


async def time_film(peer: Peer) -> Seen:
    """Print one film, and measure each step. Raises `Unprepared` if a step fails."""
    clock = asyncio.get_running_loop().time
    await prepare(peer)
    start = clock()
    async with conversation(peer) as talk:
        steps = {"associate": clock() - start}
        talk.take_film()
        with talk.patiently():
            steps["film session"] = await _seconds_of(talk.create_session())
            steps["film box"] = await _seconds_of(talk.create_film_box(talk.film_box(talk.layout)))
            steps["image box"] = await _seconds_of(talk.set_image(talk.plain_image(_SIDE, _SIDE)))
            steps["N-ACTION"] = await _seconds_of(talk.ask(talk.action(BasicFilmBox, talk.film_uid)))
    total = sum(steps.values())
    for name, seconds in {**steps, "all": total}.items():
        peer.measured[name] = (round(seconds * 1000, 3), "ms")
    return Kept(f"a film of {_SIDE} x {_SIDE} in {total * 1000:.1f} ms")


def _figures(number: str, title: str, run: CaseRun, needs: Flags) -> Case:
    return Case(
        id=f"PERF-1.{number}", title=title, section="-", level=Level.INFO, needs=needs, run=run, passes=(RULE_KEPT,)
    )


PERF: tuple[Case, ...] = (
    _figures("03", "N-SET of large images", large_images(), Flags.GRAY_META),
    _figures("04", "A film from association to N-ACTION-RSP", time_film, Flags.PRINT | Flags.FILM),
)
