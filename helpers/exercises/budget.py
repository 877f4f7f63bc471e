"""The judge of lesson 11's race: a target to reach within the processor seconds of the recipe."""

from dataclasses import replace
from functools import cache, partial
from os import times
from types import SimpleNamespace

from helpers.datasets.base import Split
from helpers.exercises.judges import Wrong, call, expect_function, in_short
from helpers.exercises.networks import LESSON_NETWORKS, outputs, trained_beforehand
from helpers.exercises.running import settings_kept

import numpy as np

GOAL = 0.97
"""Share of fresh critters to be right."""
FRESH = 800
"""Critters that only the judge has."""
SLACK = 1.25
"""Times the recipe of two epochs: its third epoch is too much, and smaller batches are not."""
FURTHER = (3, 4, 6)
"""So many classes further on is the label that the judge gives to a critter: no network from elsewhere knows that.

Another one at each try. Other programs on the machine cost processor seconds, too, by a tenth or more: what seems slow
is tried again beside the recipe, and of each the shortest time counts.
"""


@cache
def _drawn():
    """Return the critters of the lesson, with others as test images, as the recipe takes them."""
    from helpers.datasets import load_dataset
    from helpers.datasets.critters import critter, labels
    from helpers.recipe import shrink

    fresh = Split(np.stack([critter("test", index, seed=11).image for index in range(FRESH)]), labels(FRESH))
    return shrink(replace(load_dataset("critters"), test=fresh))


def _critters(further: int = FURTHER[0]) -> tuple:
    """Return the critters to train with, and images and labels of others."""
    return tuple(Split(images, (labels + further) % 10) for images, labels in (_drawn().train, _drawn().test))


def _worked() -> float:
    """Return the processor seconds of this process, and of others that it has started."""
    return sum(times()[:4])


def _timed(train, further: int) -> tuple:
    """Return what a function that trains returns, and its processor seconds."""
    images, labels = (array.copy() for array in _critters(further)[0])
    begun = _worked()
    with settings_kept():
        network = call(partial(train, seed=0, callbacks=[]), images, labels, 10, where="for the critters")
    return network, _worked() - begun


@cache
def _warmed_up() -> None:
    """Train a little: the first training of all takes longer."""
    from helpers.recipe import Recipe, train

    images, labels = _critters()[0]
    train(images[:256], labels[:256], 10, Recipe(epochs=1))


def _budget(further: int) -> float:
    """Return the processor seconds that the recipe takes here for two epochs, measured anew for each try."""
    from helpers.recipe import Recipe, train

    _warmed_up()
    return _timed(partial(train, recipe=Recipe()), further)[1]


def within_budget(answer) -> None:
    """Judge a function that trains a network on critters by what it gets right, and by its processor seconds.

    Raises NotYet and Wrong as `call` does; Wrong with both numbers if it takes more than `SLACK` times the seconds of
    the recipe, or gets less than `GOAL` of `FRESH` critters right that only this judge has. From lesson 11.
    """
    from helpers.recipe import scores
    from helpers.trials import share_right

    expect_function(answer)
    budget = used = np.inf
    for further in FURTHER:
        network, seconds = _timed(answer, further)
        if not hasattr(network, "predict"):
            raise Wrong(f"return the network: your function returned {in_short(network)}.")
        used, budget = min(used, seconds), min(budget, _budget(further))
        if not SLACK < used / budget < 2 * SLACK:
            break
    (images, labels), begun = _critters(further)[1], _worked()
    try:
        found = scores(network, images)
    except Exception as error:
        raise Wrong(f"your network cannot judge uint8 images {images.shape}: {str(error)[:300]}") from None
    if _worked() - begun > budget / 2:
        raise Wrong("your network works too long when it is asked: train it before you return it.")
    found = outputs(SimpleNamespace(predict=lambda *_, **__: found), images, 10)
    reached, share = share_right(found, labels), used / budget
    others = {(before - further) % 10 for before in (0, *FURTHER)} - {0}
    if any(share_right(found, (labels + other) % 10) > 0.5 for other in others):
        raise Wrong(
            "it knows other labels than those that your function was given: train a new network on the images "
            "and labels that it gets."
        )
    said = (
        f"{reached:.1%} of {FRESH} fresh critters, in {np.ceil(100 * share) / 100:.2f} times the processor seconds of "
        "the recipe"
    )
    if share > SLACK:
        raise Wrong(f"{said}. The budget is {SLACK} times.")
    if reached < GOAL:
        mean, deviation = np.mean(images), np.std(images)
        for scaling, scaled in (
            ("from 0 to 1", images / 255),
            ("from −1 to 1", images / 127.5 - 1),
            ("with mean 0 and deviation 1", (images - mean) / deviation),
        ):
            if (better := share_right(scores(network, scaled), labels)) > reached + 0.3:
                raise Wrong(
                    f"{said}. They are uint8, from 0 to 255; {scaling} it gets {better:.1%} of them right. Put the "
                    "scaling into the network, as a layer Rescaling."
                )
        raise Wrong(f"{said}. That is in time, but the goal is {GOAL:.1%}.")
    if trained_beforehand(network, *LESSON_NETWORKS):
        raise Wrong("in it are weights of a network that comes with the lessons. Which rule does that break?")
