"""Is it a difference, or luck? Pairs of runs, or of answers to the same images, and the interval of their mean."""

import numpy as np
from scipy import stats


def interval(differences) -> tuple[float, float]:
    """Return the mean of paired differences, and half the width of its 95% interval (Student's t).

    If the interval, mean ± half, includes 0, these pairs show no difference.

    Parameters
    ----------
    differences : (n,) numbers, one for each pair: the same seed, or the same image, in both

    Raises ValueError for fewer than two pairs, or for what is no list of finite numbers. Lesson 10b writes it by hand.
    """
    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"give one difference for each of two pairs or more, as an array (n,), not {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("some of these differences are no numbers: look for pairs of which one is missing.")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(half)
