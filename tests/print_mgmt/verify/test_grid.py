"""The grid, with two of our own printers that differ in their configuration."""

from printers import printer

from dimse.verify import Target
from dimse.verify.grid import Grid, run_grid
from dimse.verify.grid_script import parse_script
from print_mgmt.config import PrinterConfig, preset
from print_mgmt.verify.grid_scripts import PRINT_SCRIPTS


async def grid_of(name: str, one: PrinterConfig, other: PrinterConfig, *, prints: bool = False) -> Grid:
    async with printer(config=one) as (first, _), printer(config=other) as (second, _):
        peers = [(label, Target(host=each.host, port=each.port)) for label, each in (("1", first), ("2", second))]
        return await run_grid(parse_script(name, PRINT_SCRIPTS[name]), peers, prints=prints)


async def test_equal_printers_agree_on_a_film() -> None:
    grid = await grid_of("film", preset("strict"), preset("strict"), prints=True)
    assert grid.is_unanimous
    assert all(answer.outcome.startswith(("AC", "RSP(0000)", "RP")) or "UID" in answer.outcome
               for answer in grid.peers[0].answers)  # fmt: skip


async def test_printers_that_differ_agree_on_the_rest() -> None:
    grid = await grid_of("wrong", preset("strict"), preset("kodak-8700"))
    differ = [step.text for number, step in enumerate(grid.script.steps) if len(grid.groups(number)) > 1]
    assert differ
    assert grid.agreement(0, 1) == len(grid.script.steps) - len(differ)
