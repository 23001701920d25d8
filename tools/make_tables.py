"""Generates the tables of PS3.6 that the package ships.

    python tools/make_tables.py DIRECTORY

DIRECTORY holds ``data_dictionary.csv``, ``dictionary_additions_2026b.csv`` and ``uid_registry.csv``. Written are
``dimse/data/part06.tsv`` (tag, VR, VM, keyword, name, retired) and ``dimse/uids.tsv`` (UID, name, type, keyword,
retired): tab separated, ``Y`` where retired. In a tag of a repeating group ``x`` stands for any digit.
"""

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["dictionary_rows", "main", "tsv", "uid_rows"]

_PACKAGE = Path(__file__).resolve().parent.parent / "dimse"
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+|[0-9]+|[a-z]+")


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _retired(row: dict[str, str]) -> str:
    return "Y" if row["retired"] == "Y" else ""


def dictionary_rows(reference: Path) -> list[tuple[str, ...]]:
    """The rows of the data dictionary, by tag. Rows that lost their keyword when they were retired are left out."""
    rows = _table(reference / "data_dictionary.csv")
    for row in _table(reference / "dictionary_additions_2026b.csv"):
        rows.append({**row, "name": " ".join(_WORD.findall(row["keyword"]))})
    return sorted(
        (
            row["tag"].strip("()").replace(",", ""),
            row["vr"],
            row["vm"],
            row["keyword"],
            row["name"],
            _retired(row),
        )
        for row in rows
        if row["keyword"]
    )


def uid_rows(reference: Path) -> list[tuple[str, ...]]:
    """The rows of the UID registry, in its order. Rows without a name are left out."""
    return [
        (row["uid"], row["name"], row["type"], row["keyword"], _retired(row))
        for row in _table(reference / "uid_registry.csv")
        if row["name"]
    ]


def tsv(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as the text of a file: a line each, columns separated by tabs."""
    return "".join("\t".join(row) + "\n" for row in rows)


def main(reference: Path) -> None:
    """Write both tables from the directory ``reference``."""
    tables = {"data/part06.tsv": dictionary_rows(reference), "uids.tsv": uid_rows(reference)}
    for name, rows in tables.items():
        (_PACKAGE / name).write_text(tsv(rows), encoding="utf-8")
        print(f"dimse/{name}: {len(rows)} rows")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/make_tables.py DIRECTORY")
    main(Path(sys.argv[1]))
