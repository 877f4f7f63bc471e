"""The exercises of lesson 00, Start here."""

from helpers.exercises.judges import Exercise, choice, choices, function, random_image

import numpy as np


def _middle_rows(image):
    return image[2:5]


EXERCISES = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "Python sees a cell only when it runs. A text that was changed is not a text that was run.",
                "d": "Python never asks. A name has one value: the one that it got last.",
                "c": "the old value stays in the kernel until a cell changes it, or the kernel is restarted.",
            },
        ),
        "What counts is what ran last, not what stands there now.",
        (
            "What has the kernel been told so far?",
            "Try it: run the cell, change the 3 into a 5, do not run it, and print the value in another cell.",
        ),
    ),
    2: Exercise(
        function(
            _middle_rows,
            [(random_image(8, 6),), (random_image(7, 7, seed=1),), (np.arange(30).reshape(10, 3),)],
            [
                (lambda image: image[2:4], "the end of a slice is left out: 2:4 gives rows 2 and 3."),
                (lambda image: image[2:6], "the end of a slice is left out: 2:6 gives row 5, too."),
                (
                    lambda image: image[2:],
                    "that is all from row 2 on. A slice needs an end as well, and leaves it out.",
                ),
                (lambda image: image[:5], "these are rows 0 to 4. A slice needs a beginning as well."),
                (lambda image: image[3:6], "Python counts from 0: row 2 is the third one."),
                (lambda image: image[1:4], "Python counts from 0, and row 2 is the one with the number 2."),
                (lambda image: image[:, 2:5], "these are columns. The first axis of an image has its rows."),
                (lambda image: image[2:5, 2:5], "whole rows, please: here the columns are cut, too."),
                (lambda image: image[2], "that is one row. A slice, as in 2:5, takes several."),
                (lambda image: image[[2, 4]], "row 3, between them, is missing. A slice takes all from a to before b."),
                *(
                    (lambda image, end=end: image[2, end], "that is one pixel: a comma divides row and column.")
                    for end in (4, 5)
                ),
            ],
        ),
        "Rows 2, 3 and 4: the beginning counts, the end does not.",
        (
            "A slice a:b begins at a, and stops before b.",
            "The first axis of an image has its rows: image[a:b].",
        ),
    ),
    3: Exercise(
        choices(
            {"A": "a", "B": "c", "C": "b"},
            {
                "A": {
                    "b": "the kernel goes on without the page, and is as busy when you come back.",
                    "c": "it waits in line behind the one that runs.",
                },
                "B": {
                    "a": "that takes long, and if it stops, you do not know why.",
                    "b": "that it opens says nothing of memory, data, or TensorFlow.",
                },
                "C": {
                    "a": "there stands where it began. What went wrong stands at the end.",
                    "c": "a restart forgets all names, and the same error comes again.",
                },
            },
        ),
        "Stop or restart what hangs, read the last line of what is red, and ask `make doctor` for the rest.",
        (
            "The section above has a line for each of the three.",
            "■ stops a cell. The last line names the error. `make doctor` tries what the lessons need.",
        ),
    ),
}
