"""Wrong arguments of `connect` and `serve`: each error names the argument, and nothing is opened."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from raw import ECHO

from dimse.errors import EncodeError
from dimse.net import VERIFICATION, Service, connect, serve
from dimse.net.arguments import check_address, check_choice

Opening = Callable[..., AbstractAsyncContextManager[Any]]


async def refusal(opening: Opening, *arguments: object, **keywords: object) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        async with opening(*arguments, **keywords):
            pass
    return caught.value


@pytest.mark.parametrize("port", [0, -1, 65536, 70000, 1 << 80, "104", 104.0, None], ids=repr)
async def test_connect_rejects_an_invalid_port(port: object) -> None:
    error = await refusal(connect, "127.0.0.1", port, ECHO)
    assert str(error) == f"port: {port!r} is not a port, 1 to 65535"


@pytest.mark.parametrize("port", [-1, 65536, 70000, "11112", None], ids=repr)
async def test_serve_rejects_an_invalid_port(port: object) -> None:
    error = await refusal(serve, [VERIFICATION], port=port)
    assert str(error) == f"port: {port!r} is not a port, 0 to 65535"


def test_lowest_and_highest_port_are_valid() -> None:
    check_address("127.0.0.1", 1)
    check_address("127.0.0.1", 0, lowest=0)
    check_address("127.0.0.1", 65535)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", "a\0b", "ü" * 64], ids=ascii)
async def test_connect_rejects_an_invalid_host(host: str) -> None:
    error = await refusal(connect, host, 104, ECHO)
    assert error.path == "host"
    assert f"{host!a} is not a valid host name" in str(error)


async def test_serve_rejects_an_invalid_host() -> None:
    error = await refusal(serve, [VERIFICATION], "a..b", 0)
    assert "host: 'a..b' is not a valid host name" in str(error)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("contexts", ["1.2.840.10008.1.1"], "is not a mapping of abstract syntaxes to their transfer syntaxes"),
        ("contexts", {}, "at least one presentation context is needed (PS3.8 §9.3.2)"),
        ("contexts", {"1.2": "1.2.840.10008.1.2"}, "'1.2.840.10008.1.2' is not a list of transfer syntax UIDs"),
        ("contexts", {"1.2": [5]}, "5 is not a transfer syntax UID"),
        ("contexts", {"1.2": []}, "at least one transfer syntax is needed (PS3.8 §9.3.2.2)"),
        ("contexts", {5: ["1.2"]}, "5 is not the UID of an abstract syntax"),
        ("called_ae_title", None, "None is not an AE title"),
        ("calling_ae_title", b"SCU", "b'SCU' is not an AE title"),
        ("handlers", [], "[] is not a mapping of (abstract syntax, message class) to a handler"),
        ("user_items", 5, "5 is not a list of user information items"),
        ("tls", True, "True is not a context from client_context or server_context"),
        ("trace", "trace.txt", "'trace.txt' is not callable"),
        ("limits", {}, "{} is not dimse.Limits"),
        ("timeouts", 5, "5 is not dimse.Timeouts, such as Timeouts(connect=5)"),
    ],
)
async def test_connect_names_the_wrong_argument(name: str, value: object, words: str) -> None:
    error = await refusal(connect, "127.0.0.1", 104, **{"contexts": ECHO, name: value})
    assert error.path.replace("-", "_").lower().startswith(name)
    assert error.what == words or error.what.endswith(f" {words}")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("services", VERIFICATION, "is not a list of dimse.Service"),
        ("services", ["1.2.840.10008.1.1"], "'1.2.840.10008.1.1' is not a dimse.Service"),
        ("services", [Service({"1.2": "1.2.840.10008.1.2"}, {})], "is not a list of transfer syntax UIDs"),
        ("window", 5, "5 is not an AsynchronousOperationsWindow"),
        ("host", None, "None is not the name or the address of a host"),
        ("policy", "PRINTSCU", "'PRINTSCU' is not callable"),
        ("tls", "cert.pem", "'cert.pem' is not a context from client_context or server_context"),
        ("trace", 1, "1 is not callable"),
        ("limits", 1, "1 is not dimse.Limits"),
        ("timeouts", None, "None is not dimse.Timeouts, such as Timeouts(connect=5)"),
    ],
)
async def test_serve_names_the_wrong_argument(name: str, value: object, words: str) -> None:
    error = await refusal(serve, **{"services": [VERIFICATION], "port": 0, name: value})
    assert (error.path, error.what.endswith(words)) == (name, True)


def test_choice_is_one_of_the_terms() -> None:
    check_choice("bits", 8, ("auto", 8, 12))
    with pytest.raises(EncodeError, match=r"^bits: 9 is not one of 'auto', 8, 12$"):
        check_choice("bits", 9, ("auto", 8, 12))
