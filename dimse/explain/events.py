"""The record as JSON: a header, then events, in the style of qlog. ``docs/trace-schema.json`` is its schema.

An event has the number of its association, a category, a name, and data. An event of a step also has a side and, if
known, a time in seconds since the start of the association. If it has bytes, it also has their range in the stream of
its side. The fields of all events cover each byte of the streams once.
"""

from collections.abc import Iterator

from ..version import __version__
from .elements import Field
from .machines import SIDES, Move
from .record import Contract, Step, ViewEvent

__all__ = ["SCHEMA_VERSION", "Event", "association_event", "events_of", "header"]

SCHEMA_VERSION = "1.1"
_SCHEMA = "trace-schema.json"
_SHOWN_BYTES = 256  # bytes of a field that are shown, unless all are wanted

Event = dict[str, object]


def header() -> Event:
    """Return the header of a trace."""
    return {
        "schema": _SCHEMA,
        "version": SCHEMA_VERSION,
        "generator": {"name": "dimse-print", "version": __version__},
        "time_unit": "s",
    }


def association_event(number: int, requestor: str, acceptor: str, start: float | None) -> Event:
    """Return the event that opens association ``number``; ``start`` is in seconds since 1970, or None if unknown."""
    addresses = {"requestor": requestor, "acceptor": acceptor}
    data: Event = {key: value for key, value in addresses.items() if value}
    if start is not None:
        data["start"] = start
    return {"association": number, "category": "association", "name": "start", "data": data}


def events_of(step: Step, association: int, start: float | None, *, whole: bool = False) -> Iterator[Event]:
    """Yield the events of a step; ``start`` is as in `association_event`. Long fields are cut unless ``whole``."""
    base: Event = {"association": association}
    if step.time is not None and start is not None:
        base["time"] = round(step.time - start, 6)
    side = SIDES[step.side]
    turns = iter(step.turns)
    for group in _groups(step.fields):
        first = group[0]
        data: Event = {"fields": [_field(one, whole) for one in group]}
        pieces = [piece for one in group for piece in one.ranges]
        place = (pieces[0][0], pieces[-1][1])
        if first.category == "pdu" and first.head and (turn := next(turns, None)):
            place = (turn.offset, turn.offset + turn.length)
            data = {"summary": turn.summary, **data}
        name = "Command Set" if first.category == "command" else first.name
        yield {
            **base,
            "side": side,
            "category": first.category,
            "name": name.removesuffix(" PDU"),
            "range": place,
            "data": data,
        }
    if step.messages:
        data = {"words": step.words, "context": step.messages[-1].context_id}
        if step.status is not None:
            data["status"] = step.status
        place = (step.offset, step.offset + step.length)
        yield {**base, "side": side, "category": "message", "name": step.name, "range": place, "data": data}
    if step.contract is not None:
        yield {**base, "side": side, "category": "negotiation", "name": "result", "data": _contract(step.contract)}
    for event in step.view_events:
        yield {**base, "side": side, "category": event.category, "name": event.name, "data": _view_event(event)}
    for move in step.moves:
        name = f"{move.before.name} {move.event.name}"
        yield {**base, "side": SIDES[move.side], "category": "state", "name": name, "data": _move(move)}


def _move(move: Move) -> Event:
    return {
        "before": move.before.name,
        "event": move.event.name,
        "action": move.action,
        "after": move.after.name,
        "words": move.event.value,
    }


def _groups(fields: tuple[Field, ...]) -> Iterator[list[Field]]:
    """Yield groups of fields: one for each PDU header, item, PDV, Command Set and element."""
    group: list[Field] = []
    for one in fields:
        if group and (one.head or one.category != group[0].category):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _field(one: Field, whole: bool) -> Event:
    """Return a field without empty members, and without its bytes if they are secret."""
    shown: Event = {"name": one.name, "depth": one.depth, "ranges": one.ranges}
    if one.tag is not None:
        shown["tag"] = f"({one.tag >> 16:04X},{one.tag & 0xFFFF:04X})"
    for key, value in (("vr", one.vr), ("value", one.value), ("table", one.table), ("error", one.error)):
        if value:
            shown[key] = value
    if one.secret:
        shown["secret"] = True
    elif one.data:
        shown["hex"] = (one.data if whole else one.data[:_SHOWN_BYTES]).hex()
        if not whole and len(one.data) > _SHOWN_BYTES:
            shown["elided"] = len(one.data) - _SHOWN_BYTES
    return shown


def _contract(contract: Contract) -> Event:
    contexts = []
    for context in contract.contexts:
        shown: Event = {
            "id": context.id,
            "abstract_syntax": context.abstract_syntax,
            "transfer_syntaxes": context.transfer_syntaxes,
            "result": context.result,
        }
        if context.transfer_syntax:
            shown["transfer_syntax"] = context.transfer_syntax
        contexts.append(shown)
    requestor, acceptor = contract.maximum_lengths
    return {
        "contexts": contexts,
        "maximum_length_received": {"requestor": requestor, "acceptor": acceptor},
        "window": {"invoked": contract.window[0], "performed": contract.window[1]},
        "roles": [{"sop_class": uid, "scu": scu, "scp": scp} for uid, scu, scp in contract.roles],
    }


def _view_event(event: ViewEvent) -> Event:
    shown: Event = {"words": event.words}
    if event.image:
        shown["image"] = {"width": event.width, "height": event.height, "bytes": len(event.image)}
    if event.boxes:
        keys = ("left", "top", "width", "height")
        shown["boxes"] = [{**dict(zip(keys, box, strict=False)), "words": box[4]} for box in event.boxes]
    return shown
