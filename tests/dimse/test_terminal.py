"""What the command lines share: words become options and their values."""

import argparse

import pytest

from dimse.terminal import Parser


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="tool")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("do")
    command.add_argument("names", nargs="*")
    command.add_argument("-w", "--window")
    command.add_argument("--flag", action="store_true")
    return parser.parse_args(["do", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("--window", "{}"),
        ("--window={}",),
        ("--win", "{}"),
        ("-w", "{}"),
        ("-w{}",),
        ("a.dcm", "--window", "{}", "b.dcm"),
        ("--flag", "a.dcm", "--window", "{}", "--", "-1.dcm"),
    ],
)
@pytest.mark.parametrize(
    "value", ["-600,1600", "-600.5,1500,SIGMOID", "-.5,1", "-5", "-5 mm", "-1e3,2e3", "-600\\1500"]
)
def test_option_takes_a_negative_value(words: tuple[str, ...], value: str) -> None:
    assert parsed(*(word.format(value) for word in words)).window == value


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--window",), "argument -w/--window: expected one argument"),
        (("--window", "--flag"), "argument -w/--window: expected one argument"),
        (("--flag", "-5"), "argument --flag: ignored explicit argument '-5'"),
    ],
)
def test_missing_value_is_wrong_usage(words: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*words)
    assert (caught.value.code, error in capsys.readouterr().err) == (2, True)
