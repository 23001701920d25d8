"""Presentation context negotiation, PS3.8 §9.3.3.2."""

from dimse.ul import (
    Context,
    ContextResult,
    ImplementationClassUID,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    accepted,
    answer,
    maximum_length,
)

PRINT, ECHO, IMPLICIT, EXPLICIT = "1.2.1", "1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


def test_the_acceptor_takes_the_syntax_that_it_likes_best() -> None:
    requested = [
        PresentationContextRQ(1, PRINT, (IMPLICIT, EXPLICIT)),
        PresentationContextRQ(3, ECHO, (IMPLICIT,)),
    ]
    supported = {PRINT: (EXPLICIT, IMPLICIT), ECHO: (EXPLICIT, IMPLICIT)}
    assert answer(requested, supported) == (
        PresentationContextAC(1, ContextResult.ACCEPTANCE, EXPLICIT),
        PresentationContextAC(3, ContextResult.ACCEPTANCE, IMPLICIT),
    )


def test_one_context_is_refused_and_the_others_are_not() -> None:
    requested = [
        PresentationContextRQ(1, "9.9", (IMPLICIT,)),
        PresentationContextRQ(3, PRINT, ("9.8",)),
        PresentationContextRQ(5, PRINT, ()),
        PresentationContextRQ(7, PRINT, (IMPLICIT,)),
    ]
    results = [context.result for context in answer(requested, {PRINT: (IMPLICIT,)})]
    assert results == [
        ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED,
        ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED,
        ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED,
        ContextResult.ACCEPTANCE,
    ]


def test_only_what_was_proposed_can_be_accepted() -> None:
    requested = [PresentationContextRQ(number, PRINT, (IMPLICIT,)) for number in (1, 3, 5, 7)]
    answered = [
        PresentationContextAC(7, 0, IMPLICIT),  # in any order
        PresentationContextAC(1, 0, EXPLICIT),  # a syntax that was not proposed
        PresentationContextAC(3, 2, IMPLICIT),
        PresentationContextAC(9, 0, IMPLICIT),  # a context that was not proposed
    ]
    assert accepted(requested, answered) == {7: Context(7, PRINT, IMPLICIT)}


def test_the_words_for_a_result() -> None:
    assert ContextResult.words(3) == "abstract-syntax-not-supported"
    assert ContextResult.words(200) == "reserved result 200"


def test_a_peer_without_maximum_length_sets_no_limit() -> None:
    assert maximum_length([ImplementationClassUID("1.2"), MaximumLength(4096)]) == 4096
    assert maximum_length([]) == 0
