"""Damaged recordings: the core raises nothing, and ends as in Table 9-10. ``make fuzz`` runs until it is stopped."""

import random

import pytest
from fuzzing import damaged, every_byte, feed, recordings, request_of

SENT, ANSWERED = recordings("c2s"), recordings("s2c")
SMALL = 600  # bytes; each byte of a recording up to this size is damaged
VARIANTS = 25  # of each recording
QUICK = 60_000  # bytes; ``make fuzz`` damages larger recordings


@pytest.mark.parametrize("name", SENT)
def test_core_takes_whole_recordings(name: str) -> None:
    feed(SENT[name], None, random.Random(name))
    if name in ANSWERED:
        feed(ANSWERED[name], request_of(name), random.Random(name))


@pytest.mark.parametrize("name", ["every-item", "echo-echoscu-dcmprscp"])
def test_acceptor_survives_each_damaged_byte(name: str) -> None:
    assert len(SENT[name]) < SMALL
    for wire in every_byte(SENT[name]):
        feed(wire, None, random.Random(0))


@pytest.mark.parametrize("name", ["every-item", "echo-echoscu-dcmprscp"])
def test_requestor_survives_each_damaged_byte(name: str) -> None:
    assert len(ANSWERED[name]) < SMALL
    request = request_of(name)
    for wire in every_byte(ANSWERED[name]):
        feed(wire, request, random.Random(0))


@pytest.mark.parametrize("name", [name for name in SENT if len(SENT[name]) < QUICK])
def test_acceptor_survives_random_damage(name: str) -> None:
    chance = random.Random(name)
    for _ in range(VARIANTS):
        feed(damaged(SENT[name], chance), None, chance)


@pytest.mark.parametrize("name", [name for name in ANSWERED if len(ANSWERED[name]) < QUICK])
def test_requestor_survives_random_damage(name: str) -> None:
    chance = random.Random(name)
    request = request_of(name)
    for _ in range(VARIANTS):
        feed(damaged(ANSWERED[name], chance), request, chance)
