"""The claims of a configuration, kept by a printer with this configuration."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from printers import printer

from dimse.verify import Target, Verdict, verify_scp
from print_mgmt.cli.commands import command
from print_mgmt.config import PrinterConfig, preset
from print_mgmt.conformance.claims import claims_of
from print_mgmt.verify import PRINT_CASES, PrintOptions, load_claims


def written(name: str, folder: Path) -> Path:
    path = folder / "claims.json"
    assert command(["conformance", "--json", "--preset", name, "-o", str(path)])() == 0
    return path


@pytest.mark.parametrize("name", ["generic", "strict", "minimal", "kodak-8700"])
async def test_printer_keeps_the_claims_of_its_preset(name: str, tmp_path: Path) -> None:
    options = PrintOptions(cases=("PRN-N-1.09",), claims=load_claims(written(name, tmp_path)))
    async with printer(config=preset(name)) as (server, _):
        run = await verify_scp(Target(host=server.host, port=server.port), PRINT_CASES, options)
    (result,) = (each for each in run.results if each.case.id == "PRN-N-1.09")
    bad = [(sub.name, sub.reason) for sub in result.subcases if sub.verdict not in (Verdict.PASS, Verdict.SKIPPED)]
    assert (result.verdict, bad) == (Verdict.PASS, [])


def test_claims_are_written_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["conformance", "--json"])() == 0
    assert json.loads(capsys.readouterr().out)["bit_depths"] == [8, 12]


def test_statement_never_replaces_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "printer.toml"
    config.write_text("queue_length = 4")
    with pytest.raises(SystemExit, match="2"):
        command(["conformance", "--config", str(config), "-o", str(config)])()
    assert config.read_text() == "queue_length = 4"


def test_unsupported_attribute_is_not_claimed() -> None:
    config = PrinterConfig()
    assert {"medium_types", "max_density"} < claims_of(config).keys()
    without = replace(config, unsupported=("MediumType", "MaxDensity"))
    assert claims_of(config).keys() - claims_of(without).keys() == {"medium_types", "max_density"}


def test_printer_without_installed_film_claims_none() -> None:
    media = tuple(replace(medium, installed=False) for medium in PrinterConfig().media)
    assert not {"medium_types", "film_sizes", "max_density"} & claims_of(PrinterConfig(media=media)).keys()
