"""The exercises of lesson 04, dropout and overfitting: right answers, typical mistakes with their messages."""

import math
import types

from helpers.engine import keras
from helpers.exercises import load_checks

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from network_tools import CLASSES, LABELS, ROWS, fake, labels_with, row_reader


def stop_by_counter(losses, patience):
    best, least, waited = 1, math.inf, 0
    for epoch, loss in enumerate(losses, 1):
        if loss < least:
            best, least, waited = epoch, loss, 0
        else:
            waited += 1
            if waited == patience:
                return [best, epoch]
    return [best, len(losses)]


def stop_by_argmin(losses, patience):
    for epoch in range(1, len(losses) + 1):
        best = np.argmin(losses[:epoch]) + 1
        if epoch - best == patience:
            break
    return np.array([best, epoch], float)


def stop_by_recursion(losses, patience, epoch=1):
    best = losses.index(min(losses[:epoch])) + 1
    ends = epoch - best >= patience or epoch == len(losses)
    return (best, epoch) if ends else stop_by_recursion(losses, patience, epoch + 1)


def stop_by_keras(losses, patience):
    model = types.SimpleNamespace(stop_training=False, get_weights=list, set_weights=list)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=patience, mode="min", restore_best_weights=True)
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, loss in enumerate(losses):
        stopping.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return stopping.best_epoch + 1, epoch + 1


def stop_with(least=math.inf, margin=0.0):
    """Return a function with such a best loss before the first epoch, and such a difference that counts."""

    def stop(losses, patience):
        best, smallest = 1, least
        for epoch, loss in enumerate(losses, 1):
            if loss < smallest - margin:
                best, smallest = epoch, loss
            if epoch - best >= patience:
                break
        return best, epoch

    return stop


def stop_without_return(losses, patience):
    """Returns something only where it never stops early."""
    best, last = stop_by_recursion(losses, patience)
    return None if last - best >= patience else (best, last)


def return_without_stop(losses, patience):
    best, last = stop_by_recursion(losses, patience)
    return (best, last) if last - best >= patience else None


def stop_without_end(losses, patience):
    return int(np.argmin(losses)) + 1, len(losses)


def stop_at_any_rise(losses, patience, equal_is_rise=True, begin_anew=True):
    """Counts rises, and begins anew with each fall."""
    rises = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1] or (equal_is_rise and losses[epoch] == losses[epoch - 1]):
            rises += 1
        elif begin_anew:
            rises = 0
        if rises == patience:
            return int(np.argmin(losses[: epoch + 1])) + 1, epoch + 1
    return stop_without_end(losses, patience)


def stop_without_a_new_start(losses, patience):
    """The counter is not set back at a new best epoch."""
    best, waited = 1, 0
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[best - 1]:
            best = epoch
        else:
            waited += 1
        if waited == patience:
            return best, epoch
    return best, len(losses)


def drop_by_loop(maps, rate, random):
    result = np.zeros_like(maps)
    for channel in range(maps.shape[2]):
        if random.uniform() > rate:
            result[:, :, channel] = maps[:, :, channel] / (1 - rate)
    return result


def drop_in_place(maps, rate, random):
    maps[..., random.random(maps.shape[-1]) < rate] = 0
    maps /= 1 - rate
    return maps


def drop_a_fixed_number(maps, rate, random):
    number = round(rate * maps.shape[2])
    dropped = random.choice(maps.shape[2], size=number, replace=False)
    return np.where(np.isin(np.arange(maps.shape[2]), dropped), 0, maps) / (1 - rate)


def drop_with_replacement(maps, rate, random):
    dropped = random.integers(0, maps.shape[2], int(rate * maps.shape[2]))
    return np.where(np.isin(np.arange(maps.shape[2]), dropped), 0, maps) / (1 - rate)


def dropping(scale=lambda rate: 1 / (1 - rate), share=lambda rate: rate, shape=lambda h, w, c: c):
    """A function that drops that share of parts of that shape, and scales the rest."""
    return lambda maps, rate, random: maps * (random.random(shape(*maps.shape)) >= share(rate)) * scale(rate)


def drop_in_blocks(size):
    """A function that draws a number for each block of so many channels."""

    def drop(maps, rate, random):
        blocks = random.random(-(-maps.shape[2] // size)) >= rate
        return maps * np.repeat(blocks, size)[: maps.shape[2]] / (1 - rate)

    return drop


def scale_by_what_is_left(maps, rate, random):
    keep = random.random(maps.shape[2]) >= rate
    return maps * keep / keep.mean()


GOAL, LIMIT = 0.7, 50_000

CURVES = {"P": "c", "Q": "b", "R": "a", "S": "d"}
KEPT = {"by_loss": 4, "by_accuracy": 5, "every": 6}
STUBS = {
    1: "?",
    2: lambda losses, patience: None,
    3: {"zeros": None, "factor": None, "zeros_predicting": None},
    4: lambda maps, rate, random: None,
    5: (..., None, None),
    6: dict.fromkeys("PQRS", "?"),
    7: {"by_loss": None, "by_accuracy": None, "every": None},
    8: letters("???"),
    9: letters("???"),
}
RIGHT = {
    1: ["b", "(b).", "answer b"],
    2: [
        stop_by_counter,
        stop_by_argmin,
        stop_by_recursion,
        stop_by_keras,
    ],
    3: [
        {"zeros": 0.25 * 1024, "factor": 1 / (1 - 0.25), "zeros_predicting": 0},
        {"zeros": np.int64(256), "factor": 1.33, "zeros_predicting": 0.0},
        {"zeros": "256", "factor": "1.333", "zeros_predicting": np.array(0)},
    ],
    4: [
        dropping(),
        drop_by_loop,
        drop_a_fixed_number,
        lambda maps, rate, random: maps * random.choice([0, 1 / (1 - rate)], maps.shape[2], p=[rate, 1 - rate]),
        lambda maps, rate, random: np.where(random.uniform(0, 1, maps.shape[2]) < rate, 0, maps / (1 - rate)),
        lambda maps, rate, random: (maps * random.binomial(1, 1 - rate, (1, 1, maps.shape[2])) / (1 - rate)).tolist(),
    ],
    5: [
        (fake(), ROWS, LABELS),
        (fake(), ROWS, labels_with(GOAL)),
        (fake(), ROWS.tolist(), LABELS.tolist()),
        (fake(), ROWS, LABELS[:, np.newaxis]),
        (fake(), ROWS, np.eye(CLASSES)[LABELS]),
        (fake(predict=lambda *_, **__: 3 * np.eye(CLASSES)[LABELS] - 1), ROWS, LABELS),  # no softmax
    ],
    6: [CURVES, {name: f"({letter})" for name, letter in CURVES.items()}, {**CURVES, "Q": "B"}],
    7: [KEPT, {name: str(epoch) for name, epoch in KEPT.items()}, {**KEPT, "by_loss": np.int64(4)}],
    8: dressed("acb"),
    9: dressed("aab"),
}
WRONG = {
    1: [("a", "learns by heart"), ("c", "jump or rise"), ("D", "probabilities get worse")],
    2: [
        (lambda losses, p: (int(np.argmin(losses)) + 1, stop_by_counter(losses, p)[1]), "after the end"),
        (stop_without_end, "never stops early"),
        (lambda losses, p: [epoch - 1 for epoch in stop_by_counter(losses, p)], "count the epochs from 1"),
        (lambda losses, p: stop_by_counter(losses, p)[::-1], "wrong order"),
        (stop_at_any_rise, "compare with the epoch before"),
        (lambda losses, p: stop_at_any_rise(losses, p, equal_is_rise=False), "compare with the epoch before"),
        (lambda losses, p: stop_at_any_rise(losses, p, begin_anew=False), "compare with the epoch before"),
        (lambda losses, p: stop_at_any_rise(losses, p, False, False), "compare with the epoch before"),
        (lambda losses, p: stop_by_counter([x - i / 1e6 for i, x in enumerate(losses)], p), "not with <="),
        (stop_without_a_new_start, "starts the patience anew"),
        (lambda losses, p: stop_by_counter(losses, p + 1), "one epoch late"),
        (lambda losses, p: stop_by_counter(losses, 1), "`patience` is not used"),
        (lambda losses, p: stop_by_counter(losses, p)[0], "return both"),
        (lambda losses, p: stop_by_counter(losses, p)[1], "return both"),
        (lambda losses, p: (min(losses), len(losses)), "it returned"),
        (lambda losses, p: stop_by_argmin(losses, p - 1), "one epoch early"),
        (lambda losses, p: stop_by_counter(losses, max(p - 1, 1)), "one epoch early"),
        (lambda losses, p: stop_by_argmin(losses, p) - [1, 0], "the best epoch is one too small"),
        (lambda losses, p: stop_by_argmin(losses, p) - [0, 1], "the last epoch is one too small"),
        (
            lambda losses, p: (losses[stop_by_recursion(losses, p)[0] - 1], stop_by_recursion(losses, p)[1]),
            "which epoch",
        ),
        (lambda losses, p: stop_by_argmin(losses, p)[0] + np.array([0, p]), "beyond the last epoch"),
        (stop_with(least=0), "no epoch for a new best"),
        (lambda losses, p: stop_with(least=0)(losses, p - 1) if p > 1 else (1, 1), "no epoch for a new best"),
        (stop_with(least=100), "it returned 1 at place [0] where 2 is right"),
        (stop_with(margin=0.01), "where 3 is right"),
        (stop_with(margin=0.001), "where 6 is right, so [1., 3.]"),
        (lambda losses, p: (*stop_by_counter(losses, p), 0), "returned shape (3,)"),
        (lambda losses, p: (None, 4), "but it returned (None, 4)"),
        (stop_without_return, "], 2) your function returns nothing, and else it does."),
        (return_without_stop, "], 2) your function returns nothing, and else it does."),
        (lambda losses: (1, 2), "raised TypeError"),
        (lambda losses, p: losses[p * 10], "raised IndexError"),
        ((2, 4), "without parentheses"),
    ],
    3: [
        ({"zeros": 768, "factor": 4 / 3, "zeros_predicting": 0}, "not the one that is kept"),
        ({"zeros": 0.25, "factor": 4 / 3, "zeros_predicting": 0}, "that is the share"),
        ({"zeros": 256, "factor": 0.75, "zeros_predicting": 0}, "smaller still"),
        ({"zeros": 256, "factor": 1.25, "zeros_predicting": 0}, "75% × 1.25"),
        ({"zeros": 256, "factor": 4, "zeros_predicting": 0}, "1 / rate"),
        ({"zeros": 256, "factor": "1,33", "zeros_predicting": 0}, "without a comma"),
        ({"zeros": 256, "factor": 1, "zeros_predicting": 0}, "gets less in training"),
        ({"zeros": 256, "factor": 4 / 3, "zeros_predicting": 256}, "passes everything on"),
        ({"zeros": 256, "factor": 4 / 3, "zeros_predicting": 768}, "passes everything on"),
        ({"zeros": 25, "factor": 4 / 3, "zeros_predicting": 0}, "share in percent"),
        ({"zeros": 256, "factor": 0.25, "zeros_predicting": 0}, "the rate itself"),
        ({"zeros": 256, "factor": 1.34, "zeros_predicting": 0}, "too large"),
        ({"zeros": 256.5, "factor": 4 / 3, "zeros_predicting": 0}, "too large"),
        ({"zeros": 257, "factor": 4 / 3, "zeros_predicting": 0}, "too large"),
        ({"zeros": 256, "factor": 1.3, "zeros_predicting": 0}, "too small"),
        ({"zeros": np.nan, "factor": 4 / 3, "zeros_predicting": 0}, "must be one number"),
        ({"zeros": 10**400, "factor": 4 / 3, "zeros_predicting": 0}, "must be one number"),
        ({"zeros": True, "factor": 4 / 3, "zeros_predicting": 0}, "must be one number, but it is True"),
    ],
    4: [
        (lambda maps, rate, random: maps, "nothing is dropped"),
        (lambda maps, rate, random: maps / (1 - rate), "nothing is dropped"),
        (dropping(shape=lambda h, w, c: (h, w, c)), "not for each pixel"),
        (dropping(shape=lambda h, w, c: (h, w, 1)), "not for each pixel"),
        (lambda maps, rate, random: 0 * maps, "everything is dropped"),
        (lambda maps, rate, random: dropping()(maps, rate, random).astype(int), "at one place, by"),
        (
            lambda maps, rate, random: dropping()(maps, rate, random).astype(np.float16),
            "a channel that stays is multiplied by 1.",
        ),
        (dropping(shape=lambda h, w, c: 1), "dropped together"),
        (dropping(shape=lambda h, w, c: 1, scale=lambda rate: 1), "dropped together"),
        (lambda maps, rate, random: dropping()(maps, rate, np.random.default_rng(0)), "the same channels"),
        (drop_in_blocks(2), "some channels are always dropped together"),
        (drop_in_blocks(20), "some channels are always dropped together"),
        (lambda maps, rate, random: dropping()(maps, rate, np.random.default_rng()), "take all numbers from it"),
        (dropping(share=lambda rate: 1 - rate), "75% of the channels are dropped at a rate of 25%: `rate`"),
        (dropping(share=lambda rate: rate**2), "% of the channels are dropped at a rate of 25%."),
        (dropping(scale=lambda rate: 1), "not scaled"),
        (dropping(scale=lambda rate: 1 - rate), "not by 1 − rate"),
        (dropping(scale=lambda rate: 1 / rate), "not by rate"),
        (dropping(scale=lambda rate: 1 + rate), "1 + rate is close"),
        (dropping(scale=lambda rate: 2), "multiplied by 2;"),
        (scale_by_what_is_left, "multiplied by 1."),
        (dropping(share=lambda rate: 0.25, scale=lambda rate: 4 / 3), "use the argument `rate`"),
        (dropping(share=lambda rate: 0.25), "use the argument `rate`"),
        (drop_with_replacement, "it draws some channels several times"),
        (dropping(scale=lambda rate: 4 / 3), "use the argument `rate`"),
        (
            lambda maps, rate, random: maps * np.nan,
            "it returned nan at place [0, 0, 0], for (an array of shape (6, 5, 40), 0.25, random).",
        ),
        (lambda maps, rate, random: dropping()(maps, rate, random)[:, :, :20], "keep the shape (6, 5, 40)"),
        (drop_in_place, "your function changed its input: copy it first"),
        (lambda maps, rate, random: maps.mean(), "keep the shape"),
        (dropping(shape=lambda h, w, c: h), "raised ValueError"),
        (lambda maps, rate: maps, "raised TypeError"),
        (lambda maps, rate, random: random, "must return numbers"),
        (np.zeros((6, 5, 40)), "without parentheses"),
    ],
    5: [
        (
            (fake(count_params=lambda: LIMIT + 1), ROWS, LABELS),
            "it has 50,001 parameters; at most 50,000 are allowed. (It gets 100.0% of the validation images right.)",
        ),
        ((fake(), ROWS, labels_with(0.1)), "it gets 10.0% of the validation images right. Is it trained?"),
        ((fake(), ROWS, labels_with(0.6)), "it gets 60.0% of the validation images right. The goal is 70%."),
        ((fake(), ROWS, labels_with(0.69)), "it gets 69.0% of the validation images right. The goal is 70%: close."),
        (
            (fake(predict=lambda *_, **__: 3 * np.eye(CLASSES)[LABELS]), ROWS, labels_with(0.6)),
            "its numbers are no probabilities",
        ),
        ((fake(predict=lambda *_, **__: np.zeros((200, 10))), ROWS, LABELS), "it gives all classes the same number"),
        ((fake(predict=lambda *_, **__: np.eye(5)[LABELS % 5]), ROWS, LABELS), "it must give 10 numbers"),
        ((keras.Sequential([keras.layers.Dense(10)]), ROWS, LABELS), "its parameters cannot be counted"),
    ],
    6: [
        ({**CURVES, "P": "a"}, "grows from 0.22"),
        ({**CURVES, "P": "b"}, "comes near to 1"),
        ({**CURVES, "P": "d"}, "learned from get there"),
        ({**CURVES, "Q": "a"}, "turns around after epoch 4"),
        ({**CURVES, "Q": "c"}, "no accuracy is above 1."),
        ({**CURVES, "Q": "d"}, "no accuracy is above 1."),
        ({**CURVES, "R": "b"}, "falls to the end"),
        ({**CURVES, "R": "c"}, "begins at 2.1"),
        ({**CURVES, "R": "d"}, "begins at 2.1"),
        ({**CURVES, "S": "a"}, "a share of right answers"),
        ({**CURVES, "S": "b"}, "as Q is"),
        ({**CURVES, "S": "c"}, "know by heart"),
    ],
    7: [
        ({**KEPT, "by_loss": 6}, "only a smaller loss"),
        ({**KEPT, "by_loss": 5}, "looks at val_loss"),
        ({**KEPT, "by_loss": 3}, "counted from 1"),
        ({**KEPT, "by_loss": 2}, "at the first rise"),
        ({**KEPT, "by_loss": 1.4}, "that is the loss"),
        ({**KEPT, "by_loss": 1}, "loss is largest"),
        ({**KEPT, "by_accuracy": 6}, "Only a larger accuracy"),
        ({**KEPT, "by_accuracy": 4}, "looks at val_accuracy"),
        ({**KEPT, "by_accuracy": 3}, "falls first"),
        ({**KEPT, "by_accuracy": 0.47}, "that is the accuracy"),
        ({**KEPT, "by_accuracy": 1}, "accuracy is smallest"),
        ({**KEPT, "every": 4}, "better or not"),
        ({**KEPT, "every": 5}, "better or not"),
        ({**KEPT, "every": 1}, "written again"),
        ({**KEPT, "every": 7}, "too large"),
    ],
    8: one_wrong(
        "acb",
        Ab="hardly one becomes exactly 0",
        Ac="there is no loss",
        Ba="which other images",
        Bb="still normalizes",
        Ca="a noisy curve is luck",
        Cc="not there to choose by",
    ),
    9: one_wrong(
        "aab",
        Ab="that is stride 2",
        Ac="as deep as its input",
        Bb="pooled by itself",
        Bc="that one is kept",
        Ca="Validation images choose",
        Cc="says nothing of new images",
    ),
}
MISSING = [
    (1, "e", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (2, not_written, "write the body of the function"),
    (3, {"zeros": 256, "factor": None, "zeros_predicting": "?"}, "fill in factor, zeros_predicting."),
    (4, ..., "define the function"),
    (4, not_written, "write the body of the function"),
    (5, (None, ROWS, LABELS), "build and train a network"),
    (5, row_reader(), "give the trained model and the images"),
    (5, (row_reader(), ROWS), "give the trained model and the images"),
    (5, (ROWS, row_reader(), LABELS), "give the trained model and the images"),
    (5, (row_reader(), None, None), "give the images and their labels"),
    (5, (row_reader(), ROWS[:0], LABELS[:0]), "give the images and their labels"),
    (5, (row_reader(), ROWS, LABELS[:9]), "give the images and their labels"),
    (5, (row_reader(), ROWS, LABELS + 0.5), "give the images and their labels"),
    (6, {**CURVES, "R": "?"}, "R: put one of the letters a, b, c, d"),
    (7, {**KEPT, "every": None}, "fill in every."),
    (8, letters("a?b"), "B: put one of the letters a, b, c"),
    (9, letters("a?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "04", STUBS, RIGHT, WRONG, MISSING


def judge(model, right=1.0, images=ROWS):
    load_checks("04")(5, (model, images, labels_with(right)))


def test_pixels_are_given_as_they_are(said):
    seen = []
    judge(fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0]))
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[0], ROWS, atol=1e-6)
    judge(
        fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0] / 2 + 0.5), images=2 * ROWS - 1
    )
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[1], 2 * ROWS - 1, atol=1e-6)
    judge(row_reader(), images=ROWS.tolist())
    assert said().startswith("✓ yes")


def test_parameters_are_limited(said):
    hidden = LIMIT // (120 + CLASSES)
    for model, passes in (
        (fake(count_params=lambda: LIMIT), True),
        (fake(count_params=lambda: LIMIT + 1), False),
        (row_reader(knows=False, hidden=hidden), None),  # not too large, but knows nothing
        (row_reader(knows=False, hidden=hidden + 1), False),
    ):
        judge(model)
        text = said()
        if passes is None:
            assert "Is it trained?" in text
        else:
            assert text.startswith("✓ yes" if passes else f"✗ no: it has {model.count_params():,} parameters; at most")
        assert ("(It gets" in text) == (passes is False)
