"""Write docs/claims.md anew from docs/claims.csv: each sentence of the lessons that compares, and what shows it.

    .venv/bin/python scripts/make_claims.py [--check]

With ``--check`` it only says what is stale, and which sentences or cells are no longer in the lessons.
"""

import csv
import sys
from pathlib import Path

from helpers.lessons import find_lesson

import nbformat

ROOT = Path(__file__).resolve().parent.parent
TABLE, PAGE = ROOT / "docs" / "claims.csv", ROOT / "docs" / "claims.md"
HEAD = """# What the lessons claim, and what shows it

Made from [claims.csv](claims.csv) by `scripts/make_claims.py`; change it there. Each line is a sentence that says more,
less, better, because, with how many runs, images or draws stand behind it, the 95% interval where there is one, and the
cell that computes or asserts it. *Counted* is arithmetic, and the same in each run. *More runs wanted* is true of the
run that is stored, and not yet of more.
"""


def rows() -> list[dict[str, str]]:
    """Return the lines of the table; the columns are lesson, cell, sentence, runs, interval, computed in, …"""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page(table: list[dict[str, str]]) -> str:
    """Return the text of docs/claims.md."""
    parts = [HEAD]
    for number in dict.fromkeys(row["lesson"] for row in table):
        lesson = find_lesson(number)
        parts.append(f"\n## [{number} · {lesson.title}](../notebooks/{lesson.stem}.ipynb)\n\n")
        parts.append("| cell | sentence | runs | interval | computed in |\n|---|---|---|---|---|\n")
        for row in table:
            if row["lesson"] == number:
                runs = row["runs"] + "; more runs wanted" * bool(row["more runs wanted"])
                sentence, runs = (text.replace("|", "\\|") for text in (row["sentence"], runs))
                cells = (f"`{row['cell']}`", sentence, runs, row["interval"], f"`{row['computed in']}`")
                parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def lost(table: list[dict[str, str]]) -> list[str]:
    """Return which sentences no longer stand in their cell, word for word, and which cells are gone.

    The computing cell is of the same lesson, or of another one, as in ``04: table-runs``.
    """
    texts = {}
    for number in {row["lesson"] for row in table}:
        notebook = nbformat.read(ROOT / "notebooks" / f"{find_lesson(number).stem}.ipynb", as_version=4)
        texts |= {(number, cell.id): " ".join(cell.source.split()) for cell in notebook.cells}
    found = []
    for row in table:
        number, cell, sentence = row["lesson"], row["cell"], row["sentence"]
        if " ".join(sentence.split()) not in texts.get((number, cell), ""):
            found.append(f"{number}, {cell}: {sentence}")
        other, _, name = row["computed in"].rpartition(": ")
        if (other or number, name) not in texts:
            found.append(f"{number}: no cell {row['computed in']}")
    return found


if __name__ == "__main__":
    wanted = page(rows())
    if sys.argv[1:] == ["--check"]:
        stale = [] if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted else ["docs/claims.md is stale"]
        print(*stale, *lost(rows()), sep="\n")
        sys.exit(bool(stale or lost(rows())))
    PAGE.write_text(wanted, encoding="utf-8")
