"""Bring up to date what is made from the lessons for those who teach: `make teaching`.

That is the names of misconceptions, `helpers/exercises/misconceptions.csv`. `--check` writes nothing, and says what is
stale.
"""

import argparse
import sys
from pathlib import Path

from helpers.exercises import known_lessons, load_checks, misconceptions
from helpers.files import written_whole

ROOT = Path(__file__).resolve().parent.parent


def messages() -> dict[tuple[str, int], list[str]]:
    """Return the messages to typical wrong answers, by lesson and exercise."""
    return {
        (lesson, number): [message for _, message in exercise.mistakes]
        for lesson in known_lessons()
        for number, exercise in load_checks(lesson).exercises.items()
    }


def names() -> str:
    """Return the text of the file of names."""
    return misconceptions.write(misconceptions.renewed(misconceptions.known(), messages()))


def made() -> dict[Path, str]:
    """Return the text of each file that is made here."""
    return {misconceptions.FILE: names()}


def stale() -> list[Path]:
    """Return the files that are not what they would be if they were made now."""
    return [path for path, text in made().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    if parser.parse_args().check:
        sys.exit("\n".join(f"{path.relative_to(ROOT)} is stale: make teaching" for path in stale()) or 0)
    for path in stale():
        text = made()[path]
        with written_whole(path) as partial:
            partial.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} is new")
