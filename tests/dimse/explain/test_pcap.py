"""Packet captures: the layouts of files and frames, and segments of TCP in any order."""

import gzip
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import mutated

from dimse.errors import DecodeError
from dimse.explain import Connection, is_capture, read_capture

CLIENT, SERVER = ("192.0.2.1", 50000), ("192.0.2.2", 11112)
CLIENT6, SERVER6 = ("2001:db8::1", 50000), ("2001:db8::2", 11112)
SYN, ACK, FIN = 0x02, 0x10, 0x01
ETHERNET, RAW = 1, 101
End = tuple[str, int]


def tcp(
    source: End, destination: End, sequence: int, data: bytes = b"", flags: int = ACK, acknowledged: int = 0
) -> bytes:
    """Return a TCP segment in its IP datagram; RFC 9293, RFC 791, RFC 8200."""
    # ports, sequence, acknowledgment, data offset 6 (with 4 bytes of options), flags, window, checksum, urgent
    numbers = (sequence % 2**32, acknowledged % 2**32)
    header = struct.pack(">HHIIBBHHH", source[1], destination[1], *numbers, 6 << 4, flags, 9, 0, 0)
    segment = header + b"\1\1\1\0" + data
    ends = ip_address(source[0]).packed + ip_address(destination[0]).packed
    if len(ends) == 8:
        return struct.pack(">BxHHHBBH", 0x45, 20 + len(segment), 1, 0x4000, 64, 6, 0) + ends + segment
    return struct.pack(">IHBB", 6 << 28, len(segment), 6, 64) + ends + segment


def frame(datagram: bytes) -> bytes:
    return bytes(12) + (b"\x08\0" if datagram[0] >> 4 == 4 else b"\x86\xdd") + datagram


def pcap(packets: Iterable[bytes], link_type: int = RAW, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    """Return a file of tcpdump."""
    file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    for packet in packets:
        file += struct.pack(f"{order}IIII", 0, 0, len(packet), len(packet)) + packet
    return file


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def pcapng(packets: Iterable[bytes], link_type: int = RAW, order: str = "<", kind: int = 6) -> bytes:
    """Return a file of Wireshark: section header, interface, a block to be skipped, packets of ``kind``."""
    file = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    file += block(1, struct.pack(f"{order}HHI", link_type, 0, 0), order)
    file += block(5, bytes(12), order)
    for packet in packets:
        head = {
            6: struct.pack(f"{order}IIIII", 0, 0, 0, len(packet), len(packet)),
            3: struct.pack(f"{order}I", len(packet)),
            2: struct.pack(f"{order}HHIIII", 0, 0, 0, 0, len(packet), len(packet)),
        }[kind]
        file += block(kind, head + packet, order)
    return file


def talk(client: End = CLIENT, server: End = SERVER, start: int = 1000) -> Iterator[bytes]:
    """Yield a handshake, a question, an answer."""
    yield tcp(client, server, start, flags=SYN)
    yield tcp(server, client, 7000, flags=SYN | ACK)
    yield tcp(client, server, start + 1)
    yield tcp(client, server, start + 1, b"question")
    yield tcp(server, client, 7001, b"answer")
    yield tcp(client, server, start + 9, flags=FIN | ACK)


def pieces_of(connection: Connection) -> list[tuple[bool, bytes]]:
    return [(by_client, bytes(piece)) for by_client, piece in connection.pieces]


def only_connection(data: bytes) -> Connection:
    (connection,) = read_capture(data)
    return connection


TALK = [(True, b"question"), (False, b"answer")]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D], ids=["microseconds", "nanoseconds"])
def test_pcap_is_read_in_both_byte_orders_and_clocks(order: str, magic: int) -> None:
    file = pcap(talk(), order=order, magic=magic)
    assert is_capture(file)
    connection = only_connection(file)
    assert pieces_of(connection) == TALK
    assert (connection.client, connection.server) == ("192.0.2.1:50000", "192.0.2.2:11112")
    assert connection.gaps == []


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [6, 3, 2], ids=["enhanced", "simple", "obsolete"])
def test_pcapng_is_read_with_all_packet_blocks(order: str, kind: int) -> None:
    file = pcapng(talk(), order=order, kind=kind)
    assert is_capture(file)
    assert pieces_of(only_connection(file)) == TALK


def test_each_section_of_pcapng_has_its_interfaces() -> None:
    packets = list(talk())
    file = pcapng(packets[:4]) + pcapng(map(frame, packets[4:]), ETHERNET, order=">")
    assert pieces_of(only_connection(file)) == TALK


@pytest.mark.parametrize(
    ("link_type", "wrapped"),
    [
        (0, lambda d: b"\x02\0\0\0" + d),
        (1, frame),
        (1, lambda d: bytes(12) + b"\x81\0\0\x07" + frame(d)[12:]),  # a VLAN tag
        (1, lambda d: bytes(12) + b"\x88\xa8\0\x07\x81\0\0\x07" + frame(d)[12:]),  # two of them
        (1, lambda d: bytes(12) + b"\x88\x47\0\1\0\x40\0\2\1\x40" + d),  # two MPLS labels
        (1, lambda d: bytes(12) + b"\x88\x64\x11\0\0\1\0\0\0\x21" + d),  # PPPoE
        (9, lambda d: b"\xff\3\0\x21" + d),
        (9, lambda d: b"\0\x21" + d),
        (12, lambda d: d),
        (14, lambda d: d),
        (101, lambda d: d),
        (108, lambda d: b"\0\0\0\x02" + d),
        (113, lambda d: bytes(14) + frame(d)[12:]),
        (113, lambda d: bytes(14) + b"\x81\0\0\x07" + frame(d)[12:]),
        (228, lambda d: d),
        (276, lambda d: frame(d)[12:14] + bytes(18) + d),
        (276, lambda d: b"\x81\0" + bytes(18) + b"\0\x07" + frame(d)[12:]),
    ],
)
def test_frames_of_each_network_are_read(link_type: int, wrapped: object) -> None:
    assert callable(wrapped)
    assert pieces_of(only_connection(pcap(map(wrapped, talk()), link_type))) == TALK


@pytest.mark.parametrize("link_type", [101, 229])
def test_ipv6_is_read(link_type: int) -> None:
    connection = only_connection(pcap(talk(CLIENT6, SERVER6), link_type))
    assert pieces_of(connection) == TALK
    assert connection.server == "[2001:db8::2]:11112"


def test_ipv6_extension_headers_are_skipped() -> None:
    datagram = tcp(CLIENT6, SERVER6, 1, b"hello")
    options = b"\x3c\0" + bytes(6) + b"\x06\1" + bytes(14)  # hop-by-hop of 8 bytes, then destination options of 16
    length = struct.pack(">H", len(datagram) - 40 + len(options))
    longer = datagram[:4] + length + b"\0" + datagram[7:40] + options + datagram[40:]
    assert pieces_of(only_connection(pcap([longer]))) == [(True, b"hello")]


def test_padding_of_a_short_frame_is_dropped() -> None:
    assert pieces_of(only_connection(pcap([frame(tcp(CLIENT, SERVER, 1, b"x")) + bytes(6)], ETHERNET))) == [
        (True, b"x")
    ]


def test_datagram_of_length_zero_is_whole() -> None:
    datagram = tcp(CLIENT, SERVER, 1, b"hello")
    assert pieces_of(only_connection(pcap([datagram[:2] + b"\0\0" + datagram[4:]]))) == [(True, b"hello")]
    datagram = tcp(CLIENT6, SERVER6, 1, b"hello")
    assert pieces_of(only_connection(pcap([datagram[:4] + b"\0\0" + datagram[6:]]))) == [(True, b"hello")]


def test_other_traffic_is_skipped() -> None:
    question = tcp(CLIENT, SERVER, 1, b"x")
    others = [
        b"",
        b"\x45",
        b"\x60\0\0\0",
        b"\x99" * 60,
        question[:9] + b"\x11" + question[10:],  # UDP
        question[:6] + b"\x20\0" + question[8:],  # a fragment
        b"\x44" + question[1:],  # a header of 16 bytes
        question[:30],
        tcp(CLIENT6, SERVER6, 1, b"x")[:6] + b"\x2c" + bytes(60),  # a fragment
    ]
    assert read_capture(pcap(others)) == []
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    assert read_capture(pcap([arp, b"", bytes(12)], ETHERNET)) == []
    assert read_capture(pcap([bytes(44)], 113)) == read_capture(pcap([bytes(44)], 276)) == []


# --- fragments ---


def fragments(datagram: bytes, *ends: int) -> list[bytes]:
    """Return the fragments of a datagram, which end at these places of its payload; RFC 791, RFC 8200."""
    is_v4 = datagram[0] >> 4 == 4
    header = 20 if is_v4 else 40
    payload, found = datagram[header:], []
    for start, end in pairwise((0, *ends, len(payload))):
        more = end < len(payload)
        if is_v4:
            head = datagram[:2] + struct.pack(">HHH", header + end - start, 7, more << 13 | start // 8)
            found.append(head + datagram[8:header] + payload[start:end])
        else:
            head = datagram[:4] + struct.pack(">HB", 8 + end - start, 44) + datagram[7:header]
            found.append(head + struct.pack(">BxHI", datagram[6], start | more, 7) + payload[start:end])
    return found


ENDS = pytest.mark.parametrize("ends", [(CLIENT, SERVER), (CLIENT6, SERVER6)], ids=["IPv4", "IPv6"])
TEXT = bytes(range(65, 91)) * 4


@ENDS
@pytest.mark.parametrize("order", [*permutations(range(4))], ids=str)
def test_fragments_are_joined_in_any_order(ends: tuple[End, End], order: tuple[int, ...]) -> None:
    parts = fragments(tcp(*ends, 1, TEXT), 8, 24, 64)
    assert pieces_of(only_connection(pcap(parts[number] for number in order))) == [(True, TEXT)]


@ENDS
def test_repeated_fragments_are_dropped(ends: tuple[End, End]) -> None:
    parts = fragments(tcp(*ends, 1, TEXT), 24, 64)
    again = fragments(tcp(*ends, 1, TEXT.lower()), 24, 64)
    assert whole(only_connection(pcap([parts[0], again[0], parts[1], again[1], parts[2]]))) == TEXT


@ENDS
def test_missing_fragment_is_a_gap(ends: tuple[End, End]) -> None:
    first, second = tcp(*ends, 1, b"ab"), tcp(*ends, 3, TEXT)
    packets = [first, *fragments(second, 24, 64)[1:], tcp(*ends, 3 + len(TEXT), b"end")]
    connection = only_connection(pcap(packets))
    assert (whole(connection), connection.gaps) == (b"ab", [(True, 2)])


@ENDS
def test_padding_of_a_fragment_is_dropped(ends: tuple[End, End]) -> None:
    parts = [frame(part) + bytes(6) for part in fragments(tcp(*ends, 1, TEXT), 24, 64)]
    assert whole(only_connection(pcap(parts, ETHERNET))) == TEXT


def test_only_fragment_of_a_datagram_is_read() -> None:
    (only,) = fragments(tcp(CLIENT6, SERVER6, 1, TEXT))
    assert whole(only_connection(pcap([only]))) == TEXT


def test_fragments_of_another_protocol_are_skipped() -> None:
    question = tcp(CLIENT, SERVER, 1, TEXT)
    assert read_capture(pcap(fragments(question[:9] + b"\x11" + question[10:], 24, 64))) == []
    question = tcp(CLIENT6, SERVER6, 1, TEXT)
    assert read_capture(pcap(fragments(question[:6] + b"\x11" + question[7:], 24, 64))) == []


def test_options_within_fragments_are_skipped() -> None:
    datagram = tcp(CLIENT6, SERVER6, 1, TEXT)
    datagram = datagram[:6] + b"\x3c" + datagram[7:40] + b"\x06\0" + bytes(6) + datagram[40:]
    assert whole(only_connection(pcap(fragments(datagram, 24, 64)))) == TEXT


def test_endless_fragments_are_forgotten() -> None:
    first, last = fragments(tcp(CLIENT, SERVER, 1, TEXT), 24)
    others = [first[:4] + struct.pack(">H", 100 + number) + first[6:] for number in range(1024)]
    assert read_capture(pcap([first, *others, last])) == []
    assert whole(only_connection(pcap([first, *others[1:], last]))) == TEXT


# --- TCP ---


def client_says(*segments: tuple[int, bytes], start: int = 1000) -> Connection:
    """Return the connection of client segments, each with its place in the stream."""
    syn = tcp(CLIENT, SERVER, start, flags=SYN)
    return only_connection(pcap([syn, *(tcp(CLIENT, SERVER, start + 1 + place, data) for place, data in segments)]))


def whole(connection: Connection) -> bytes:
    return b"".join(piece for _, piece in connection.pieces)


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=4), st.sampled_from([0, 1000, 2**32 - 12]))
def test_segments_are_ordered_and_repeats_dropped(order: list[int], again: list[int], start: int) -> None:
    """Sequence numbers wrap around at 2^32."""
    text = b"abcdefghijklmnopqrstuvwx"
    segments = [(3 * n, text[3 * n : 3 * n + 3]) for n in order + again]
    connection = client_says(*segments, start=start)
    assert whole(connection) == text
    assert connection.gaps == []


def test_first_copy_of_overlapping_segments_stays() -> None:
    assert whole(client_says((0, b"abcd"), (2, b"CDef"), (0, b"xxxx"), (6, b"gh"))) == b"abcdefgh"
    assert whole(client_says((4, b"ef"), (2, b"cdEF"), (4, b"EFgh"), (0, b"ab"))) == b"abcdEFgh"


def test_keep_alive_adds_nothing() -> None:
    assert whole(client_says((0, b"ab"), (1, b"\0"), (2, b"cd"))) == b"abcd"


def test_missing_segment_is_a_gap() -> None:
    connection = client_says((0, b"ab"), (4, b"ef"))
    assert pieces_of(connection) == [(True, b"ab")]
    assert connection.gaps == [(True, 2)]


def test_missing_last_segment_is_a_gap() -> None:
    syn, fin = tcp(CLIENT, SERVER, 1000, flags=SYN), tcp(CLIENT, SERVER, 1005, flags=FIN | ACK)
    connection = only_connection(pcap([syn, tcp(CLIENT, SERVER, 1001, b"ab"), fin]))
    assert (whole(connection), connection.gaps) == (b"ab", [(True, 2)])


def test_packet_captured_in_part_is_a_gap() -> None:
    first = tcp(CLIENT, SERVER, 1, b"abcd")[:-2]
    connection = only_connection(pcap([first, tcp(CLIENT, SERVER, 5, b"ef")]))
    assert (whole(connection), connection.gaps) == (b"ab", [(True, 2)])


def test_first_sender_is_the_client_without_a_handshake() -> None:
    connection = only_connection(pcap(list(talk())[3:]))
    assert pieces_of(connection) == TALK
    assert connection.client == "192.0.2.1:50000"


def test_syn_ack_tells_the_client_without_a_syn() -> None:
    assert only_connection(pcap(list(talk())[1:])).client == "192.0.2.1:50000"


def test_concurrent_connections_stay_apart() -> None:
    one, other = talk(), talk(("192.0.2.3", 50000))
    packets = [packet for pair in zip(one, other, strict=True) for packet in pair]
    connections = read_capture(pcap(packets))
    assert [connection.client for connection in connections] == ["192.0.2.1:50000", "192.0.2.3:50000"]
    assert [pieces_of(connection) for connection in connections] == [TALK, TALK]


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With gzip, a megabyte can have millions of them. Those before the bound are returned."""
    monkeypatch.setattr("dimse.explain.pcap._MAX_CONNECTIONS", 2)
    packets = [packet for port in (1, 2, 3) for packet in talk(client=(CLIENT[0], port))]
    faults: list[DecodeError] = []
    assert len(read_capture(pcap(packets), faults)) == 2
    assert list(map(str, faults)) == ["the capture has more than 2 connections"]


def test_reused_port_is_a_new_connection() -> None:
    connections = read_capture(pcap([*talk(), *talk(start=5000)]))
    assert [pieces_of(connection) for connection in connections] == [TALK, TALK]


@pytest.mark.parametrize("start", [1000, 5000, 2**32 - 5000], ids=["same", "higher", "lower"])
def test_syn_after_the_end_opens_a_new_connection(start: int) -> None:
    connections = read_capture(pcap([*talk(), *talk(start=start)]))
    assert [pieces_of(connection) for connection in connections] == [TALK, TALK]


@pytest.mark.parametrize("start", [5000, 2**31, 2**32 - 5000])
def test_data_after_the_end_opens_a_new_connection(start: int) -> None:
    """The handshake of the second connection was not captured."""
    connections = read_capture(pcap([*talk(), *[*talk(start=start)][3:]]))
    assert pieces_of(connections[0]) == TALK
    assert [pieces_of(connection)[0] for connection in connections] == [TALK[0], TALK[0]]


def test_data_far_away_opens_a_new_connection() -> None:
    """Neither the end of the first connection was captured, nor the handshake of the second."""
    connections = read_capture(pcap([*[*talk()][:4], tcp(CLIENT, SERVER, 2**31, b"question")]))
    assert [pieces_of(connection) for connection in connections] == [TALK[:1], TALK[:1]]


@pytest.mark.parametrize("late", [tcp(CLIENT, SERVER, 1001, b"question"), tcp(CLIENT, SERVER, 1008, b"\0")])
def test_repeated_data_after_the_end_adds_nothing(late: bytes) -> None:
    assert pieces_of(only_connection(pcap([*talk(), late]))) == TALK


def test_repeated_syn_is_not_a_new_connection() -> None:
    first, *rest = talk()
    assert pieces_of(only_connection(pcap([first, first, *rest]))) == TALK


# --- the file around the packets ---


def test_capture_may_be_compressed_by_gzip() -> None:
    file = gzip.compress(pcap(talk())[:100]) + gzip.compress(pcap(talk())[100:])  # two members are one file
    assert is_capture(file)
    assert pieces_of(only_connection(file)) == TALK


def test_damaged_gzip_is_read_up_to_the_damage() -> None:
    faults: list[DecodeError] = []
    (connection,) = read_capture(gzip.compress(pcap(talk()))[:-8], faults)
    assert pieces_of(connection) == TALK
    assert str(faults[0]).startswith("gzip: the compressed capture is damaged")


def test_compressed_capture_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.pcap._MAX_UNPACKED", 1 << 20)
    faults: list[DecodeError] = []
    read_capture(gzip.compress(pcap([bytes(2 << 20)])), faults)
    assert str(faults[0]) == "gzip: the capture has more than 1 MiB"


def test_other_networks_are_skipped_with_an_error() -> None:
    """A capture of all interfaces may have Bluetooth or USB beside Ethernet."""
    strange = block(1, struct.pack("<HHI", 220, 0, 0)) + block(6, struct.pack("<IIIII", 1, 0, 0, 4, 4) + b"data")
    faults: list[DecodeError] = []
    (connection,) = read_capture(pcapng([]) + strange * 2 + pcapng(talk()), faults)
    assert pieces_of(connection) == TALK
    assert len(faults) == 1
    assert "link type 220 of a captured network is not one of" in str(faults[0])


@pytest.mark.parametrize("order", ["<", ">"])
def test_times_count_from_the_offset_of_their_interface(order: str) -> None:
    options = struct.pack(f"{order}HHB3xHHq", 9, 1, 0, 14, 8, -100)  # seconds, from 100 seconds before 1970
    file = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    file += block(1, struct.pack(f"{order}HHI", RAW, 0, 0) + options, order)
    for packet in talk():
        file += block(6, struct.pack(f"{order}IIIII", 0, 0, 1100, len(packet), len(packet)) + packet, order)
    assert only_connection(file).times == [1000.0, 1000.0]


def test_simple_packet_has_no_time_though_its_interface_has_an_offset() -> None:
    options = struct.pack("<HHq", 14, 8, 1_700_000_000)
    file = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    file += block(1, struct.pack("<HHI", RAW, 0, 0) + options)
    for packet in talk():
        file += block(3, struct.pack("<I", len(packet)) + packet)
    assert only_connection(file).times == [0.0, 0.0]


# --- broken files ---


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "neither a pcap nor a pcapng file"),
        (b"GIF89a", "neither a pcap nor a pcapng file"),
        (pcap([])[:20], "file header: the capture is cut off: 24 bytes wanted, 20 left"),
        (pcap([b"xxxx"])[:-1], "packet: the capture is cut off: 4 bytes wanted, 3 left (at byte 40)"),
        (pcap([]) + bytes(3), "packet header: the capture is cut off"),
        (pcap([b"xxxx"], 147), "link type 147"),
        (pcapng([])[:9], "block: the capture is cut off: 12 bytes wanted, 9 left"),
        (pcapng([])[:-4], "block: the capture is cut off"),
        (
            pcapng([]) + struct.pack("<III", 6, 8, 8),
            "block: length 8 is below 12 or not a multiple of 4",
        ),
        (
            pcapng([]) + block(6, struct.pack("<IIIII", 1, 0, 0, 0, 0)),
            "a packet of interface 1; interfaces described before it: 1",
        ),
        (
            pcapng([]) + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)),
            "enhanced packet: the block is too short: 99 bytes wanted, 0 left (at byte 72)",
        ),
        (pcapng([]) + block(2, bytes(4)), "packet: the block is too short"),
        (pcapng([]) + block(1, b""), "interface: the block is too short"),
    ],
)
def test_broken_file_raises_decode_error(data: bytes, what: str) -> None:
    with pytest.raises(DecodeError, match=what.replace("(", r"\(").replace(")", r"\)")):
        read_capture(data)


FILES = [
    pcap(map(frame, talk()), ETHERNET),
    pcapng(talk(CLIENT6, SERVER6)),
    pcapng(map(frame, talk()), ETHERNET, order=">", kind=2),
]


@given(mutated(st.sampled_from(FILES)))
def test_mutated_capture_raises_nothing_but_decode_error(data: bytes) -> None:
    try:
        connections = read_capture(data)
    except DecodeError:
        return
    for connection in connections:
        assert sum(len(piece) for _, piece in connection.pieces) <= len(data)


# --- causes before their effects ---


@pytest.mark.parametrize("start", [1000, 2**32 - 4])
def test_answer_comes_after_the_bytes_it_acknowledges(start: int) -> None:
    """A capture may have the packets of one direction late."""
    question, answer, thanks = (
        tcp(CLIENT, SERVER, start + 1, b"question", acknowledged=7001),
        tcp(SERVER, CLIENT, 7001, b"answer", acknowledged=start + 9),
        tcp(CLIENT, SERVER, start + 9, b"thanks", acknowledged=7007),
    )
    handshake = (tcp(CLIENT, SERVER, start, flags=SYN), tcp(SERVER, CLIENT, 7000, flags=SYN | ACK, acknowledged=1))
    for order in ((question, answer, thanks), (answer, question, thanks), (thanks, answer, question)):
        assert pieces_of(only_connection(pcap([*handshake, *order]))) == [
            (True, b"question"),
            (False, b"answer"),
            (True, b"thanks"),
        ]


def test_answer_to_missing_bytes_is_kept() -> None:
    handshake = (tcp(CLIENT, SERVER, 1000, flags=SYN), tcp(SERVER, CLIENT, 7000, flags=SYN | ACK))
    answer = tcp(SERVER, CLIENT, 7001, b"answer", acknowledged=1009)
    assert pieces_of(only_connection(pcap([*handshake, answer]))) == [(False, b"answer")]
