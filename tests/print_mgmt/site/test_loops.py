"""Destinations that print on their own site."""

import socket
from pathlib import Path

import pytest

from print_mgmt.site import SiteErrors, read_site

SITE = """
[listen]
port = 104
[printers.film]
ae_title = "FILM"
[printers.other]
ae_title = "OTHER"
[destinations.files]
type = "folder"
path = "films"
[destinations.relay]
type = "printer"
printers = ["OTHER@127.0.0.1:104"]
"""
FROM = '[[routes]]\nclient = ["{}"]\nto = ["relay"]\n[[routes]]\nto = ["files"]'  # films of this client come back


@pytest.mark.parametrize(
    "routes",
    [
        'called = ["FILM"]\nto = ["relay"]\n[[routes]]\nto = ["files"]',
        'calling = ["DIMSE-PRINT"]\nto = ["files"]\n[[routes]]\nto = ["relay"]',
        'called = ["OTHER"]\nto = ["relay"]\nhold = true',
        'color = true\nFilmSizeID = ["A4"]\nto = ["relay"]\nchange = { FilmSizeID = "A3" }\n[[routes]]\nto = ["files"]',
        'MediumType = ["PARCHMENT"]\nto = ["relay"]\n[[routes]]\nto = ["files"]',
    ],
    ids=["another printer", "another client", "an operator", "another size", "a medium that no printer has"],
)
def test_site_may_print_on_itself(routes: str) -> None:
    assert read_site(f"{SITE}[[routes]]\n{routes}").routes


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LocalHost", "0.0.0.0"])
def test_endless_loop_is_refused(host: str) -> None:
    with pytest.raises(SiteErrors) as caught:
        read_site(SITE.replace("127.0.0.1", host))
    (line,) = caught.value.lines
    assert line.endswith("destinations.relay.printers: prints on this site, whose routes send the films here again")


@pytest.mark.parametrize(
    "condition", ["color = true", "color = false", 'FilmSizeID = ["A4"]', 'MediumType = ["PAPER"]']
)
def test_loop_of_some_films_is_refused(condition: str) -> None:
    routes = f'[[routes]]\n{condition}\nto = ["relay"]\n[[routes]]\nto = ["files"]'
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(f"{SITE}{routes}")


@pytest.fixture
def one_has_color(tmp_path: Path) -> str:
    """Return a site where one printer has only color, the other only gray, and each has a destination."""
    site = SITE
    for title, meta in (("FILM", "BasicColorPrintManagementMeta"), ("OTHER", "BasicGrayscalePrintManagementMeta")):
        (tmp_path / f"{title}.toml").write_text(f'sop_classes = ["{meta}"]')
        site = site.replace(f'"{title}"', f'"{title}"\nconfig = "{tmp_path / title}.toml"', 1)
    return site + '[destinations.second]\ntype = "printer"\nprinters = ["FILM@127.0.0.1:104"]\n'


def test_loop_that_changes_the_color_is_refused(one_has_color: str) -> None:
    """A printer without gray gets a gray film in color."""
    first = '[[routes]]\ncalled = ["FILM"]\ncolor = true\nto = ["relay"]\n'
    second = '[[routes]]\ncalled = ["OTHER"]\ncolor = false\nto = ["second"]\n'
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(f'{one_has_color}{first}{second}[[routes]]\nto = ["files"]')


def test_printer_without_gray_sends_no_gray_film_back(one_has_color: str) -> None:
    assert read_site(f'{one_has_color}[[routes]]\ncolor = false\nto = ["second"]\n[[routes]]\nto = ["files"]').routes


def test_site_on_all_addresses_is_reached_on_each_loopback_address() -> None:
    everywhere = SITE.replace("port = 104", 'host = "0.0.0.0"\nport = 104', 1)
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(everywhere.replace("127.0.0.1", "127.0.0.2"))


@pytest.mark.parametrize("host", ["film.example.org", "FILM", "film.local"])
def test_site_on_all_addresses_is_reached_by_the_names_of_its_machine(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "film.example.org")
    everywhere = SITE.replace("port = 104", 'host = "0.0.0.0"\nport = 104', 1)
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(everywhere.replace("127.0.0.1", host))
    assert read_site(everywhere.replace("127.0.0.1", "other.example.org")).routes


def test_site_on_all_addresses_is_reached_by_each_address_of_its_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 1))  # sends nothing
        except OSError:
            pytest.skip("this machine has no network")
        own = probe.getsockname()[0]
    everywhere = SITE.replace("port = 104", 'host = "0.0.0.0"\nport = 104', 1)
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(everywhere.replace("127.0.0.1", own))
    assert read_site(everywhere.replace("127.0.0.1", "192.0.2.1")).routes


def test_own_address_is_the_client_of_a_loop() -> None:
    """The routes see the address of the site as the client: a connection to it comes from the same address."""
    site = SITE.replace("port = 104", 'host = "192.0.2.5"\nport = 104', 1).replace("127.0.0.1", "192.0.2.5")
    inside = '[[routes]]\nclient = ["192.0.2.0/24"]\nto = ["relay"]\n[[routes]]\nto = ["files"]'
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(site + inside)
    assert read_site(site + inside.replace("192.0.2.0/24", "127.0.0.0/8")).routes


@pytest.mark.parametrize(
    ("own", "host", "client"),
    [
        ("::1", "[::1]", "::1"),
        ("::", "[::1]", "::1"),
        ("::", "localhost", "::1"),
        ("::", "[::]", "::1"),
        ("0.0.0.0", "localhost", "127.0.0.1"),
        ("0.0.0.0", "127.0.1.1", "127.0.0.1"),
        ("localhost", "localhost", "::1"),
    ],
)
def test_loopback_address_of_the_same_version_is_the_client_of_a_loop(own: str, host: str, client: str) -> None:
    site = SITE.replace("port = 104", f'host = "{own}"\nport = 104', 1).replace("127.0.0.1", host)
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(site + FROM.format(client))


@pytest.mark.parametrize(
    ("own", "host", "client"),
    [("::1", "[::1]", "127.0.0.0/8"), ("::", "localhost", "127.0.0.0/8"), ("0.0.0.0", "localhost", "::1")],
)
def test_loopback_address_of_the_other_version_makes_no_loop(own: str, host: str, client: str) -> None:
    site = SITE.replace("port = 104", f'host = "{own}"\nport = 104', 1).replace("127.0.0.1", host)
    assert read_site(site + FROM.format(client)).routes


@pytest.mark.parametrize(("address", "client"), [("192.0.2.5", "192.0.2.0/24"), ("127.0.1.1", "127.0.0.1")])
def test_name_of_the_machine_is_looked_up_for_the_client_of_a_loop(
    address: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
    monkeypatch.setattr(socket, "gethostname", lambda: "film.example.org")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [found])
    site = SITE.replace("port = 104", 'host = "0.0.0.0"\nport = 104', 1).replace("127.0.0.1", "film.example.org")
    with pytest.raises(SiteErrors, match="prints on this site"):
        read_site(site + FROM.format(client))
    assert read_site(site + FROM.format("198.51.100.0/24")).routes


def test_unknown_name_of_the_machine_is_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "gethostname", lambda: "film.example.org")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    site = SITE.replace("port = 104", 'host = "0.0.0.0"\nport = 104', 1).replace("127.0.0.1", "film.example.org")
    assert read_site(site + FROM.format("192.0.2.0/24")).routes


def test_loop_over_two_destinations_is_refused() -> None:
    second = '[destinations.second]\ntype = "printer"\nprinters = ["FILM@localhost:104"]\n'
    routes = '[[routes]]\ncalled = ["FILM"]\nto = ["relay"]\n[[routes]]\nto = ["second"]'
    with pytest.raises(SiteErrors) as caught:
        read_site(SITE + second + routes)
    assert len(caught.value.lines) == 2
