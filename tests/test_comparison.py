"""helpers.comparison against SciPy, and against a thousand samples whose mean is known."""

from helpers.comparison import interval

import numpy as np
import pandas as pd
import pytest
from scipy import stats


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(0).normal(2, 3, size=7)
    mean, half = interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((expected.low, expected.high))


def test_interval_by_hand():
    """Of 1, 2, 3: mean 2, deviation 1, t = 4.303."""
    assert interval([1, 2, 3]) == pytest.approx((2, 4.3027 / np.sqrt(3)), abs=1e-3)


def test_a_column_of_a_table_is_no_other_thing():
    """pandas and NumPy divide by n − 1 and by n."""
    assert interval(pd.Series([0.1, 0.4, 0.2])) == interval(np.array([0.1, 0.4, 0.2]))


def test_nineteen_of_twenty_intervals_hold_the_truth():
    samples = np.random.default_rng(1).normal(5, 2, size=(1000, 5))
    held = [abs(mean - 5) <= half for mean, half in map(interval, samples)]
    assert 0.93 < np.mean(held) < 0.97


@pytest.mark.parametrize("values", [[], [1.0], 3.0, [[1, 2], [3, 4]]])
def test_too_few_pairs(values):
    with pytest.raises(ValueError, match="two pairs or more"):
        interval(values)


def test_a_missing_run_is_named():
    with pytest.raises(ValueError, match="one is missing"):
        interval([0.1, np.nan, 0.2])
