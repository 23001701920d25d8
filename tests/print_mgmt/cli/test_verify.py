"""``print-mgmt verify``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import serving

from dimse.verify import CASES
from print_mgmt.cli import main
from print_mgmt.verify import PRINT_CASES


@pytest.fixture(scope="module")
def printer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("films")) as (address, _):
        yield f"PRINTSCP@{address}"


def test_cases_command_lists_print_cases_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "cases", "--json"]) == 0
    listed = {row["id"] for row in json.loads(capsys.readouterr().out)}
    assert listed >= {each.id for each in (*CASES, *PRINT_CASES)}


def test_scp_judges_a_printer(printer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--case", "PRN-L-1.0*", "--max-films", "1", "--report", str(tmp_path)]
    assert main(["verify", "scp", printer, *options]) == 0
    assert "CONFORMANT in the 10 cases that apply" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["films"] == 1
    assert report["counts"]["PASS"] == 10, "with the sanity case"


def test_scp_compares_claims(printer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = tmp_path / "claims.toml"
    claims.write_text('sop_classes = ["BasicGrayscalePrintManagementMeta"]')
    assert main(["verify", "scp", printer, "--case", "PRN-N-1.09", "--claims", str(claims)]) == 1
    assert "classes accepted but not claimed: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sop_class = []", "sop_class is not a claim. The claims are sop_classes, "),
        ('sop_classes = ["Film"]', "sop_classes: 'Film' is neither a UID nor a keyword of PS3.6"),
        ("bit_depths = ['8']", "bit_depths: ['8'] is not a list of whole numbers"),
        ("checks_called = 1", "checks_called: 1 is not true or false"),
        ('tls_profile = "B.1"', "tls_profile: 'B.1' is not one of B.9, B.10, B.12, B.13 (PS3.15)"),
        (
            'lut_descriptors = ["256"]',
            "lut_descriptors: '256' is not a LUT Descriptor such as 256\\0\\12 (PS3.3 C.11.4)",
        ),
        (r"lut_descriptors = ['1\0\12']", r"lut_descriptors: '1\\0\\12' is not a LUT Descriptor"),
        (r"lut_descriptors = ['65536\0\12']", r"lut_descriptors: '65536\\0\\12' is not a LUT Descriptor"),
        ("sop_classes = ['__doc__']", "sop_classes: '__doc__' is neither a UID nor a keyword of PS3.6"),
        ("sop_classes = ['1.2.x']", "sop_classes: '1.2.x' is neither a UID nor a keyword of PS3.6"),
        ("= 1", "claims.toml: "),
    ],
)
def test_wrong_claims_are_wrong_usage(
    text: str, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims = tmp_path / "claims.toml"
    claims.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "scp", "A@127.0.0.1:104", "--claims", str(claims)])
    assert ended.value.code == 2
    assert error in " ".join(capsys.readouterr().err.split())


def test_claims_that_are_not_utf_8_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = tmp_path / "claims.toml"
    claims.write_bytes(b"medium_types = ['\xff']")
    with pytest.raises(SystemExit):
        main(["verify", "scp", "A@127.0.0.1:104", "--claims", str(claims)])
    assert "claims.toml: the byte at offset 17 is not UTF-8" in " ".join(capsys.readouterr().err.split())


def test_missing_claims_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "scp", "A@127.0.0.1:104", "--claims", str(tmp_path / "none.toml")])
    assert ended.value.code == 2
    assert "No such file" in capsys.readouterr().err


def test_max_films_contradicts_no_film(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "scp", "A@127.0.0.1:104", "--max-films", "1", "--no-film"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_other_host_gets_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    main(["verify", "scp", "A@printer.invalid:104", "--case", "PRN-N-1.01"])
    assert "Do not run it against a printer in clinical use" in capsys.readouterr().err


def test_jobs_is_an_option_for_printers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "scp", "A@127.0.0.1:1", "--case", "PRN-N-1.0*", "--jobs", "4", "--dryrun"]) == 0
    assert "PRN-N-1.01" in capsys.readouterr().out


def test_dryrun_warns_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "scp", "A@printer.invalid:104", "--case", "PRN-N-1.0*", "--dryrun"]) == 0
    shown = capsys.readouterr()
    assert (len(shown.out.splitlines()), shown.err) == (9, "")
