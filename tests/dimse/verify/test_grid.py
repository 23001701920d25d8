"""The grid: scripts, the answers of peers that agree or differ, and its outputs."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from evil import HOSTILE
from twin import HOST, Line, Twin, serving

from dimse.data import IMPLICIT_LE, Dataset, Element, Tag, encode
from dimse.errors import DecodeError
from dimse.message import CEchoRSP, NSetRSP, Request, Response, encode_command
from dimse.ul import PDU, PDV, AssociateAC, AssociateRQ, PDataTF, PresentationContextAC
from dimse.verify import Target
from dimse.verify.grid import Grid, labels, run_grid
from dimse.verify.grid_builtin import SCRIPTS
from dimse.verify.grid_output import grid_document, grid_page, grid_text
from dimse.verify.grid_script import parse_script, read_script

P_DATA = 0x04
FAILS = Twin(echoes=lambda command: command[:-2] + b"\x10\x01")  # status 0110


async def grid_of(text: str, *twins: Twin, name: str = "peer") -> Grid:
    """Return the grid of twins that run at the same time."""

    async def add(left: tuple[Twin, ...], ports: list[int]) -> Grid:
        if not left:
            names = labels(name for _ in ports)
            peers = [(each, Target(host=HOST, port=port)) for each, port in zip(names, ports, strict=True)]
            return await run_grid(parse_script("script", text), peers)
        async with serving(left[0]) as port:
            return await add(left[1:], [*ports, port])

    return await add(twins, [])


async def test_equal_peers_agree_on_each_line() -> None:
    grid = await grid_of(SCRIPTS["echo"], Twin(), Twin())
    assert grid.is_unanimous
    assert [answer.outcome for answer in grid.peers[0].answers] == ["AC(1=0)", "RSP(0000)", "RSP(0000)", "RP"]


async def test_value_that_cannot_be_encoded_is_not_sent() -> None:
    lines = (
        "associate Verification",
        "send C-ECHO-RQ MessageID=70000",
        "send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession FilmSessionLabel=é",
        "echo",
    )
    grid = await grid_of("\n".join(lines), Twin())
    accepted, *not_sent, echoed = (answer.outcome for answer in grid.peers[0].answers)
    assert (accepted, echoed) == ("AC(1=0)", "RSP(0000)")
    assert not_sent[0] == "not sent: '70000' is not between 0 and 65535"
    assert not_sent[1].startswith("not sent: (2000,0050): 'é' cannot be written in ISO-IR 6: ")


async def test_different_peers_are_in_different_groups() -> None:
    grid = await grid_of(SCRIPTS["echo"], Twin(), FAILS, Twin())
    assert [(group.letter, group.members) for group in grid.groups(1)] == [("A", (0, 2)), ("B", (1,))]
    assert [grid.agreement(0, other) for other in range(3)] == [4, 2, 4]


async def test_text_shows_both_answers() -> None:
    text = grid_text(await grid_of(SCRIPTS["echo"], Twin(), FAILS))
    assert "    A  RSP(0000)\n    B  RSP(0110)\n" in text
    assert text.endswith("peer and peer (2) agree on 2 of 4 lines\n")


async def test_document_has_groups_and_agreement() -> None:
    found = json.loads(json.dumps(grid_document(await grid_of(SCRIPTS["echo"], Twin(), FAILS))))
    assert (found["unanimous"], found["agreement"]) == (False, [[4, 2], [2, 4]])
    assert [group["outcome"] for group in found["steps"][1]["groups"]] == ["RSP(0000)", "RSP(0110)"]


async def test_page_escapes_the_texts_of_a_peer() -> None:
    syntax = HOSTILE[0]
    hostile = Twin(
        accepts=lambda ac, _: AssociateAC(
            called_ae_title=ac.called_ae_title,
            calling_ae_title=ac.calling_ae_title,
            presentation_contexts=(PresentationContextAC(1, 0, syntax),),
            user_information=ac.user_information,
        )
    )
    page = grid_page(await grid_of(SCRIPTS["echo"], Twin(), hostile, name=syntax))
    assert syntax not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_page_needs_no_network() -> None:
    page = grid_page(await grid_of(SCRIPTS["echo"], Twin(), Twin()))
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("name", SCRIPTS)
async def test_built_in_script_gets_an_answer_to_each_line(name: str) -> None:
    grid = await grid_of(SCRIPTS[name], Twin())
    assert not [answer for answer in grid.peers[0].answers if answer.outcome.startswith("not sent")]


async def test_lines_after_a_rejection_are_not_sent() -> None:
    grid = await grid_of("associate 1.2.3.4:implicit\necho\nabort\necho", Twin())
    assert [answer.outcome for answer in grid.peers[0].answers] == [
        "AC(1=3)",
        "not sent: the peer has accepted no context",
        "CLOSED",
        "not sent: there is no connection",
    ]


async def test_n_action_is_not_sent_unless_allowed() -> None:
    line = "send N-ACTION-RQ RequestedSOPClassUID=BasicFilmBox RequestedSOPInstanceUID=1.2 ActionTypeID=1"
    grid = await grid_of(f"associate BasicGrayscalePrintManagementMeta\n{line}", Twin())
    assert grid.peers[0].answers[1].outcome == "not sent: it could print"


def refusing_last(result: int) -> Twin:
    """Return a peer that refuses the last context with this result."""

    def accepts(ac: AssociateAC, _: AssociateRQ) -> PDU:
        *others, last = ac.presentation_contexts
        return replace(ac, presentation_contexts=(*others, replace(last, result=result)))

    return Twin(accepts=accepts)


async def test_results_of_many_contexts_are_compared() -> None:
    grid = await grid_of(f"associate {'Verification ' * 10}", refusing_last(1), refusing_last(2))
    assert [group.answer.facts[-1] for group in grid.groups(0)] == [
        "context 19: user-rejection",
        "context 19: no-reason",
    ]


def with_instance(uid: str) -> Twin:
    """Return a peer that answers N-GET with this SOP Instance UID in the Data Set."""
    data = encode(Dataset(SOPInstanceUID=uid), IMPLICIT_LE)
    return Twin(answers=lambda _, response: replace(response, Data=data))


async def test_equal_bytes_of_peers_agree() -> None:
    data = Dataset()
    data.add(Element(Tag(0x00091001), "UN", b"bytes "))
    same = Twin(answers=lambda _, response: replace(response, Data=encode(data, IMPLICIT_LE)))
    lines = (
        "associate BasicGrayscalePrintManagementMeta:implicit",
        "send N-GET-RQ RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance",
    )
    grid = await grid_of("\n".join(lines), same, same)
    assert grid.is_unanimous


async def test_empty_uid_differs_from_a_uid() -> None:
    lines = (
        "associate BasicGrayscalePrintManagementMeta:implicit",
        "send N-GET-RQ RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance",
    )
    grid = await grid_of("\n".join(lines), with_instance(""), with_instance("2.25.1"), with_instance("2.25.2"))
    assert [group.members for group in grid.groups(1)] == [(0,), (1, 2)]


def slow(*answers: tuple[float, Response]) -> Twin:
    """Return a peer that answers its messages with these responses, each after a number of seconds."""
    left = iter(answers)

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != P_DATA:
            return False
        seconds, response = next(left)
        answer = PDataTF((PDV(1, encode_command(response), True, True),))
        asyncio.get_running_loop().call_later(seconds, line.send, answer)
        return True

    return Twin(hears=hears)


@pytest.mark.skips_waits
async def test_slow_message_in_small_letters_is_awaited_as_long() -> None:
    lines = (
        "associate BasicGrayscalePrintManagementMeta:implicit",
        "send n-set-rq RequestedSOPClassUID=BasicFilmBox RequestedSOPInstanceUID=1.2.3",
    )
    grid = await grid_of("\n".join(lines), slow((5, NSetRSP(MessageIDBeingRespondedTo=1, Status=0))))
    assert grid.peers[0].answers[1].outcome == "RSP(0000)"


@pytest.mark.skips_waits
async def test_late_response_is_not_taken_for_the_next_one() -> None:
    responses = (CEchoRSP(MessageIDBeingRespondedTo=number, Status=number) for number in (1, 2, 3))
    grid = await grid_of("associate Verification\necho\necho\necho", slow(*zip((4, 2, 0), responses, strict=True)))
    outcomes = [answer.outcome for answer in grid.peers[0].answers]
    assert outcomes == ["AC(1=0)", "SILENCE (nothing within 3 s)", "RSP(0002)", "RSP(0003)"]


async def test_peer_cannot_choose_a_file_that_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_bytes(b"SECRET")
    monkeypatch.chdir(tmp_path)
    heard: list[bytes] = []

    def reads(_: Line, octets: bytes) -> bool:
        heard.append(octets)
        return False

    def answers(_: Request, response: Response) -> Response:
        return replace(response, Data=encode(Dataset(PrinterName="@key"), IMPLICIT_LE))

    lines = (
        "associate BasicGrayscalePrintManagementMeta:implicit",
        "send N-GET-RQ RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance",
        "let name = PrinterName",
        "raw $name",
    )
    grid = await grid_of("\n".join(lines), Twin(reads=reads, answers=answers))
    assert grid.peers[0].answers[-1].outcome.startswith("not sent: ")
    assert b"SECRET" not in b"".join(heard)


async def test_unreachable_peer_is_named() -> None:
    async with serving(Twin()) as port:
        pass
    grid = await run_grid(parse_script("s", "associate\necho"), [("gone", Target(host=HOST, port=port))])
    assert grid.peers[0].fault.startswith("no connection")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("associate\nprint", "s, line 2: 'print' is not one of the commands"),
        ("let x", "s, line 1: let needs the form: let NAME = VALUE"),
        ("let film-box = new", "s, line 1: 'film-box' is not a name: a letter, then letters and digits"),
        ("send", "s, line 1: send needs a message"),
        ("send $made", "s, line 1: send needs a message, not a value such as '.made'"),
        ('echo "', "s, line 1: a quote is not closed"),
        ("# nothing", "s has no command"),
    ],
)
def test_wrong_script_is_refused_with_its_line(text: str, error: str) -> None:
    with pytest.raises(DecodeError, match="^" + error.replace("'", ".")):
        parse_script("s", text)


def test_unknown_script_names_the_known_ones() -> None:
    with pytest.raises(DecodeError, match=r"neither a file nor a built-in script \(echo, contexts, stray\)"):
        read_script("nothing", SCRIPTS)


def test_overlong_script_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("echo\n" * (1 << 18))
    with pytest.raises(DecodeError, match="longer than a script may be"):
        read_script(str(path), SCRIPTS)


def test_script_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "script.txt"
    path.write_text("# Verification\necho\n", encoding="utf-8-sig")
    assert read_script(str(path), SCRIPTS).about == "Verification"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["A", "B", "A", "A"], ["A", "B", "A (2)", "A (3)"]),
        (["A", "A (2)", "A"], ["A", "A (2)", "A (3)"]),
        (["A", "A", "A (2)"], ["A", "A (3)", "A (2)"]),
        (["A (2)", "A", "A (2)", "A"], ["A (2)", "A", "A (2) (2)", "A (3)"]),
    ],
)
def test_labels_are_unique(names: list[str], found: list[str]) -> None:
    assert labels(names) == found
