"""The course in docs/course: scripts, texts, exercises, recordings and pages belong together."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import check
import pytest
from exercises import LESSONS, Wrong, folder_of

from dimse.errors import DecodeError
from dimse.explain import associations_in, format_lines
from dimse.explain.comparison import compare
from tools.course import COURSE, lessons, page, record_lesson, recorded, trace

_NUMBERS = sorted(LESSONS)
_UID = re.compile(r"2\.25\.\d{20,}")  # made at random
_COUNT = re.compile(r"^([><]) \w+ +\d+ ", re.MULTILINE)  # place and length, which depend on the length of such UIDs

# Plausible wrong answers for each exercise: a text of the solution, its replacement, and words of the reason
_WRONG = {
    1: [
        ("01 02 00 00 00 02 01", "01 02 00 00 00 01 02", "513"),
        ("38 00 00 00", "3a 00 00 00", "byte 20, counted from 0,"),
    ],
    2: [
        ("[0, 0, 4, 3]", "[0, 0, 3, 3]", "context 5"),
        ("5.1.1.1", "5.1.1.5.1", "0118H"),
        ("= 3", "= 1", "Verification"),
    ],
    3: [
        ("[1, 3, 0, 0, 2]", "[1, 1, 0, 0, 2]", "at PDV 3"),
        ("[1, 3, 0, 0, 2]", "[1, 3, 2, 2, 2]", "ends with PDV 3"),
        ("[1, 3, 0, 0, 2]", "[True, 3, 0, 0, 2]", "answer 1 in CONTROL is True"),
    ],
    4: [
        ('"10 20 40 00 08 00 00 00', '"10 20 40 00 00 00 00 08', "134217728 bytes"),
        ('"10 20 40 00 08 00 00 00', '"10 20 40 00 08 00', "from byte 8 on"),
        ("0x00085343", "0x43530800", "big endian"),
    ],
    5: [("[8, 8, 13, 1]", "[8, 0, 13, 1]", "step 2 of ACCEPTOR"), ("0, 9, 13]", "7, 9, 13]", "step 3 of REQUESTOR")],
    6: [
        ('"HighBit": 11', '"HighBit": 12', "HighBit"),
        ("box.Referenced", "on.Referenced", "0120H"),
        (r"STANDARD\1,1", r"STANDARD\1,2", "2 image boxes"),
    ],
    7: [
        ("=event.MessageID", "=7", "Message ID 7"),
        ("0x0000", "0x0110", "0110H"),
        ("0x0000", "'0000'", "not a number"),
    ],
    8: [("[255, 191, 64, 0]", "[0, 191, 64, 0]", "case 1"), ("e8 03", "03 e8", "59395")],
    9: [
        (', keys / "student.pem"', "", "cannot talk to the printer"),
        ('(keys / "authority.pem", keys / "student.pem")', '(None, keys / "student.pem", verify=False)', "impostor"),
    ],
    10: [("forge_pdu(0x08", "forge_pdu(0x07", "reason=6"), ("bytes(4)", "bytes(2)", "not a valid PDU")],
    11: [
        ("!= THE_COUNTER", "== ''", "instance that does not exist"),
        ("dataset=Dataset(NumberOfFilms=count)", "", "no Number"),
    ],
    12: [("1.2.3.4.2", "1.2.3.4.1", "should not be"), ("MESSAGE = 8", "MESSAGE = 7", "is right")],
}


def _solution(lesson: int) -> Path:
    return COURSE / "solutions" / f"lesson{lesson:02}.py"


def _shipped(lesson: int) -> Path:
    return COURSE / "unsolved" / f"lesson{lesson:02}.py"


@pytest.fixture(scope="module")
def unsolved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with the exercises as they are shipped, because a learner may have solved some here."""
    home = tmp_path_factory.mktemp("unsolved") / "course"
    shutil.copytree(COURSE, home, ignore=shutil.ignore_patterns("*.pcapng", "*.html", "__pycache__"))
    for number in _NUMBERS:
        shutil.copy(_shipped(number), _exercise(home, number))
    return home


def _exercise(home: Path, lesson: int) -> Path:
    return home / folder_of(lesson).name / "exercise.py"


def _blocks(lesson: int, language: str) -> list[str]:
    text = (folder_of(lesson) / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def explained() -> dict[int, list[str]]:
    """The lines of `dimse explain` for each recording."""
    found = {}
    for number in _NUMBERS:
        rows = [
            row
            for association in recorded(folder_of(number))
            for turn in association.turns()
            for row in (f"{turn.side} {turn.name}, {turn.length} bytes", *format_lines(turn.lines))
        ]
        found[number] = rows
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, str]]:
    """A new recording of each lesson, and the output of its script."""
    folder = tmp_path_factory.mktemp("course")
    found = {}
    for number in _NUMBERS:
        path = folder / f"{number}.pcapng"
        found[number] = path, record_lesson(folder_of(number), path)
    return found


def test_course_has_twelve_lessons() -> None:
    assert lessons() == [folder_of(number) for number in _NUMBERS]
    assert len(_NUMBERS) == 12


def test_index_links_every_lesson() -> None:
    links = re.findall(r"\]\((lesson\w+/README\.md)\)", (COURSE / "README.md").read_text())
    assert links == [f"{lesson.name}/README.md" for lesson in lessons()]


def test_named_files_exist() -> None:
    for text in COURSE.glob("**/README.md"):
        named = set(re.findall(r"docs/course/[\w/]+\.\w+", text.read_text()))
        assert not [path for path in named if not (COURSE.parents[1] / path).is_file()]


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_script_is_short(lesson: Path) -> None:
    assert len((lesson / "run.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("number", _NUMBERS)
def test_text_shows_the_output_of_the_script(number: int, runs: dict[int, tuple[Path, str]]) -> None:
    assert "".join(_blocks(number, "text")) == runs[number][1]


@pytest.mark.parametrize("number", _NUMBERS)
def test_text_quotes_the_explained_recording(number: int, explained: dict[int, list[str]]) -> None:
    for block in _blocks(number, "explain"):
        rows = iter(explained[number])
        missing = [line for line in block.splitlines() if line not in rows]  # each after the previous one
        assert not missing


@pytest.mark.parametrize("number", _NUMBERS)
def test_recording_equals_a_new_run_of_the_script(number: int, runs: dict[int, tuple[Path, str]]) -> None:
    """``python tools/course.py record`` records all lessons again."""
    again = list(associations_in(runs[number][0].read_bytes(), []))
    fresh = [turn.line for association in again for turn in association.turns()]
    kept = [line for line in trace(folder_of(number)).splitlines() if not line.startswith("#")]
    fresh, kept = list(map(_masked, fresh)), list(map(_masked, kept))
    assert sorted(fresh) == sorted(kept)
    assert _without_events(fresh) == _without_events(kept)


def _without_events(lines: list[str]) -> list[str]:
    """Leave out N-EVENT-REPORT, each with its Data Set: events may come between any other messages."""
    others = []
    in_event = {"<": False, ">": False}
    for line in lines:
        side = line[0]
        in_event[side] = "NEventReport" in line or (in_event[side] and "a data set" in line)
        if not in_event[side]:
            others.append(line)
    return others


def _masked(line: str) -> str:
    return re.sub(r"\d+ bytes of data set", "a data set", _UID.sub("UID", _COUNT.sub(r"\1 ", line)))


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_trace_is_current(lesson: Path) -> None:
    """``make docs`` writes it again."""
    assert (lesson / "trace.txt").read_text() == trace(lesson)


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_page_is_small_and_has_the_title(lesson: Path) -> None:
    html = page(lesson)
    assert f"<title>{(lesson / 'README.md').read_text().splitlines()[0].removeprefix('# ')}</title>" in html
    assert len(html) < 120_000


@pytest.mark.parametrize(
    "lesson", [each for each in lessons() if each.name != "lesson10_faults"], ids=lambda each: each.name
)
def test_recording_breaks_no_rule(lesson: Path) -> None:
    faults: list[DecodeError] = []
    steps = [
        step
        for association in associations_in((lesson / "recording.pcapng").read_bytes(), faults)
        for step in association.steps()
    ]
    assert not faults
    assert not [error for step in steps for error in step.errors]


def test_comparison_names_the_response_before_the_abort() -> None:
    """The last lesson compares its recording with a film that was printed."""
    failed, printed = (list(recorded(folder_of(number))[0].steps()) for number in (12, 6))
    headline = compare(failed, printed).headline
    assert "; before it, in N-ACTION-RSP: AffectedSOPClassUID is 1.2.840.10008.5.1.1.14" in headline


# --- exercises ---


@pytest.mark.parametrize("number", _NUMBERS)
def test_checker_refuses_the_unsolved_exercise(number: int, unsolved: Path) -> None:
    with pytest.raises(Wrong) as caught:
        check.check(number, _exercise(unsolved, number))
    assert caught.value.reason
    assert len(caught.value.hint) > 15


@pytest.mark.parametrize("number", _NUMBERS)
def test_shipped_exercise_has_the_task_of_the_lesson(number: int) -> None:
    """A learner changes the answers, but not the text of the task; at most the file becomes the solution."""
    texts = (path.read_text() for path in (_shipped(number), _solution(number), _exercise(COURSE, number)))
    shipped, solution, edited = (ast.get_docstring(ast.parse(text)) for text in texts)
    assert edited in (shipped, solution)


@pytest.mark.parametrize("number", _NUMBERS)
def test_checker_accepts_the_solution(number: int) -> None:
    assert check.check(number, _solution(number)).endswith(".")


@pytest.mark.parametrize(
    ("number", "right", "wrong", "words"),
    [(number, *case) for number, cases in _WRONG.items() for case in cases],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_checker_refuses_a_wrong_answer(number: int, right: str, wrong: str, words: str, tmp_path: Path) -> None:
    solution = _solution(number).read_text()
    assert right in solution
    path = tmp_path / "exercise.py"
    path.write_text(solution.replace(right, wrong))
    with pytest.raises(Wrong) as caught:
        check.check(number, path)
    assert words in caught.value.reason


def test_every_exercise_has_two_wrong_answers() -> None:
    assert sorted(_WRONG) == _NUMBERS
    assert min(map(len, _WRONG.values())) == 2


@pytest.mark.parametrize("number", _NUMBERS)
def test_hint_does_not_give_the_answer_away(number: int, unsolved: Path) -> None:
    """The reason and the hint for the unsolved exercise contain no answer of the solution."""
    answers = re.findall(r"^[A-Z_]+ = (.*?)(?:  #.*)?$", _solution(number).read_text(), re.MULTILINE)
    with pytest.raises(Wrong) as caught:
        check.check(number, _exercise(unsolved, number))
    said = f"{caught.value.reason} {caught.value.hint}"
    assert not [answer for answer in answers if answer != '"""' and len(answer) > 2 and answer.strip('"[]') in said]


def test_checker_names_the_line_that_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "exercise.py"
    path.write_text("CONTROL = [1,\n2, 3\n")
    with pytest.raises(Wrong, match=r"exercise.py does not run: line 1: SyntaxError"):
        check.check(3, path)
    path.write_text("import os\nCONTROL = nothing\n")
    with pytest.raises(Wrong, match=r"line 2: NameError: name 'nothing' is not defined"):
        check.check(3, path)


@pytest.mark.parametrize(("number", "name"), [(6, "film_box"), (7, "answer"), (9, "client"), (11, "get")])
@pytest.mark.parametrize("error", ["nothing", "raise SystemExit(3)", "raise OSError(2, 'no such file')"])
def test_checker_names_the_line_that_raises(number: int, name: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "exercise.py"
    path.write_text(f"def {name}(*_):\n    {error}\n")
    with pytest.raises(Wrong, match=rf"{name} raises an error: line 2: (NameError|SystemExit|FileNotFoundError)"):
        check.check(number, path)


def test_checker_refuses_an_async_function(tmp_path: Path) -> None:
    path = tmp_path / "exercise.py"
    path.write_text("async def answer(event):\n    return None\n")
    with pytest.raises(Wrong, match="answer is an async function"):
        check.check(7, path)


@pytest.fixture
def unsolved_command(unsolved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "folder_of", lambda lesson: unsolved / folder_of(lesson).name)


@pytest.mark.usefixtures("unsolved_command")
def test_command_lists_the_open_exercises(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert lines[-1] == "0 of 12 exercises are solved"


def test_script_runs_from_any_folder(tmp_path: Path, unsolved: Path) -> None:
    command = [sys.executable, str(unsolved / "check.py"), "4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Not yet: IMPLICIT has no answer yet.\nHint: ")


@pytest.mark.usefixtures("unsolved_command")
def test_command_shows_reason_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["3"]) == 1
    reason, hint = capsys.readouterr().out.splitlines()
    assert reason == "Not yet: answer 1 in CONTROL is missing."
    assert hint.startswith("Hint: ")
