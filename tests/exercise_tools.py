"""What the tests of all exercises share."""


def cases(table) -> list[tuple]:
    """Return (lesson, number, answer) for all answers of a table {lesson: {number: answers}}."""
    return [(lesson, number, answer) for lesson, by in table.items() for number, all_ in by.items() for answer in all_]
