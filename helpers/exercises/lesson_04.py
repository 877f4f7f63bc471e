"""The exercises of lesson 04, dropout and overfitting: what is right, which mistakes are typical, and the hints."""

from functools import partial

from helpers.exercises import short
from helpers.exercises.anew import drawn
from helpers.exercises.arithmetic import dropped
from helpers.exercises.fresh import expect_all, expect_fresh, fresh_critters, scaled_like
from helpers.exercises.judges import Exercise, Wrong, call_answer, choice, function
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    RIGHT_IN_VALIDATION,
    expect_right,
    parameters_of,
    percent,
    share_right,
    stand_in,
    trained_beforehand,
    unpack_images,
)
from helpers.exercises.quizzes import quiz

import numpy as np


def _stop_early(losses, patience):
    best = 1
    for epoch in range(1, len(losses) + 1):
        if losses[epoch - 1] < losses[best - 1]:
            best = epoch
        if epoch - best >= patience:
            break
    return best, epoch


def _stop_at_rise(losses, patience, margin=0.0, begin_anew=True):
    """Count every epoch that is worse than the one before, and begin anew when one is better."""
    worse, epoch = 0, 1
    for epoch in range(2, len(losses) + 1):
        rise = losses[epoch - 1] - losses[epoch - 2] >= margin
        worse = worse + 1 if rise else worse * (not begin_anew)
        if worse >= patience:
            break
    return int(np.argmin(losses[:epoch])) + 1, epoch


def _stop_never_resets(losses, patience):
    """Count all epochs without a new minimum, and never begin anew."""
    best, waited, epoch = 1, 0, 1
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[best - 1]:
            best = epoch
        else:
            waited += 1
        if waited >= patience:
            break
    return best, epoch


def _stop_one_late(losses, patience):
    return _stop_early(losses, patience + 1)


def _stop_tie(losses, patience):
    """Take an epoch as good as the best one for a new best."""
    return _stop_early([loss - 1e-6 * epoch for epoch, loss in enumerate(losses)], patience)


_COMPARES = (
    "you compare with the epoch before. What counts is the best epoch so far: a loss that falls a little, but stays "
    "above it, is no new best."
)
_STOP_CASES = [
    ([2.0, 1.5, 1.6, 1.7, 1.2], 2),
    ([2.0, 1.8, 1.9, 1.7, 1.75, 1.6, 1.9, 1.8, 1.7, 1.5], 3),
    ([3.0, 2.0, 2.5, 2.4, 2.3, 2.2, 1.0], 3),
    ([1.0, 0.9, 0.8, 0.7], 2),
    ([1.0, 1.1, 0.9, 0.9, 0.9, 0.5], 2),
    ([1.0, 1.2, 0.9, 1.2, 0.8, 1.2, 0.7, 1.2, 1.2], 2),
    ([5.0, 4.0, 4.5, 1.0], 1),
    ([310.0, 260.0, 270.0, 280.0, 90.0], 2),  # no loss is too large to be the best one
    ([0.52, 0.519, 0.5185, 0.53, 0.54, 0.1], 2),  # and no step too small
    ([0.52, 0.5197, 0.5194, 0.5191, 0.53, 0.1], 2),
    ([1.0, 1.5, 1.2, 0.5], 2),
    ([0.7], 2),
]


_SCALES = (
    (
        lambda rate: 1,
        "the channels that stay are not scaled, so that the next layer gets less in training than in prediction.",
    ),
    (
        lambda rate: 1 - rate,
        "multiply by 1 / (1 − rate), not by 1 − rate: the channels that stay must get larger.",
    ),
    (lambda rate: 1 / rate, "divide by 1 − rate, the share that stays, not by rate."),
    (
        lambda rate: 1 + rate,
        "1 + rate is close, but the sum must be the same on average: divide by 1 − rate.",
    ),
)
"""What the channels that stay are multiplied by, if it is not 1 / (1 − rate)."""


def _dropping(scale=lambda rate: 1 / (1 - rate), share=lambda rate: rate, shape=lambda *size: size[2]):
    """Return a function that drops a share of parts of that shape, and scales the rest."""
    return lambda maps, rate, random: maps * (random.random(shape(*maps.shape)) >= share(rate)) * scale(rate)


def _drop_channels(answer) -> None:
    """Judge a function (maps, rate, random) that drops whole channels, by what it does to maps of ones and others."""
    maps, rate = 1 + np.arange(6 * 5 * 40, dtype=float).reshape(6, 5, 40), 0.25
    draws = [call_answer(answer, (maps, rate, np.random.default_rng(seed))) for seed in range(60)]
    if any(draw.shape != maps.shape for draw in draws):
        raise Wrong(f"the result must keep the shape {maps.shape}, but it has {draws[0].shape}.")
    factors = np.stack(draws) / maps  # (draws, height, width, channels)
    if factors.all():
        raise Wrong("nothing is dropped: each channel must become 0 with probability `rate`.")
    if not factors.any():
        raise Wrong("everything is dropped, each time: each channel must become 0 with probability `rate`.")
    if not np.array_equal(factors == 0, np.broadcast_to(factors[:, :1, :1] == 0, factors.shape)):
        raise Wrong("some channels are 0 at some places only. Draw one number for each channel, not for each pixel.")
    if not np.allclose(factors, factors[:, :1, :1]):
        draw, *place, channel = np.argwhere(~np.isclose(factors, factors[:, :1, :1]))[0]
        one, other = factors[draw, 0, 0, channel], factors[(draw, *place, channel)]
        raise Wrong(
            f"a channel that stays is multiplied by {one:.6g} at one place, by {other:.6g} at another. It must be the "
            "same number at all places: 1 / (1 − rate)."
        )
    channels = factors[:, 0, 0]  # (draws, channels)
    if np.allclose(channels, channels[:, :1]):
        raise Wrong("all channels are dropped together. Each channel has a draw of its own.")
    if np.allclose(channels, channels[0]):
        raise Wrong("the same channels are dropped each time: take the numbers from `random`.")
    if np.unique(channels == 0, axis=1).shape[1] < channels.shape[1]:
        raise Wrong("some channels are always dropped together. Each channel has a draw of its own.")
    if not np.array_equal(draws[0], call_answer(answer, (maps, rate, np.random.default_rng(0)))):
        raise Wrong("`random` in the same state must drop the same channels: take all numbers from it.")
    zeros = np.mean(channels == 0)
    if abs(zeros - (1 - rate)) < 0.05:
        raise Wrong(f"about {zeros:.0%} of the channels are dropped at a rate of 25%: `rate` is the share to drop.")
    if abs(zeros - rate) > 0.03:
        raise Wrong(f"about {zeros:.0%} of the channels are dropped at a rate of 25%.")
    kept = channels[channels != 0]
    for scale, message in _SCALES:
        if np.allclose(kept, scale(rate)):
            raise Wrong(message)
    if not np.allclose(kept, 1 / (1 - rate)):
        raise Wrong(f"channels that stay are multiplied by {kept.flat[0]:.6g}; 1 / (1 − rate) is right.")
    most = call_answer(answer, (np.ones((2, 2, 4000)), 0.6, np.random.default_rng(0)))
    if abs(np.mean(most == 0) - (1 - np.exp(-0.6))) < 0.01:  # what is left of 2,400 draws out of 4,000
        raise Wrong(
            "with a rate of 60% only 45% are dropped: it draws some channels several times. Draw a number for each "
            "channel, and compare it with `rate`."
        )
    if abs(np.mean(most == 0) - 0.6) > 0.03 or not np.allclose(most[most != 0], 1 / 0.4):
        raise Wrong("with a rate of 60% it drops or scales as with another rate: use the argument `rate`.")


def _seventy(answer) -> None:
    """Judge (model, images, labels): at most 50,000 parameters, at least 70% right."""
    model, images, labels = unpack_images(
        answer,
        "check(5, (my_model, x_validation, y_validation))",
        build="build and train a network",
        given="the trained model and the images",
        has="count_params",
    )
    parameters = parameters_of(model, images.shape[1:])
    known = expect_all(images, labels, "x_validation and y_validation")
    if parameters > 50_000:
        reached = RIGHT_IN_VALIDATION.format(percent(share_right(model, images, labels), 1)).capitalize()
        raise Wrong(f"it has {parameters:,} parameters; at most 50,000 are allowed. ({reached}.)")
    untrained = (0.3, ". Is it trained?")
    share = expect_right(model, images, labels, 0.7, decimals=1, close=0.66, untrained=untrained)
    if known and known.dataset.name == "critters":
        expect_fresh(model, fresh_critters(), 0.7, scaled_like(images), given=(share, len(labels)))
    if trained_beforehand(model, "critters"):
        raise Wrong("that network was trained beforehand. Train one with x_all and y_all.")


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "a falling training loss alone says little: it also falls while a network learns by heart. "
                "The validation loss is the one to watch.",
                "c": "with too large a learning rate the training loss would jump or rise as well. It falls.",
                "d": "the accuracy only counts right answers. The rising loss says that its probabilities get worse.",
            },
        ),
        "What it has learned since epoch 6 fits the training images better; its probabilities for others get worse.",
        (
            "Which of the two losses is measured on images that the network does not learn from?",
            "Think of the random labels: what did falling training loss mean there?",
        ),
    ),
    2: Exercise(
        function(
            _stop_early,
            _STOP_CASES,
            [
                (
                    lambda losses, patience: (int(np.argmin(losses)) + 1, _stop_early(losses, patience)[1]),
                    "your best epoch can lie after the end. Look only at epochs up to where the training stops.",
                ),
                (
                    lambda losses, patience: (int(np.argmin(losses)) + 1, len(losses)),
                    "your training never stops early. Compare how long ago the best epoch was with `patience`.",
                ),
                (
                    lambda losses, patience: tuple(np.subtract(_stop_early(losses, patience), 1)),
                    "both are one too small: count the epochs from 1.",
                ),
                (
                    lambda losses, patience: _stop_early(losses, patience)[::-1],
                    "the right numbers in the wrong order: the best epoch first, then the last one.",
                ),
                (_stop_at_rise, _COMPARES),
                (partial(_stop_at_rise, margin=1e-9), _COMPARES),
                (partial(_stop_at_rise, begin_anew=False), _COMPARES),
                (partial(_stop_at_rise, margin=1e-9, begin_anew=False), _COMPARES),
                (_stop_tie, "a loss that only equals the best one is no new best: compare with <, not with <=."),
                (_stop_never_resets, "a new best epoch starts the patience anew."),
                *(
                    (
                        lambda losses, patience, least=least: _stop_early(losses, max(patience - 1, least)),
                        "it stops one epoch early: it ends when the best epoch was `patience` epochs ago.",
                    )
                    for least in (0, 1)
                ),
                (
                    lambda losses, patience: np.subtract(_stop_early(losses, patience), (1, 0)),
                    "the best epoch is one too small: count it from 1, too.",
                ),
                (
                    lambda losses, patience: np.subtract(_stop_early(losses, patience), (0, 1)),
                    "the last epoch is one too small: count it from 1, too.",
                ),
                (
                    lambda losses, patience: (
                        min(losses[: _stop_early(losses, patience)[1]]),
                        _stop_early(losses, patience)[1],
                    ),
                    "the first number is the loss of the best epoch. Return which epoch it is.",
                ),
                (
                    lambda losses, patience: (
                        _stop_early(losses, patience)[0],
                        _stop_early(losses, patience)[0] + patience,
                    ),
                    "yours goes on beyond the last epoch. If it never stops, the last one is where it ends.",
                ),
                *(
                    (
                        lambda losses, patience, late=late: (1, min(patience + late, len(losses))),
                        "yours takes no epoch for a new best. No loss is below 0: begin with the first one.",
                    )
                    for late in (0, 1)
                ),
                (_stop_one_late, "it stops one epoch late: it ends when the best epoch was `patience` epochs ago."),
                (
                    lambda losses, patience: _stop_early(losses, 1),
                    "`patience` is not used: it stops at the first epoch without a new best.",
                ),
                (lambda losses, patience: _stop_early(losses, patience)[1], "return both: best epoch, last epoch."),
                (lambda losses, patience: _stop_early(losses, patience)[0], "return both: best epoch, last epoch."),
            ],
        ),
        "That is what `EarlyStopping` does, with the weights of the best epoch put back at the end.",
        (
            "Keep two things while you go through the epochs: the best epoch so far, and the current one.",
            "for epoch in range(1, len(losses) + 1): the loss of this epoch is losses[epoch - 1].",
            "Stop when epoch - best >= patience.",
        ),
    ),
    3: dropped(1024, 25).exercise(
        "A quarter is dropped, three quarters times 4/3 make a whole, and prediction uses everything.",
        (
            "The rate 0.25 is the share that is dropped.",
            "Three quarters of the numbers, each times the factor, must give the old sum.",
        ),
        another=drawn(
            dropped,
            (
                "The rate is the share that is dropped.",
                "What is kept, each number times the factor, must give the old sum.",
            ),
            count=(200, 400, 600, 800, 1000, 2000),
            percent=(20, 30, 40, 60, 70, 75, 80),
        ),
    ),
    4: Exercise(
        _drop_channels,
        "Whole channels drop out, and the mean stays as it was.",
        (
            "How many random numbers do you need? One for each channel: maps.shape[2].",
            "keep = random.random(maps.shape[2]) >= rate is True for the channels that stay.",
            "maps * keep works on the last axis. What is missing is the factor 1 / (1 − rate).",
        ),
        [
            (
                lambda maps, rate, random: maps / (1 - rate),
                "nothing is dropped: each channel must become 0 with probability `rate`.",
            ),
            (
                _dropping(shape=lambda *size: size),
                "some channels are 0 at some places only. Draw one number for each channel, not for each pixel.",
            ),
            (
                _dropping(shape=lambda *size: 1),
                "all channels are dropped together. Each channel has a draw of its own.",
            ),
            (
                lambda maps, rate, random: _dropping()(maps, rate, np.random.default_rng(0)),
                "the same channels are dropped each time: take the numbers from `random`.",
            ),
            (
                lambda maps, rate, random: _dropping()(maps, rate, np.random.default_rng()),
                "`random` in the same state must drop the same channels: take all numbers from it.",
            ),
            (
                _dropping(share=lambda rate: 1 - rate),
                "about 75% of the channels are dropped at a rate of 25%: `rate` is the share to drop.",
            ),
            *((_dropping(scale), message) for scale, message in _SCALES),
            (
                _dropping(lambda rate: 4 / 3, lambda rate: 0.25),
                "with a rate of 60% it drops or scales as with another rate: use the argument `rate`.",
            ),
            (
                lambda maps, rate, random: maps * np.repeat(random.random(maps.shape[2] // 2) >= rate, 2) / (1 - rate),
                "some channels are always dropped together. Each channel has a draw of its own.",
            ),
        ],
    ),
    5: Exercise(
        _seventy,
        "That is far above the network that memorized, with a fraction of its weights.",
        (
            "Which two rows of the table have the best validation accuracy? They can be combined.",
            "network(lambda: [layers.GlobalMaxPooling2D()]), trained on x_all and y_all.",
            "Give it 6 to 10 epochs.",
        ),
        [
            ((model, IMAGES, LABELS), message)
            for model, message in (
                (
                    stand_in(0.72, count_params=lambda: 60_000),
                    "it has 60,000 parameters; at most 50,000 are allowed. "
                    "(It gets 72.0% of the validation images right.)",
                ),
                (stand_in(0.1), "it gets 10.0% of the validation images right. Is it trained?"),
                (stand_in(0.6), "it gets 60.0% of the validation images right. The goal is 70%."),
                (stand_in(0.69), "it gets 69.0% of the validation images right. The goal is 70%: close."),
                (
                    stand_in(0.6, scale=3),
                    "it gets 60.0% of the validation images right, and its numbers are no probabilities: give the last "
                    'layer activation="softmax", or train it with a loss that has from_logits=True.',
                ),
                (
                    stand_in(classes=5),
                    "for each image it must give 10 numbers, but the shape of its answer is (100, 5).",
                ),
            )
        ],
        patience=6,
    ),
    **short.LESSON_04,
    9: quiz("04"),
}
