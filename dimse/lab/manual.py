"""The manual of the laboratory: its commands, each with a description, and most with an example."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from ..errors import shown
from .forms import MESSAGE_NAMES
from .language import Mistake

__all__ = ["COMMANDS", "manual"]

_WIDTH = 100  # characters of a line of help


class _Page(NamedTuple):
    usage: str
    words: str
    examples: tuple[str, ...] = ()


COMMANDS = {
    "connect": _Page(
        "connect [SECONDS]",
        "Open the transport connection; with --listen, wait at most SECONDS for a peer to connect (default: an hour). "
        "If no connection is open, a command that sends something opens one, too.",
    ),
    "close": _Page("close", "Close the transport connection without sending a PDU."),
    "reset": _Page("reset", "End the transport connection with a TCP reset."),
    "associate": _Page(
        "associate [ABSTRACT[:TRANSFER,...] ...] [called=AE] [calling=AE] [max=N]",
        "Send an A-ASSOCIATE-RQ with one presentation context for each abstract syntax, Verification by default. UIDs "
        "may be written as keywords of PS3.6 Annex A; implicit and explicit stand for the two Little Endian syntaxes.",
        ("associate", "associate BasicGrayscalePrintManagementMeta Verification:implicit max=4096"),
    ),
    "accept": _Page(
        "accept [ABSTRACT[:TRANSFER,...] ...] [max=N]",
        "Answer an A-ASSOCIATE-RQ with an A-ASSOCIATE-AC that accepts all contexts, or only the contexts of the given "
        "abstract syntaxes.",
        ("accept", "accept Verification:implicit"),
    ),
    "reject": _Page(
        "reject [RESULT [SOURCE [REASON]]]",
        "Send an A-ASSOCIATE-RJ, by default 1, 1, 1: permanent, by the user, no reason given (PS3.8 Table 9-21).",
        ("reject 2 3 2",),
    ),
    "release": _Page("release", "Send an A-RELEASE-RQ."),
    "release-rp": _Page("release-rp", "Send an A-RELEASE-RP."),
    "abort": _Page(
        "abort [SOURCE [REASON]]",
        "Send an A-ABORT, by default 0, 0: by the user (PS3.8 Table 9-26).",
        ("abort 2 1",),
    ),
    "echo": _Page("echo", "Send a C-ECHO-RQ; the same as send C-ECHO-RQ."),
    "send": _Page(
        "send MESSAGE [on=CONTEXT] [max=N] [file=PATH] [KEYWORD=VALUE ...]",
        "Send a message. KEYWORD=VALUE sets an element of the Command Set if the message has this element there, "
        "otherwise of the Data Set, which is sent in the transfer syntax of the context. A backslash separates values; "
        "A[0].B is an attribute of an item; a sequence without a value is empty. Octets are written 0400, 7F*4096 or "
        "@FILE; hex:OCTETS writes octets into any attribute, unchanged. data=OCTETS sends a whole Data Set. file=PATH "
        "sends the Data Set of a DICOM file, whose attributes KEYWORD=VALUE may change. on=CONTEXT selects a "
        "presentation context; the default is a context for the SOP Class and, if possible, for the transfer syntax of "
        "the file. max=N is the length of the longest PDU. "
        f"Messages: {', '.join(MESSAGE_NAMES)}.",
        (
            "let session = new",
            "send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession AffectedSOPInstanceUID=$session NumberOfCopies=1",
            "send N-GET-RQ RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance",
            "send C-STORE-RQ file=slice.dcm SOPInstanceUID=new",
        ),
    ),
    "reply": _Page(
        "reply [STATUS] [KEYWORD=VALUE ...]",
        "Answer the last request of the peer, such as an N-EVENT-REPORT-RQ, with its Message ID and UIDs.",
        ("reply", "reply 0110H"),
    ),
    "raw": _Page("raw OCTETS ...", "Send any octets.", ("raw 0500 00000004 00*4", "raw @pdu.bin")),
    "pdu": _Page(
        "pdu TYPE [OCTETS ...] [length=N]",
        "Send a PDU of any type, with the correct length or with any other.",
        ("pdu 04H 0000000401030000 length=400", "pdu 0AH 00*4"),
    ),
    "patch": _Page(
        "patch OFFSET OCTETS ...",
        "Change octets of the next PDU or message; offsets count from 0, over all PDUs of a message.",
        ("patch 6 0000", "associate"),
    ),
    "cut": _Page("cut N", "Send only the first N octets of the next PDU or message.", ("cut 20", "echo")),
    "wait": _Page("wait [SECONDS]", "Wait for the peer, and show what it sends.", ("wait 30",)),
    "expect": _Page(
        "expect WORD ...",
        "Fail unless one line contains all the words. The command searches the lines that `brief` shows for the PDUs "
        "that the peer has sent since we last sent something, and the line about the end of the connection.",
        ("expect A-ASSOCIATE-AC", "expect Status=0000H"),
    ),
    "let": _Page(
        "let [NAME = new | KEYWORD | KEYWORD[N].KEYWORD]",
        "Give a name to a new UID, or to a value of the last message of the peer; $NAME stands for it afterwards. "
        "A word with $NAME cannot name a file. Without words, show all names.",
        ("let film = new", "let box = ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID"),
    ),
    "state": _Page("state", "Show the states of both sides, and the events that can happen in our state."),
    "contexts": _Page("contexts", "Show the accepted presentation contexts."),
    "brief": _Page("brief", "From now on, show one line for each PDU."),
    "full": _Page("full", "From now on, show each byte with its field."),
    "exit": _Page("exit", "The same as quit."),
    "help": _Page("help [COMMAND]", "Show the commands, or one of them with examples."),
    "quit": _Page("quit", "Close the connection and leave."),
}


def manual(words: Sequence[str]) -> Iterator[str]:
    """Yield the lines of all commands, or of one. Raises `Mistake` for a word that is not a command."""
    if not words:
        width = max(map(len, COMMANDS))
        for name, page in COMMANDS.items():
            yield f"{name:{width}}  {page.words.partition('. ')[0].rstrip('.')}."
        yield "help COMMAND shows one command with examples. # begins a comment, unless it is in quotes."
        yield "COMMAND & sends without listening to the peer before or afterwards; `wait` then shows what it has sent."
        return
    page_of = COMMANDS.get(words[0])
    if page_of is None:
        raise Mistake(f"{shown(words[0])} is not a command; `help` lists the commands")
    yield page_of.usage
    yield from wrap(page_of.words, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    for example in page_of.examples:
        yield f"  > {example}"
