"""Connections and associations are counted in total and by address, and are never more than descriptors."""

import os
import sys

import pytest

from dimse.limits import Limits
from dimse.net import admission as admission_module
from dimse.net.admission import (
    MAX_DESCRIPTORS,
    RESERVED_DESCRIPTORS,
    Admission,
    allowed_descriptors,
    raise_descriptor_limit,
    within_descriptors,
)

LIMITS = Limits(connections=3, host_connections=2, associations=3, host_associations=2)


@pytest.mark.parametrize("what", ["connections", "associations"])
def test_each_address_has_a_share_of_the_total(what: str) -> None:
    admission = Admission(LIMITS)
    admit = admission.connect if what == "connections" else admission.associate
    leave = admission.disconnect if what == "connections" else admission.dissociate
    assert [admit("a"), admit("a"), admit("a")] == ["", "", f"host_{what}"]
    assert [admit("b"), admit("b"), admit("c")] == ["", what, what]
    leave("a")
    assert [admit("c"), admit("b")] == ["", what]
    for host in "abc":
        leave(host)
    assert admission.is_empty


def test_hits_are_counted_by_limit() -> None:
    admission = Admission(LIMITS)
    admission.record_limit("connections", "10.0.0.1:5")
    admission.record_limit("connections", "10.0.0.1:6")
    admission.record_limit("max_pdu", "10.0.0.2:7")
    assert admission.hits == {"connections": 2, "max_pdu": 1}


def test_log_names_limit_peer_and_cause(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(LIMITS)
    admission.record_limit("connections", "10.0.0.1:5")
    admission.record_limit("max_pdu", "10.0.0.2:7", "PDU-length: 9 exceeds the limit max_pdu = 8")
    assert caplog.messages == [
        "10.0.0.1:5: limit connections hit",
        "10.0.0.2:7: limit max_pdu hit: PDU-length: 9 exceeds the limit max_pdu = 8",
    ]


def test_flood_has_50_lines_of_log_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(admission_module, "monotonic", lambda: now[0])
    admission = Admission(LIMITS)
    for port in range(1000):
        admission.record_limit("connections", f"10.0.0.1:{port}")
    assert len(caplog.messages) == 50
    now[0] = 61.0
    admission.record_limit("connections", "10.0.0.1:1")
    assert caplog.messages[50:] == ["limit connections was hit 950 more times", "10.0.0.1:1: limit connections hit"]
    assert admission.hits == {"connections": 1001}


def test_few_events_of_a_minute_are_not_summed_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(admission_module, "monotonic", lambda: now[0])
    admission = Admission(LIMITS)
    for now[0] in (0.0, 61.0):
        admission.warn("an association was rejected", "rejected")
    assert caplog.messages == ["rejected", "rejected"]


def test_each_kind_of_event_has_lines_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(LIMITS)
    for number in range(100):
        admission.warn("an association was rejected", f"rejected {number}")
    admission.record_limit("connections", "10.0.0.1:1")
    assert caplog.messages[49:] == ["rejected 49", "10.0.0.1:1: limit connections hit"]


@pytest.mark.parametrize(
    ("allowed", "connections", "host_connections"),
    [
        (1 << 20, 1000, 400),
        (1024, 1024 - 10 - RESERVED_DESCRIPTORS, 380),
        (256, 256 - 10 - RESERVED_DESCRIPTORS, 72),
        (20, 1, 1),
    ],
)
def test_connections_are_fewer_than_descriptors(
    allowed: int, connections: int, host_connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_module, "allowed_descriptors", lambda: allowed)
    monkeypatch.setattr(admission_module, "_open_descriptors", lambda: 10)
    limits = within_descriptors(Limits())
    assert (limits.connections, limits.host_connections) == (connections, host_connections)


def test_files_of_data_sets_leave_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission_module, "allowed_descriptors", lambda: 1024)
    monkeypatch.setattr(admission_module, "_open_descriptors", lambda: 10)
    assert within_descriptors(Limits(), 256).connections == 1024 - 10 - RESERVED_DESCRIPTORS - 256


def test_limits_within_descriptors_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission_module, "allowed_descriptors", lambda: 256)
    monkeypatch.setattr(admission_module, "_open_descriptors", lambda: 10)
    limits = Limits(connections=100, host_connections=100)
    assert within_descriptors(limits) is limits


def test_descriptors_that_cannot_be_counted_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def listdir(path: str) -> list[str]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(admission_module, "allowed_descriptors", lambda: 1024)
    monkeypatch.setattr(os, "listdir", listdir)
    assert within_descriptors(Limits()).connections == 1024 - RESERVED_DESCRIPTORS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_unlimited_descriptors_stay_unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    changes: list[object] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda *change: changes.append(change))
    raise_descriptor_limit()
    assert (changes, allowed_descriptors()) == ([], sys.maxsize)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_descriptor_limit_is_raised_as_far_as_allowed() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        raise_descriptor_limit()
        assert allowed_descriptors() == (MAX_DESCRIPTORS if hard < 0 else min(hard, MAX_DESCRIPTORS))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
