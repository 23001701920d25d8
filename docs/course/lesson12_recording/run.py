"""Lesson 12: a recording of a film that was printed and yet failed, one line for each message."""

from pathlib import Path

from dimse.explain import associations_in
from dimse.message import Response

RECORDING = Path(__file__).with_name("recording.pcapng")


def main() -> None:
    (association,) = associations_in(RECORDING.read_bytes(), [])
    number = 0
    for turn in association.turns():
        if not turn.name.startswith("P-DATA"):
            print(f"    {turn.side} {turn.name}: {turn.summary}")
        for completed in turn.completed:
            number += 1
            message = completed.message
            status = f", status {message.Status:04X}H" if isinstance(message, Response) else ""
            data = f", Data Set of {len(completed.data)} bytes" if completed.data else ""
            print(f"{number:2}  {turn.side} {type(message).__name__}{status}{data}")


if __name__ == "__main__":
    main()
