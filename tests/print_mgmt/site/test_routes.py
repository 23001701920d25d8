"""Routes: the first route that matches wins, and each decision is explained."""

import pytest
from accepted import accepted_film
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt import ConfigError
from print_mgmt.site import Change, Facts, Route, decide, facts_of

FACTS = Facts(
    called="FILM1", calling="CT01", client="192.0.2.7", color=False, FilmSizeID="14INX17IN", MediumType="BLUE FILM"
)
TO = ("x",)


@pytest.mark.parametrize(
    "route",
    [
        Route(to=TO),
        Route(called=("FILM1",), to=TO),
        Route(calling=("MR*", "CT0?"), to=TO),
        Route(calling=(" CT01 ",), to=TO),
        Route(client=("198.51.100.0/24", "192.0.2.0/24"), to=TO),
        Route(client=("192.0.2.7",), to=TO),
        Route(color=False, to=TO),
        Route(FilmSizeID=("A4", "14INX17IN"), to=TO),
        Route(MediumType=("BLUE FILM",), to=TO),
        Route(called=("*",), calling=("CT*",), client=("0.0.0.0/0",), color=False, to=TO),
    ],
)
def test_route_matches(route: Route) -> None:
    assert route.mismatch(FACTS) == ""


@pytest.mark.parametrize(
    ("route", "why"),
    [
        (Route(called=("FILM2", "PAPER"), to=TO), "called 'FILM1' is not FILM2 or PAPER"),
        (Route(calling=("ct*",), to=TO), "calling 'CT01' is not ct*"),
        (Route(client=("198.51.100.0/24",), to=TO), "client 192.0.2.7 is not in 198.51.100.0/24"),
        (Route(client=("2001:db8::/32",), to=TO), "client 192.0.2.7 is not in 2001:db8::/32"),
        (Route(color=True, to=TO), "the film is in gray"),
        (Route(FilmSizeID=("A4",), to=TO), "FilmSizeID '14INX17IN' is not A4"),
        (Route(MediumType=("PAPER",), to=TO), "MediumType 'BLUE FILM' is not PAPER"),
        (Route(called=("FILM1",), color=True, to=TO), "the film is in gray"),
    ],
)
def test_route_says_why_it_does_not_match(route: Route, why: str) -> None:
    assert route.mismatch(FACTS) == why


@pytest.mark.parametrize("address", ["::ffff:192.0.2.7", "fe80::1%eth0"])
def test_address_of_version_6_is_compared(address: str) -> None:
    assert Route(client=("192.0.2.0/24", "fe80::/10"), to=TO).mismatch(Facts(client=address)) == ""


def test_network_of_mapped_addresses_matches() -> None:
    route = Route(client=("::ffff:192.0.2.0/120",), to=TO)
    assert route.mismatch(Facts(client="::ffff:192.0.2.7")) == ""
    assert route.mismatch(Facts(client="::ffff:192.0.3.7"))


def test_first_match_wins_and_is_explained() -> None:
    routes = (
        Route(name="mammo", calling=("MG*",), to=("a",)),
        Route(to=("b", "c"), change=Change(FilmSizeID="A4", PrintPriority="HIGH")),
        Route(name="late", to=("d",)),
    )
    decision = decide(routes, FACTS)
    assert (decision.route, decision.to, decision.hold) == ("route 2", ("b", "c"), False)
    assert decision.change == Change(FilmSizeID="A4", PrintPriority="HIGH")
    assert decision.why == ("mammo: calling 'CT01' is not MG*", "route 2: matches")


def test_film_without_a_route_has_no_destination() -> None:
    decision = decide((Route(color=True, to=TO),), FACTS)
    assert (decision.route, decision.to, decision.hold) == ("", (), True)
    assert decision.why[-1] == "no route matches: the film keeps the state 'received'"


def test_route_may_hold_without_a_destination() -> None:
    assert decide((Route(hold=True),), FACTS).hold


@given(st.text(max_size=40), st.text(max_size=40))
def test_hostile_facts_are_escaped(calling: str, client: str) -> None:
    routes = (Route(calling=("CT",), to=TO), Route(client=("192.0.2.0/24",), to=TO))
    assert all(line.isprintable() for line in decide(routes, Facts(calling=calling, client=client)).why)


def test_facts_come_from_the_film() -> None:
    assert facts_of(accepted_film(color=True), "FILM1") == Facts(
        called="FILM1", calling="CT01", client="192.0.2.7", color=True, FilmSizeID="8INX10IN"
    )


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("called", {"called": ("A-TITLE-OF-17-CHARS",)}),
        ("calling", {"calling": ("",)}),
        ("calling", {"calling": (" ",)}),
        ("client", {"client": ("192.0.2.7/24",)}),
        ("client", {"client": ("localhost",)}),
        ("FilmSizeID", {"FilmSizeID": ("A9",)}),
        ("to", {"to": ()}),
        ("to", {"to": ("x", "x")}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        Route(**{"to": TO, **values})  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == key


def test_pattern_may_be_longer_than_its_matches() -> None:
    assert Route(calling=("[CM][TR][0123456789]*",), to=TO).mismatch(FACTS) == ""


def test_change_refuses_an_unknown_size() -> None:
    with pytest.raises(ConfigError, match="'A9' is not one of"):
        Change(FilmSizeID="A9")
