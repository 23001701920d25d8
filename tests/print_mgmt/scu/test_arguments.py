"""Arguments of `PrintClient`: each wrong one is named."""

import pytest

from dimse.errors import EncodeError
from print_mgmt import PrintClient


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("host", None, "None is not the name or the address of a host"),
        ("port", 70000, "70000 is not a port, 1 to 65535"),
        ("called_ae_title", "A" * 17, "an AE title has 1 to 16 characters"),
        ("calling_ae_title", 5, "5 is not an AE title"),
        ("color", "yes", "'yes' is not one of None, False, True"),
        ("bits", 10, "10 is not one of 'auto', 8, 12"),
        ("action", "print", "'print' is not one of 'auto', 'film', 'session'"),
        ("optional", "1.2.840.10008.5.1.1.15", "is not a list of SOP Class UIDs"),
        ("profile", "agfa-ds3000", "'agfa-ds3000' is not a Profile, which print_mgmt.profile(NAME) makes"),
        ("retries", -1, "-1 is not a whole number from 0"),
        ("tls", True, "True is not a context from client_context or server_context"),
        ("timeouts", 5.0, "5.0 is not dimse.Timeouts"),
    ],
)
def test_error_names_the_wrong_argument(name: str, value: object, words: str) -> None:
    arguments: dict[str, object] = {"host": "127.0.0.1", name: value}
    with pytest.raises(EncodeError) as caught:
        PrintClient(**arguments)  # type: ignore[arg-type]  # on purpose
    assert caught.value.path == name
    assert words in caught.value.what
