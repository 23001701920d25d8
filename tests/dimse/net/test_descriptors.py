"""There are no more connections than descriptors, and some of those are kept for films."""

import pytest

from dimse.limits import Limits
from dimse.net import descriptors
from dimse.net.descriptors import KEPT, within_descriptors


@pytest.mark.parametrize(
    ("allowed", "connections", "host_connections"),
    [(1 << 20, 1000, 400), (1024, 1024 - 10 - KEPT, 380), (256, 256 - 10 - KEPT, 72), (20, 1, 1)],
)
def test_connections_are_fewer_than_descriptors(
    allowed: int, connections: int, host_connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "_allowed", lambda: allowed)
    monkeypatch.setattr(descriptors, "_open", lambda: 10)
    limits = within_descriptors(Limits())
    assert (limits.connections, limits.host_connections) == (connections, host_connections)


def test_limits_that_fit_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_allowed", lambda: 256)
    monkeypatch.setattr(descriptors, "_open", lambda: 10)
    limits = Limits(connections=100, host_connections=100)
    assert within_descriptors(limits) is limits
