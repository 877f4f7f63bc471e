"""What a command line asks for, where it names lessons."""

import argparse

from helpers.lessons import LESSONS, Lesson, find_lesson


def asked_lessons(description: str) -> list[Lesson]:
    """Return the lessons that the command line names, or all; ends the program with a message if one is unknown."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="ids, such as 03; all without")
    try:
        return [find_lesson(lesson_id) for lesson_id in parser.parse_args().lessons] or [*LESSONS]
    except ValueError as error:
        raise SystemExit(f"{error}") from None
