"""Peers with one fault each, for ENC."""

from collections.abc import Callable
from dataclasses import replace

from twin import Twin

from dimse.message import NSetRQ, Request, Response
from dimse.ul import AssociateAC, AssociateRQ, PresentationContextAC

from .common import P_DATA, Twins

__all__ = ["ENC"]

_INVALID_VALUE = 0x0106
_UNDEFINED_LENGTH = b"\xff\xff\xff\xff"
_GROUP_LENGTH = bytes.fromhex("0020 0000 0400 0000")
_PRIVATE_CREATOR = bytes.fromhex("0900 1000")
_LENGTH_4000 = bytes.fromhex("A00F 0000")
_ODD_PIXELS = 33 * 33 + 1


def refuses(which: Callable[[Request, bytes], bool]) -> Twin:
    """Return a peer that refuses a request if ``which`` is true of it and its Data Set."""

    def answers(request: Request, response: Response) -> Response:
        data = request.Data
        assert data is None or isinstance(data, bytes | bytearray | memoryview)
        return replace(response, Status=_INVALID_VALUE, Data=None) if which(request, bytes(data or b"")) else response

    return Twin(answers=answers)


def ignores_data(which: Callable[[bytes], bool]) -> Twin:
    """Return a peer that does not respond to a request if ``which`` is true of its Data Set."""

    def answers(request: Request, response: Response) -> Response | None:
        data = request.Data
        assert data is None or isinstance(data, bytes | bytearray | memoryview)
        return None if which(bytes(data or b"")) else response

    return Twin(answers=answers)


def accepts_any_syntax(ac: AssociateAC, rq: AssociateRQ) -> AssociateAC:
    """Accept each context with the first syntax that is proposed."""
    results = (PresentationContextAC(each.id, 0, each.transfer_syntaxes[0]) for each in rq.presentation_contexts)
    return replace(ac, presentation_contexts=tuple(results))


def garbles(_: Request, response: Response) -> Response:
    """Return the response with a Data Set in another syntax."""
    return response if response.Data is None else replace(response, Data=bytes.fromhex("1020 1000 0800 0000 4142"))


ENC: Twins = {
    "ENC-1.01": lambda: refuses(lambda request, _: isinstance(request, NSetRQ)),
    "ENC-1.02": lambda: Twin(answers=garbles),
    "ENC-1.03": lambda: replace(refuses(lambda _, data: bool(data)), accepts=accepts_any_syntax),
    "ENC-1.05": lambda: refuses(lambda _, data: _UNDEFINED_LENGTH in data),
    "ENC-1.06": lambda: refuses(lambda _, data: data.startswith(_GROUP_LENGTH)),
    "ENC-1.07": lambda: ignores_data(lambda data: _PRIVATE_CREATOR in data),
    "ENC-1.08": lambda: refuses(lambda _, data: b"SQ\xff\xff" in data),
    "ENC-1.09": lambda: refuses(lambda _, data: b"OW\0\0" in data),
    "ENC-1.10": lambda: refuses(lambda _, data: len(data) > _ODD_PIXELS),
    "ENC-1.11": lambda: Twin(hears=lambda _, pdu: pdu[0] == P_DATA and _LENGTH_4000 in pdu),
}
