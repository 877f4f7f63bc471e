"""Bring up to date what is made from the lessons for those who teach: `make teaching`.

That is the names of misconceptions (`helpers/exercises/misconceptions.csv`), and in `docs/teaching` the schedules, from
the notes for instructors, the usual wrong answers, from the exercises, and which exercise proves which objective.
`--check` only says what is stale.
"""

import argparse
import json
import re
import sys
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from helpers.exercises import known_lessons, load_checks, misconceptions
from helpers.files import written_whole
from helpers.lessons import LESSONS, Lesson, find_lesson

ROOT = Path(__file__).resolve().parent.parent
TEACHING = ROOT / "docs" / "teaching"
MADE = "<!-- Made by `make teaching`; change the lessons instead. -->\n"
SHORT = 45  # minutes of a short lesson, for which each lesson says what to leave out
FOR_HOME = "Before you go on"
"""The section of short exercises before the quiz, for which a day has no time."""
PAUSE, LUNCH, SITTING = 10, 60, 90
CAN_WAIT = re.compile(r"can be (left out|skipped|shortened|read at home)|leave it for home|only where", re.I)


class Section(NamedTuple):
    """A row of the notes for instructors: minutes of teaching, and the exercises that belong to it, with theirs."""

    title: str
    minutes: int
    exercises: tuple[tuple[str, int], ...]
    note: str

    @property
    def all(self) -> int:
        """Minutes with the exercises."""
        return self.minutes + sum(minutes for _, minutes in self.exercises)


# --- what a lesson says of itself ---


def texts(lesson: Lesson) -> tuple[str, ...]:
    """Return the text cells of a lesson."""
    return _texts(ROOT / "notebooks" / f"{lesson.stem}.ipynb")


@cache
def _texts(notebook: Path) -> tuple[str, ...]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return tuple("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def sections(lesson: Lesson) -> list[Section]:
    """Return the rows of the notes for instructors; none for a lesson without such a table."""
    found = []
    notes = texts(lesson)[0].partition("For instructors")[2]
    for row in re.findall(r"(?m)^\|(.+)\|$", notes):
        title, minutes, exercises, note = (cell.strip() for cell in row.split("|"))
        if minutes.isdecimal():
            named = re.findall(r"(\w+): (\d+) min", exercises)
            found.append(Section(title, int(minutes), tuple((name, int(m)) for name, m in named), note))
    return found


def stated(lesson: Lesson) -> tuple[int, int]:
    """Return the minutes of teaching and of exercises that stand above the lesson."""
    teaching, exercises = re.search(r"Teaching (\d+) min, exercises (\d+) min", texts(lesson)[0]).groups()
    return int(teaching), int(exercises)


def in_short(lesson: Lesson) -> str:
    """Return what the notes say of teaching the lesson in 45 minutes."""
    found = re.search(r"With 45\s+minutes:\s+(.+?)\n\n", texts(lesson)[0], re.DOTALL)
    text = " ".join(found[1].split()) if found else ""
    return re.sub(r"\]\((?!\.\.)", "](../../notebooks/", text).replace("](../docs/", "](../")  # as seen from here


def exercise_titles(lesson: Lesson) -> dict[int, str]:
    """Return the titles of the exercises: ``{3: "design a kernel"}``."""
    found = re.findall(r"(?m)^### Exercise (\d+)(?:: (.+))?$", "\n".join(texts(lesson)))
    return {int(number): title for number, title in found}


def ready() -> list[Lesson]:
    """Return the lessons that say how long they take."""
    return [lesson for lesson in LESSONS if sections(lesson)]


# --- schedules ---


class Row(NamedTuple):
    """A line of a schedule: when it begins, in minutes after midnight, how long it takes, and what it is."""

    start: int
    minutes: int
    what: str


def blocks(plan: str) -> list[tuple[int, str]]:
    """Return minutes and text of each part of a plan, such as "01 short, 03 full"."""
    parts = []
    for entry in plan.split(", "):
        lesson_id, how = entry.split()
        lesson = find_lesson(lesson_id)
        name = f"**{lesson.id} {lesson.title}**"
        if how == "short":
            parts.append((SHORT, f"{name}, in short: {in_short(lesson)}"))
            continue
        for section in sections(lesson):
            if section.title == FOR_HOME:
                continue
            exercises = ", ".join(name for name, _ in section.exercises)
            what = f"{name}: {section.title}" + (f", exercise {exercises}" if exercises else "")
            parts.append((section.all, what))
    return parts


def day(plan: str, begin: str, opening: tuple[int, str], closing: tuple[int, str], lunch: bool = True) -> list[Row]:
    """Return the schedule of a day: a pause before what would make a sitting longer than 90 minutes; lunch at noon."""
    hours, minutes = map(int, begin.split(":"))
    now, since, rows, eaten = hours * 60 + minutes, 0, [], not lunch
    for length, what in [opening, *blocks(plan), closing]:
        if not eaten and now + length / 2 >= 12 * 60 + 30:
            rows.append(Row(now, LUNCH, "lunch"))
            now, since, eaten = now + LUNCH, 0, True
        elif since and since + length > SITTING:
            rows.append(Row(now, PAUSE, "pause"))
            now, since = now + PAUSE, 0
        rows.append(Row(now, length, what))
        now, since = now + length, since + length
    return rows


def as_table(rows: list[Row]) -> str:
    """Return a schedule as a table of Markdown."""
    lines = [f"| {row.start // 60:02}:{row.start % 60:02} | {row.minutes} | {row.what} |" for row in rows]
    end = rows[-1].start + rows[-1].minutes
    return "\n".join(["| from | min | |", "|---|---|---|", *lines, f"| {end // 60:02}:{end % 60:02} | | end |"])


WELCOME = (15, "welcome; everybody opens lesson 00, and whose computer complains runs `make doctor`")
CLOSING = (10, "what was new, what stayed open; `make hand-in` for those who want")
PLANS = {
    "Half a day": [day("01 short, 03 short, 03b short, 07 short", "09:00", WELCOME, CLOSING, lunch=False)],
    "One day": [day("01 short, 03 short, 03b short, 04 short, 07 full", "09:00", WELCOME, CLOSING)],
    "Two days": [
        day("01 full, 02 short, 03 full, 03b full", "09:00", WELCOME, CLOSING),
        day("04 short, 05 short, 06 short, 07 full, 08 short", "09:00", (5, "what stayed open yesterday"), CLOSING),
    ],
}


def week(lesson: Lesson, session: int = SITTING) -> tuple[int, list[str], list[str]]:
    """Return the minutes of teaching in a session, the exercises that fit into its rest, and those for home."""
    parts = sections(lesson)
    teaching = sum(section.minutes for section in parts)
    exercises = [pair for section in parts for pair in section.exercises]
    sums = [*accumulate((minutes for _, minutes in exercises), initial=teaching)][1:]
    here = [name for (name, _), total in zip(exercises, sums, strict=True) if total <= session]
    return teaching, here, [name for name, _ in exercises[len(here) :]]


def schedules() -> str:
    """Return the page of schedules."""
    parts = [
        f"# Schedules\n\n{MADE}\nMinutes and exercises are those of the notes for instructors in each lesson. "
        f"A pause comes after at most {SITTING} minutes. “In short” is the lesson in {SHORT} minutes, as its notes "
        f"say. On a day, “{FOR_HOME}” is for the evening."
    ]
    for name, days in PLANS.items():
        parts.append(f"## {name}")
        for number, rows in enumerate(days, start=1):
            parts += [f"### Day {number}"] * (len(days) > 1) + [as_table(rows)]
    lines = ["| week | lesson | teaching | exercises in class | for home |", "|---|---|---|---|---|"]
    for number, lesson in enumerate(ready(), start=1):
        teaching, here, home = week(lesson)
        cells = (f"{lesson.id} {lesson.title}", f"{teaching} min", ", ".join(here) or "none", ", ".join(home) or "none")
        lines.append(f"| {number} | {' | '.join(cells)} |")
    parts += [f"## A term\n\nOne session of {SITTING} minutes a week.", "\n".join(lines), "## When you are late"]
    parts.append("What each lesson says can wait, and what it takes when only the essence is taught.")
    lines = ["| lesson | teaching + exercises | can wait | in 45 minutes |", "|---|---|---|---|"]
    for lesson in ready():
        waits = "; ".join(f"*{s.title}* ({s.minutes} min)" for s in sections(lesson) if CAN_WAIT.search(s.note))
        minutes = " + ".join(map(str, stated(lesson)))
        lines.append(
            f"| {lesson.id} {lesson.title} | {minutes} | {waits or 'nothing is marked'} | {in_short(lesson)} |"
        )
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


# --- misconceptions ---


def messages() -> dict[tuple[str, int], list[str]]:
    """Return the messages to typical wrong answers, by lesson and exercise."""
    return {
        (lesson, number): [message for _, message in exercise.mistakes]
        for lesson in known_lessons()
        for number, exercise in load_checks(lesson).exercises.items()
    }


def names() -> tuple[misconceptions.Misconception, ...]:
    """Return the rows that the file of names should have.

    Raises ValueError for a file that cannot be read: without it all would get other names than before.
    """
    try:
        rows = misconceptions.read(misconceptions.FILE.read_text(encoding="utf-8"))
        if not rows:
            raise ValueError("it is empty")
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(
            f"{misconceptions.FILE.name} cannot be read ({error}): mend it, or get it back with git; nothing was made."
        ) from None
    return misconceptions.renewed(rows, messages())


def plain(text: str) -> str:
    """Return a text in which Markdown finds no marks of its own."""
    return re.sub(r"([*<])", r"\\\1", text)


def wrong_answers() -> str:
    """Return the page of usual wrong answers."""
    parts = [
        f"# Usual wrong answers\n\n{MADE}\nWhat the checks know: each line is what they say to one usual wrong "
        "answer, and so what the learner probably thought. Its name is that in the files that learners hand in."
    ]
    rows = names()
    for lesson_id in known_lessons():
        lesson = find_lesson(lesson_id)
        parts.append(f"## {lesson.id} {lesson.title}")
        titles = exercise_titles(lesson)
        for number, exercise in load_checks(lesson_id).exercises.items():
            title = titles.get(number)
            lines = [f"### Exercise {number}" + (f": {title}" if title else ""), ""]
            mine = [row for row in rows if row.exercise == (lesson_id, number) and not row.state]
            lines += [f"- `{row.name}` {plain(row.message)}" for row in mine]
            parts.append("\n".join([*lines, "", "Hints: " + " · ".join(map(plain, exercise.hints))]))
    return "\n\n".join(parts) + "\n"


# --- objectives ---


class Proof(NamedTuple):
    """An exercise that proves an objective, or those parts of it that it names, as the objective words them."""

    objective: int
    exercise: int
    parts: tuple[str, ...]


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def objectives(lesson: Lesson) -> dict[int, str]:
    """Return the objectives of a lesson by their numbers, as its first cell lists them."""
    listed = re.search(r"\*\*Objectives\.\*\*(.+?)\n\n\*\*", texts(lesson)[0], re.DOTALL)
    parts = re.split(r"(?m)^(\d+)\. ", listed[1])[1:]
    return {int(number): on_one_line(text).rstrip(";.") for number, text in zip(parts[::2], parts[1::2], strict=True)}


def proofs(lesson: Lesson) -> list[Proof]:
    """Return what the exercises say they prove: lines such as ``*Objective 3: “predict the size”.*``"""
    found = []
    for text in texts(lesson):
        for number, body in re.findall(r"(?ms)^### Exercise (\d+)\b(.*?)(?=^#|\Z)", text):
            for objective, parts in re.findall(r"(?ms)^\*Objective (\d+)(.*?)\.\*$", body):
                named = tuple(re.findall("“(.+?)”", on_one_line(parts)))
                found.append(Proof(int(objective), int(number), named))
    return found


SMALL = {"a", "an", "and", "or", "the"}


def not_proved(objective: str, proved: list[Proof]) -> str:
    """Return the words of an objective that no exercise proves, but for small ones."""
    if any(not proof.parts for proof in proved):
        return ""
    for part in sorted((part for proof in proved for part in proof.parts), key=len, reverse=True):
        objective = objective.replace(part, "|")
    return " ".join(word for word in re.findall(r"[^\s,;|]+", objective) if word not in SMALL)


def gaps(lesson: Lesson) -> list[str]:
    """Return what is wrong: objectives, or parts of them, without an exercise, and parts that no objective has."""
    listed, said = objectives(lesson), proofs(lesson)
    if not listed:
        return ["no objectives that are numbered"]
    odd = [
        f"exercise {proof.exercise}: no objective {proof.objective} with “{part}”"
        for proof in said
        for part in proof.parts or [""]
        if part not in listed.get(proof.objective, "") or proof.objective not in listed
    ]
    return odd + [
        f"objective {number}: no exercise for “{words}”"
        for number, text in listed.items()
        if (words := not_proved(text, [proof for proof in said if proof.objective == number]))
    ]


def objectives_page() -> str:
    """Return the page that says which exercise proves which objective."""
    parts = [
        f"# Objectives and exercises\n\n{MADE}\nWhich exercise shows that an objective is reached, from the lines "
        "“Objective …” of the exercises. Where one proves a part of it, the part stands behind it."
    ]
    for lesson in LESSONS:
        titles, said = exercise_titles(lesson), proofs(lesson)
        lines = ["| objective | exercise |", "|---|---|"]
        for number, text in objectives(lesson).items():
            mine = [proof for proof in said if proof.objective == number]
            cells = [
                f"{proof.exercise} *{titles[proof.exercise]}*" + (f": {'; '.join(proof.parts)}" if proof.parts else "")
                for proof in mine
            ]
            lines.append(f"| {number}. {text} | {'<br>'.join(cells)} |")
        if len(lines) > 2:
            parts += [f"## {lesson.id} {lesson.title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


# --- all files ---


def made() -> dict[Path, str]:
    """Return the text of each file that is made here."""
    return {
        misconceptions.FILE: misconceptions.write(names()),
        TEACHING / "schedules.md": schedules(),
        TEACHING / "wrong_answers.md": wrong_answers(),
        TEACHING / "objectives.md": objectives_page(),
    }


def stale() -> dict[Path, str]:
    """Return the files that are not what they would be if they were made now, with the text that they should have."""
    return {
        path: text for path, text in made().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    if parser.parse_args().check:
        sys.exit("\n".join(f"{path.relative_to(ROOT)} is stale: make teaching" for path in stale()) or 0)
    for path, text in stale().items():
        with written_whole(path) as partial:
            partial.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} is new")
