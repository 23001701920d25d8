"""Checks the exercises of the course.

python docs/course/check.py        shows which exercises are solved
python docs/course/check.py 3      checks the exercise of lesson 3
"""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from exercises import LESSONS, Exercise, Wrong, folder_of

__all__ = ["check", "main"]


def check(lesson: int, path: Path | None = None) -> str:
    """Check an exercise, by default the file in the folder of the lesson; return what the learner has shown.

    Raises `Wrong` with a reason and a hint.
    """
    folder = folder_of(lesson)
    exercise = Exercise(path or folder / "exercise.py")
    logging.disable()  # refused requests are expected here
    try:
        message = importlib.import_module(f"{folder.name}.checker").check(exercise)
    finally:
        logging.disable(logging.NOTSET)
    assert isinstance(message, str)
    return message


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 1 if the exercise is not solved."""
    parser = argparse.ArgumentParser(description="Check the exercises of the course.")
    parser.add_argument("lesson", nargs="?", type=int, choices=LESSONS, metavar="LESSON", help="1 to 12; default: all")
    lesson = parser.parse_args(arguments).lesson
    return _list() if lesson is None else _check(lesson)


def _check(lesson: int) -> int:
    try:
        print(f"Right. {check(lesson)}")
    except Wrong as wrong:
        print(f"Not yet: {wrong.reason}.\nHint: {wrong.hint}")
        return 1
    return 0


def _list() -> int:
    solved = 0
    for lesson in LESSONS:
        try:
            check(lesson)
            mark, solved = "solved", solved + 1
        except Wrong as wrong:
            mark = f"open: {wrong.reason}"
        print(f"{lesson:2}  {LESSONS[lesson]:10}  {mark}")
    print(f"{solved} of {len(LESSONS)} exercises are solved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
