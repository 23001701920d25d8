"""An acceptor asks the policy, and makes the answer to A-ASSOCIATE-RQ (PS3.8 Table 9-6, AE-6)."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from cancelling import other_tasks
from raw import ECHO, SYNTAXES, raw_client, until

from dimse.errors import AssociationRejected, EncodeError
from dimse.limits import Limits, Timeouts
from dimse.net import (
    VERIFICATION,
    Acceptance,
    Caller,
    Decision,
    Policy,
    accept_anyone,
    calling_titles,
    connect,
    serve,
)
from dimse.net.acceptor import Acceptor
from dimse.net.scu import c_echo
from dimse.uids import Verification
from dimse.ul import (
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ContextResult,
    MaximumLength,
    PresentationContextRQ,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityAC,
    UserIdentityRQ,
    UserItem,
    encode_pdu,
)

CALLER = Caller("10.1.2.3:50000")


def request(called: str = "SCP", calling: str = "CT1", *items: UserItem) -> AssociateRQ:
    contexts = (PresentationContextRQ(1, Verification, SYNTAXES),)
    return AssociateRQ(
        called_ae_title=called, calling_ae_title=calling, presentation_contexts=contexts, user_information=items
    )


async def rejected(policy: Policy, timeouts: Timeouts = Timeouts()) -> tuple[int, int, int]:  # noqa: B008
    """Return the rejection of a caller; the server accepts others afterwards."""
    asked = 0

    def first_only(request: AssociateRQ, caller: Caller) -> Decision | Awaitable[Decision]:
        nonlocal asked
        asked += 1
        return policy(request, caller) if asked == 1 else None

    async with serve([VERIFICATION], port=0, policy=first_only, timeouts=timeouts) as server:
        with pytest.raises(AssociationRejected) as caught:
            async with connect(server.host, server.port, ECHO):
                pass
        async with connect(server.host, server.port, ECHO) as association:
            assert (await c_echo(association)).Status == 0
        await until(lambda: not server.associations)
        assert other_tasks() == set()
    return caught.value.result, caught.value.source, caught.value.reason


def acceptor(policy: Policy = accept_anyone) -> Acceptor:
    return Acceptor(
        policy=policy,
        supported={Verification: SYNTAXES},
        as_scu=(),
        window=AsynchronousOperationsWindow(1, 1),
        plain_passcodes=False,
        limits=Limits(),
        seconds=1,
    )


def test_other_application_context_is_not_judged() -> None:
    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        raise AssertionError

    asked = replace(request(), application_context_name="1.2")
    assert acceptor(judge).decide(asked, CALLER) == AssociateRJ(1, 1, 2)


def test_answer_echoes_octets_11_to_74() -> None:
    """PS3.8 Table 9-17."""
    asked = replace(request(), title_octets=b"SCP\0".ljust(16, b"\0") + b"CT1".ljust(16), reserved=bytes(range(32)))
    assert b"".join(encode_pdu(acceptor().answer(asked, None)))[10:74] == b"".join(encode_pdu(asked))[10:74]


def test_answer_has_the_user_items_of_the_policy() -> None:
    answered = acceptor().answer(request(), Acceptance((UserIdentityAC(b"ticket"),)))
    assert answered.user_information[-1] == UserIdentityAC(b"ticket")


def test_answer_rejects_an_unsupported_abstract_syntax() -> None:
    asked = replace(request(), presentation_contexts=(PresentationContextRQ(1, "1.2.3", SYNTAXES),))
    (context,) = acceptor().answer(asked, None).presentation_contexts
    assert context.result == ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


async def test_passcode_needs_tls() -> None:
    passcode = UserIdentityRQ(2, False, b"doe", b"secret")
    async with serve([VERIFICATION], port=0) as server:
        with pytest.raises(EncodeError, match="User-Identity: a passcode is not sent without TLS") as refused:
            async with connect(server.host, server.port, ECHO, user_items=[passcode]):
                pass
        with pytest.raises(AssociationRejected) as caught:
            async with connect(server.host, server.port, ECHO, user_items=[passcode], plain_passcode=True):
                pass
    assert "secret" not in str(refused.value)
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 2, 1)


async def test_policy_answers_extended_negotiation() -> None:
    asked = SOPClassExtendedNegotiation(Verification, b"\1\1\0")
    common = SOPClassCommonExtendedNegotiation(Verification, "1.2.840.10008.4.2", ("1.2.3",))
    seen: list[UserItem] = []

    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        seen.extend(request.user_information)
        return Acceptance((SOPClassExtendedNegotiation(Verification, b"\1\0\0"),))

    async with serve([VERIFICATION], port=0, policy=judge) as server:
        async with connect(server.host, server.port, ECHO, user_items=[asked, common]) as association:
            assert association.associate_ac is not None
            items = association.associate_ac.user_information
    assert seen[-2:] == [asked, common]
    assert items[-1] == SOPClassExtendedNegotiation(Verification, b"\1\0\0")


async def test_items_of_a_policy_go_to_their_association_only() -> None:
    """The cache of the server keeps no answer that a policy has changed."""
    decisions = iter((None, Acceptance((SOPClassExtendedNegotiation(Verification, b"\1\0\0"),)), None))
    counts = []
    async with serve([VERIFICATION], port=0, policy=lambda _request, _caller: next(decisions)) as server:
        for _ in range(3):
            async with connect(server.host, server.port, {Verification: SYNTAXES}) as association:
                assert association.associate_ac is not None
                counts.append(len(association.associate_ac.user_information))
    assert counts == [3, 4, 3]


def fail(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    raise KeyError("a bug")


async def fail_later(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    await asyncio.sleep(0)
    raise KeyError("a bug")


async def time_out(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    raise TimeoutError("of a database")


def accept_with_a_text_that_is_too_long(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    return Acceptance((UserIdentityAC(bytes(70_000)),))


def accept_with_a_number_that_is_too_large(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    return Acceptance((MaximumLength(1 << 32),))


def reject_with_a_number_that_is_too_large(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
    return AssociateRJ(1, 1, 256)


@pytest.mark.parametrize(
    "policy",
    [
        fail,
        fail_later,
        time_out,
        accept_with_a_text_that_is_too_long,
        accept_with_a_number_that_is_too_large,
        reject_with_a_number_that_is_too_large,
    ],
)
async def test_failing_policy_rejects_transiently(policy: Policy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "dimse.net")
    assert await rejected(policy) == (2, 1, 1)


async def test_policy_without_a_decision_rejects(caplog: pytest.LogCaptureFixture) -> None:
    def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return True  # type: ignore[return-value]

    caplog.set_level(logging.CRITICAL, "dimse.net")
    assert await rejected(judge) == (2, 1, 1)


async def test_awaited_policy_without_a_decision_rejects(caplog: pytest.LogCaptureFixture) -> None:
    async def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        return True  # type: ignore[return-value]

    caplog.set_level(logging.CRITICAL, "dimse.net")
    assert await rejected(judge) == (2, 1, 1)


async def test_policy_that_awaits_a_canceled_task_rejects(caplog: pytest.LogCaptureFixture) -> None:
    async def judge(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        raise asyncio.CancelledError

    caplog.set_level(logging.CRITICAL, "dimse.net")
    assert await rejected(judge) == (2, 1, 1)


async def test_slow_policy_is_temporary_congestion() -> None:
    async def wait(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        await asyncio.Event().wait()
        return None

    assert await rejected(wait, Timeouts(artim=0.02)) == (2, 3, 1)


async def test_impatient_caller_leaves_nothing() -> None:
    asked, decide = asyncio.Event(), asyncio.Event()

    async def wait(request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG001
        asked.set()
        await decide.wait()
        return None

    async with serve([VERIFICATION], port=0, policy=wait) as server:
        async with raw_client(server) as raw:
            raw.send(request())
            await asked.wait()
        await until(lambda: not server.associations)
        decide.set()
        await until(lambda: not other_tasks())


async def test_rejected_callers_do_not_count() -> None:
    async with serve([VERIFICATION], port=0, policy=calling_titles(["GOOD"]), limits=Limits(associations=1)) as server:
        for _ in range(3):
            with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
                async with connect(server.host, server.port, ECHO):
                    pass
        async with connect(server.host, server.port, ECHO, calling_ae_title="GOOD") as association:
            assert (await c_echo(association)).Status == 0
            with pytest.raises(AssociationRejected, match="local-limit-exceeded"):
                async with connect(server.host, server.port, ECHO, calling_ae_title="GOOD"):
                    pass


async def test_passcode_in_any_item_is_rejected() -> None:
    """PS3.7 D.3.3.7 allows one identity; a passcode in a second one also needs TLS."""
    names = (UserIdentityRQ(1, False, b"doe"), UserIdentityRQ(2, False, b"doe", b"secret"))
    async with serve([VERIFICATION], port=0) as server:
        for items in (names, names[::-1]):
            with pytest.raises(AssociationRejected, match=r"result 1 .*, source 2 .*, reason 1 "):
                async with connect(server.host, server.port, ECHO, user_items=items, plain_passcode=True):
                    pass
