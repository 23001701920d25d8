"""The page that documents each key of a printer's configuration."""

import re
from pathlib import Path

from print_mgmt.config import read_config
from tools.printers import PAGE, document


def test_page_is_current() -> None:
    """`make docs` updates it."""
    assert PAGE.read_text(encoding="utf-8") == document()


def test_example_of_the_page_is_a_configuration() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", document(), re.DOTALL)
    config = read_config(example)
    assert (config.queue_length, config.printer.PrinterName, config.imager.dpi) == (4, "FILM1", 320)
    assert config.caller("CT7").warnings is False


def test_page_links_to_existing_files() -> None:
    (link,) = re.findall(r"\[presets\]\((.*?)\)", document())
    assert sorted(path.suffix for path in Path(PAGE.parent, link).glob("*.toml")) != []
