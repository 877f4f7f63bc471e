"""Run lessons in a fresh kernel and say which cells print something else than is stored; nothing is stored.

`make lock` does so with new packages. As in the tests of the notebooks, figures, timings, stderr and numbers behind ≈
are left out; a cell that fails is named with its error.
"""

import argparse
import difflib
import re
import tempfile
from pathlib import Path

import nbformat
from refresh import chosen, execute

LEFT_OUT = ("image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json")
LONGEST = 12
"""Lines of a difference that are shown."""
SANITIZE = Path(__file__).resolve().parent.parent / "tests" / "sanitize.cfg"


def patterns(text: str) -> list[tuple[str, str]]:
    """Return what is replaced by what before outputs are compared, from the text of a file as nbval reads it."""
    return re.findall(r"(?m)^regex: (.*)\nreplace: (.*)$", text)


def printed(cell, replaced) -> list[str]:
    """Return the lines that a cell printed or showed as text, without what is not compared."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        texts += [
            "".join(value) if isinstance(value, str | list) else str(value)
            for kind, value in sorted(output.get("data", {}).items())
            if kind not in LEFT_OUT
        ]
    text = "\n".join(part.rstrip("\n") for part in texts)
    for regex, replacement in replaced:
        text = re.sub(regex, replacement, text)
    return text.splitlines()


def differences(stored, run, replaced=()) -> list[tuple[int, str, list[str]]]:
    """Return number, id and difference of each code cell of a run that printed something else than is stored.

    Cells are counted as the tests count them, from 0. In a difference "-" is what is stored, "+" what was printed. Of
    cells with the tag ``nbval-ignore-output`` only errors count. Raises ValueError if the cells are not the same ones.
    """
    pairs = [[cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (stored, run)]
    if [cell.source for cell in pairs[0]] != [cell.source for cell in pairs[1]]:
        raise ValueError("These are runs of two notebooks with other cells.")
    found = []
    for number, (old, new) in enumerate(zip(*pairs, strict=True)):
        fails = any(output.output_type == "error" for output in new.outputs)
        if "nbval-ignore-output" in old.metadata.get("tags", []) and not fails:
            continue
        lines = difflib.unified_diff(printed(old, replaced), printed(new, replaced), n=0, lineterm="")
        lines = [line for line in lines if not line.startswith(("--- ", "+++ ", "@@ "))]
        if lines:
            more = [f"… {len(lines) - LONGEST} lines more"] if len(lines) > LONGEST else []
            found.append((number, old.id, [*lines[:LONGEST], *more]))
    return found


def as_text(name: str, found) -> str:
    """Return what is said of a lesson with these differences."""
    if not found:
        return f"{name}: as stored"
    said = [f"{name}: {len(found)} {'cells differ' if len(found) > 1 else 'cell differs'}"]
    for number, cell, lines in found:
        said += [f"  cell {number} ({cell})", *(f"    {line}" for line in lines)]
    return "\n".join(said)


def main() -> None:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="ids, such as 03; all without")
    parser.add_argument("--report", type=Path, help="a file to whose end the same is written")
    options = parser.parse_args()
    paths = chosen(options.lessons)
    replaced = patterns(SANITIZE.read_text(encoding="utf-8"))
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            run = execute(path, {"CNN_LESSONS_RUNS": folder}, allow_errors=True)
        text = as_text(path.stem, differences(nbformat.read(path, as_version=4), run, replaced))
        print(text, flush=True)
        if options.report:
            with options.report.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")


if __name__ == "__main__":
    main()
