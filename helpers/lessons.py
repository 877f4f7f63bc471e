"""The lessons, in one list: for notebooks, tests and scripts. Nothing but the standard library.

Whoever adds a lesson, or changes a parameter of one, does it here, too; `tests/test_house.py` compares the two.
"""

from dataclasses import dataclass, field
from numbers import Real


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    ``stem`` is the name of its notebook without ``.ipynb``, and begins with its ``id``. ``parameters`` are those of its
    cell ``parameters`` as stored, without SEED and SEEDS. ``widgets`` are modules of `helpers.widgets`: those from
    which it shows something. ``tried_on`` are public datasets: tests run it on them, where they are at hand.
    ``examples`` are the images that its text speaks of: by what they are for, their places in its own dataset. A lesson
    that is not ``ready`` is planned: it has no notebook yet.
    """

    id: str
    stem: str
    title: str
    parameters: dict = field(default_factory=dict)
    widgets: tuple[str, ...] = ()
    tried_on: tuple[str, ...] = ()
    examples: dict[str, tuple[int, ...]] = field(default_factory=dict)
    ready: bool = True


SERIES = (
    Lesson("00", "00_start_here", "Start here", widgets=("stepper",)),
    Lesson("01", "01_convolution_by_hand", "Convolution by hand", widgets=("stepper",)),
    Lesson("02", "02_gabor_filter_banks", "Gabor filter banks", widgets=("gabor",)),
    Lesson(
        "03",
        "03_building_a_cnn",
        "Building a CNN",
        {"DATASET": "digits"},
        widgets=("calculator",),
        tried_on=("mnist", "fashion_mnist", "cats_vs_dogs"),
        examples={"digit": (12,)},
    ),
    Lesson(
        "03b",
        "03b_training_a_cnn",
        "Training a CNN",
        {"DATASET": "digits", "EPOCHS": 8},
        tried_on=("mnist", "fashion_mnist", "cats_vs_dogs"),
    ),
    Lesson(
        "04",
        "04_dropout_and_overfitting",
        "Dropout and overfitting",
        {"DATASET": "critters", "EPOCHS": 14},
        widgets=("dropout",),
        tried_on=("fashion_mnist", "cifar10", "cats_vs_dogs"),
        examples={"numbers": (2,)},
    ),
    Lesson(
        "05",
        "05_data_augmentation",
        "Data augmentation",
        {"DATASET": "critters", "EPOCHS": 16},
        widgets=("augmentation",),
        tried_on=("fashion_mnist", "cifar10", "cats_vs_dogs"),
        examples={"layer": (3,), "explorer": tuple(range(10, 34))},
    ),
    Lesson(
        "06",
        "06_activations_and_filters",
        "Activations and filters",
        {"DATASET": "critters"},
        widgets=("activation",),
        tried_on=("mnist", "fashion_mnist", "cats_vs_dogs"),
        examples={"maps": (8,), "fooled": (9,)},
    ),
    Lesson(
        "07",
        "07_grad_cam",
        "Grad-CAM",
        {"DATASET": "critters"},
        widgets=("gradcam",),
        tried_on=("mnist", "fashion_mnist", "cats_vs_dogs"),
        examples={"explained": (12, 1, 28, 7, 9)},
    ),
    Lesson(
        "08",
        "08_transfer_learning",
        "Transfer learning",
        {"DATASET": "critters", "IMAGES_PER_CLASS": 20, "EPOCHS": 8},
        widgets=("features",),
        tried_on=("fashion_mnist", "cats_vs_dogs"),
    ),
    Lesson(
        "09",
        "09_real_world_architectures",
        "Real-world architectures",
        {"DATASET": "digits", "EPOCHS": 4},
        widgets=("costs",),
        tried_on=("fashion_mnist", "cats_vs_dogs"),
    ),
    Lesson(
        "10",
        "10_cnn_in_raw_tensorflow",
        "A CNN in raw TensorFlow",
        {"DATASET": "digits", "EPOCHS": 10, "RATE": 0.1},
        widgets=("training_step",),
        tried_on=("fashion_mnist",),
    ),
    Lesson(
        "10b",
        "10b_optimizers_graphs_machines",
        "Optimizers, graphs, many machines",
        {"DATASET": "digits", "EPOCHS": 2, "RULE": "Adam", "RATE": 0.001},
        tried_on=("fashion_mnist",),
    ),
    Lesson(
        "11",
        "11_beat_the_benchmark",
        "Beat the benchmark",
        {"DATASET": "critters", "EPOCHS": 3},
        tried_on=("cifar10",),
    ),
    Lesson(
        "11b",
        "11b_what_each_piece_is_worth",
        "What each piece is worth",
        {"DATASET": "critters"},
        widgets=("budget",),
        tried_on=("cifar10",),
    ),
)
"""All lessons, also those that are planned, in their order. An id has two digits; a letter after them is for a lesson
between two others."""

LESSONS = tuple(lesson for lesson in SERIES if lesson.ready)
"""Those that are here."""


def find_lesson(lesson_id: str) -> Lesson:
    """Return the lesson with this id, such as ``"03"``; raises ValueError for any other, and lists the ids."""
    for lesson in LESSONS:
        if lesson.id == lesson_id:
            return lesson
    raise ValueError(f"There is no lesson {lesson_id!r}: use one of {', '.join(lesson.id for lesson in LESSONS)}.")


def as_stored(lesson_id: str, **parameters) -> bool:
    """Tell whether all parameters of a lesson have the values it is stored with: then the numbers of its text hold.

    A seed is no parameter here: with another one, they must hold as well.

    Parameters
    ----------
    lesson_id : the two digits of the lesson, such as ``"04"``
    parameters : all parameters of the lesson with their values of this run. Values are compared, not types: 14.0 is as
        stored where 14 is, and a list where a tuple is. A path (``Path("critters")``) is never the name of a dataset:
        `helpers.datasets.load_dataset` reads it as a folder.

    Raises
    ------
    ValueError
        If there is no such lesson, if a parameter is missing or unknown, or if one that counts, such as EPOCHS, is no
        whole number from 1 on; says which.

    Examples
    --------
    >>> as_stored("04", DATASET="critters", EPOCHS=14)
    True
    >>> as_stored("04", DATASET="critters", EPOCHS=1)
    False
    """
    stored = find_lesson(lesson_id).parameters
    missing, unknown = [name for name in stored if name not in parameters], [*parameters.keys() - stored.keys()]
    if missing or unknown:
        wrong = [f"{name} is missing" for name in missing] + [f"{name} is none of them" for name in sorted(unknown)]
        known = ", ".join(stored) or "none"
        raise ValueError(f"The parameters of lesson {lesson_id}, but for seeds, are: {known}; {', '.join(wrong)}.")
    for name, value in parameters.items():
        counts = isinstance(value, Real) and not isinstance(value, bool) and value >= 1 and value % 1 == 0
        if isinstance(stored[name], int) and not counts:
            raise ValueError(f"{name} is {value!r}: give a whole number from 1 on, such as {stored[name]}.")
    return all(_same(parameters[name], value) for name, value in stored.items())


def _same(value, stored) -> bool:
    if isinstance(value, list | tuple):
        value, stored = [*value], [*stored] if isinstance(stored, list | tuple) else stored
    return bool(value == stored)


def examples(lesson_id: str, purpose: str, dataset_name: str, labels) -> list[int]:
    """Return places of images to show: of the lesson's own dataset, those that its text speaks of.

    Of other data it is one image of each class in turn: as many as the text has, or as there are.

    Parameters
    ----------
    lesson_id, purpose : the two digits of the lesson, and one of the names in its ``examples``
    dataset_name : ``dataset.name``
    labels : sequence of whole numbers, the classes of the images to choose from

    Raises ValueError if there is no such lesson, and KeyError if it has no such examples.

    Examples
    --------
    >>> examples("07", "explained", "critters", [0] * 50)
    [12, 1, 28, 7, 9]
    >>> examples("07", "explained", "pets", [1, 1, 1, 0, 1, 0])
    [0, 3, 1, 5, 2]
    """
    lesson = find_lesson(lesson_id)
    known = lesson.examples[purpose]
    if dataset_name == lesson.parameters["DATASET"]:
        return [*known]
    seen: dict = {}
    turns = []
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, -1) + 1
        turns.append((seen[label], place))
    return [place for _, place in sorted(turns)[: len(known)]]
