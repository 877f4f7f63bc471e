"""What lesson 00 shows: the course as a map with what is done, and the look at this computer."""

import html
from collections.abc import Mapping

from helpers.classroom import exercises_of_all
from helpers.doctor import WRONG, Finding, examine
from helpers.doctor.running import AFTER, BEFORE
from helpers.exercises import Checks
from helpers.exercises.judges import Exercise, choice
from helpers.lessons import LESSONS
from helpers.progress import done, recall

SLOW = ("training", "JupyterLab", "cache", "Matplotlib", "ports", "Chromium")
"""Checks that `make doctor` makes, and lesson 00 does not: they take long, or ask what is seen at once."""
DONE, OPEN = "#1b7837", "#c9c9c9"
CARD = (
    "display:inline-block;vertical-align:top;width:205px;height:96px;box-sizing:border-box;margin:4px;padding:8px 10px;"
    "border:1px solid {color};border-left-width:6px;border-radius:6px;line-height:1.35"
)

EXAMPLE = Exercise(
    choice(
        "b",
        {
            "a": "Enter begins a new line in the cell. Nothing runs.",
            "c": "Tab completes a name that you have begun to type.",
        },
    ),
    "Shift+Enter runs a cell, and goes to the next one.",
    ("There are two keys to press at once.", "One of them is Shift."),
)
"""Which key runs a cell: (a) Enter, (b) Shift+Enter, (c) Tab?"""


def show_answers(answers) -> None:
    """Print what a check says of answers to `EXAMPLE`, one after the other; nothing is remembered."""
    check = Checks({1: EXAMPLE})
    for answer in answers:
        print(f'check(1, "{answer}")')
        check(1, answer)


def course_map(finished: Mapping[str, set[int]] | None = None) -> str:
    """Return the lessons as HTML, in their order, each with a link and how many of its exercises are done.

    ``finished`` has the numbers of the exercises that were answered right, by the id of the lesson; None for what
    `helpers.progress` remembers. Numbers that are no exercises of today are left out.
    """
    finished = done(recall()) if finished is None else finished
    exercises = exercises_of_all()
    cards = []
    for lesson in LESSONS:
        numbers = {number for (lesson_id, number) in exercises if lesson_id == lesson.id}
        ready = len(numbers & set(finished.get(lesson.id, ())))
        color = DONE if ready == len(numbers) else "#2166ac" if ready else OPEN
        bar = "".join(
            f'<span style="display:inline-block;width:13px;height:9px;margin-right:3px;'
            f'background:{DONE if place < ready else OPEN}"></span>'
            for place in range(len(numbers))
        )
        words = f"{ready} of {len(numbers)} exercises done"
        cards.append(
            f'<div role="listitem" style="{CARD.format(color=color)}"><b>{lesson.id}</b> '
            f'<a href="{lesson.stem}.ipynb">{html.escape(lesson.title)}</a><br/>'
            f'<span role="img" aria-label="{words}">{bar}</span><br/><small>{words}</small></div>'
        )
    return f'<div role="list">{"".join(cards)}</div>'


def look(checks=None) -> list[Finding]:
    """Return what the quick checks of `make doctor` find on this computer, in their order."""
    checks = [check for check in (*BEFORE, *AFTER) if check.name not in SLOW] if checks is None else checks
    return list(examine(checks))


def verdict(findings) -> str:
    """Return one sentence for all findings: go on, or what to do first."""
    bad = [finding for finding in findings if finding.state == WRONG]
    if not bad:
        return "This computer is ready. `make doctor` in a terminal looks at more: it trains a step, and opens a page."
    return f"Mend this first: {'; '.join(f'{finding.name}: {finding.mend}' for finding in bad)}."
