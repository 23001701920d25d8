"""Write docs/verify/cases.md: the catalogue of the conformance tester, and which cases are built."""

from itertools import groupby
from pathlib import Path

from dimse.verify import CASES
from dimse.verify.case import category_of
from dimse.verify.catalogue import Entry, catalogue
from dimse.verify.scu import SCU_CASES
from print_mgmt.verify import PRINT_CASES
from print_mgmt.verify.scu import PRINT_SCU_CASES

__all__ = ["page"]

PATH = Path(__file__).parents[1] / "docs" / "verify" / "cases.md"
_HEAD = """# The cases of the conformance tester

This page is made from the catalogue, `dimse/verify/cases.csv`, by `make docs`. [authors.md](authors.md) says how a case
is written, and explains the words in the sets. Cases in *italics* are not built yet.
"""


def page() -> str:
    """Return the page."""
    built = {case.id for case in (*CASES, *PRINT_CASES, *SCU_CASES, *PRINT_SCU_CASES)}
    parts = [_HEAD]
    for _, group in groupby(catalogue().values(), key=lambda entry: category_of(entry.id)):
        entries = list(group)
        count = sum(entry.id in built for entry in entries)
        parts.append(f"\n## {entries[0].category}\n\n{count} of {len(entries)} are built.\n")
        parts += [_entry_lines(entry, is_built=entry.id in built) for entry in entries]
    return "".join(parts)


def _entry_lines(entry: Entry, *, is_built: bool) -> str:
    title = f"**{entry.id} {entry.title}**" if is_built else f"*{entry.id} {entry.title}*"
    facts = f"{entry.role}, {entry.level}, {entry.section}"
    needs = f"; needs {', '.join(entry.needs.words())}" if entry.needs else ""
    sets = {"pass": entry.passes, "non-strict": entry.nonstrict, "fail": entry.fails, "close": entry.close.value}
    rows = "".join(f"\n  - {name}: {_markdown(text)}" for name, text in {"steps": entry.steps, **sets}.items() if text)
    return f"\n- {title} ({_markdown(facts)}{needs}){rows}\n"


def _markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_").replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(page())
    print(f"wrote {PATH}")
