"""Checks exercise 12 by the recording itself: each response must repeat elements of its request."""

from pathlib import Path

from exercises import Exercise, Wrong

from dimse.explain import associations_in
from dimse.message import Message, Request, Response

_RECORDING = Path(__file__).with_name("recording.pcapng")
_ECHOED = {"AffectedSOPClassUID": "SOPClassUID", "AffectedSOPInstanceUID": "SOPInstanceUID"}


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    messages = _messages()
    hint = "The machine gave up with an A-ABORT. What had it seen last?"
    number = exercise.answer("MESSAGE", int, hint)
    keyword = exercise.answer("KEYWORD", str, "The keyword of a command element: PS3.7 Table E.1-1 lists them.")
    value = exercise.answer("VALUE", str, "A UID that occurs in the recording.")
    if not 1 <= number <= len(messages):
        raise Wrong(f"there is no message {number}", f"run.py counts from 1 to {len(messages)}.")
    message, wrong = messages[number - 1], _wrong(messages, number)
    name = type(message).__name__
    if not wrong:
        raise Wrong(f"message {number}, {name}, is right", hint)
    if not hasattr(message, keyword):
        raise Wrong(f"{name} has no element {keyword}", "Write the keyword as `dimse explain` does, without spaces.")
    if keyword not in wrong:
        raise Wrong(
            f"{keyword} of message {number} is right", "Compare the response with its request, element by element."
        )
    if value == getattr(message, keyword):
        raise Wrong(f"{value} is the value in the recording, which is wrong", "Write the value that should be there.")
    if value != wrong[keyword]:
        raise Wrong(f"{keyword} should not be {value}", "Who was asked to print?")
    return "N-ACTION is answered by the instance that was asked; the print job has its own place in the Data Set."


def _messages() -> list[Message]:
    (association,) = associations_in(_RECORDING.read_bytes(), [])
    return [completed.message for turn in association.turns() for completed in turn.completed]


def _wrong(messages: list[Message], number: int) -> dict[str, str]:
    """Return the elements of a response that differ from its request, with the values that they should have."""
    response = messages[number - 1]
    if not isinstance(response, Response):
        return {}
    asked = response.MessageIDBeingRespondedTo
    request = next(one for one in messages if isinstance(one, Request) and one.MessageID == asked)
    wanted = {
        keyword: getattr(request, f"Affected{name}", None) or getattr(request, f"Requested{name}")
        for keyword, name in _ECHOED.items()
    }
    return {keyword: uid for keyword, uid in wanted.items() if getattr(response, keyword) != uid}
