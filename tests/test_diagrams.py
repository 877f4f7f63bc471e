"""What stands in the diagrams: boxes, their texts and states, and the numbers of equations."""

from helpers import diagrams, plots
from helpers.pixels import ACCENT

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color


@pytest.fixture(autouse=True)
def close_figures():
    with mpl.rc_context():
        plots.set_style()
        yield
        plt.close("all")


def texts(fig):
    fig.draw_without_rendering()
    return [text.get_text() for text in fig.findobj(plt.Text) if text.get_text()]


def boxes(fig):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, plt.Rectangle)]


def test_a_loop_shows_what_is_written_and_what_is_not():
    fig = diagrams.show_loop({"batch": "x, y = …", "forward": "", "loss": "mean(…)"}, "One step")
    said = texts(fig)
    assert {"One step", "batch", "forward", "loss", "x, y = …", "mean(…)", "the next batch", "once per epoch"} <= {
        *said
    }
    assert said.count("not yet") == 1
    assert [same_color(box.get_edgecolor(), ACCENT) for box in boxes(fig)] == [True, False, True]
    lefts = [box.get_x() for box in boxes(fig)]
    assert lefts == sorted(lefts)


def test_codes_fit_in_their_boxes():
    """Lines of 20 characters, as the docstring allows."""
    fig = diagrams.show_loop(dict.fromkeys("abcdef", "w" * 20 + "\n" + "m" * 20), "Wide")
    fig.canvas.draw()
    written = [text for text in fig.axes[0].texts if "\n" in text.get_text()]
    assert len(written) == 6
    for box, text in zip(boxes(fig), written, strict=True):
        inside, outside = text.get_window_extent(), box.get_window_extent()
        assert outside.x0 < inside.x0 < inside.x1 < outside.x1 and outside.y0 < inside.y0 < inside.y1 < outside.y1


def test_a_loop_needs_two_parts():
    with pytest.raises(ValueError, match="two parts or more"):
        diagrams.show_loop({"batch": ""}, "One")


ROWS = {
    "first": {"a": np.arange(6).reshape(2, 3), "b": -np.eye(2), "c": np.array([[7]])},
    "second": {"d": np.ones((4, 4)), "e": np.ones((1, 1)), "f": np.full((4, 4), 2)},
}


def test_equations_show_all_numbers_names_and_signs():
    fig = diagrams.show_equations(ROWS, title="Two rows")
    said = texts(fig)
    assert {"first", "second", *"abcdef", "Two rows"} <= {*said}
    assert said.count("∗") == 2 and said.count("=") == 2 and said.count("2") == 1 + 16
    assert {"7", "5", "−1"} <= {*said}
    assert len(fig.axes) == 6


def test_cells_of_all_arrays_are_equally_large():
    fig = diagrams.show_equations(ROWS)
    fig.canvas.draw()
    arrays = [array for row in ROWS.values() for array in row.values()]
    for ax, array in zip(fig.axes, arrays, strict=True):
        box = ax.get_window_extent()
        assert np.allclose([box.width / array.shape[1], box.height / array.shape[0]], 0.36 * fig.dpi, rtol=0.02)


def test_nothing_overlaps_and_all_is_inside():
    fig = diagrams.show_equations(ROWS, title="Two rows")
    fig.canvas.draw()
    frames = [ax.get_window_extent() for ax in fig.axes]
    assert not any(one.overlaps(other) for place, one in enumerate(frames) for other in frames[:place])
    assert all(fig.bbox.contains(*corner) for frame in frames for corner in (frame.min, frame.max))


def test_each_row_needs_as_many_arrays_as_the_signs_say():
    with pytest.raises(ValueError, match="first: 1 signs need 2 arrays, but there are 3"):
        diagrams.show_equations(ROWS, signs=("=",))


def test_blocks_are_boxes_and_joints():
    fig = diagrams.show_blocks({"row": [["3 × 3", "pooling"]], "sum": [["1 × 1"], []], "empty": [[]]}, {"sum": "+"})
    assert [ax.get_title() for ax in fig.axes] == ["row", "sum", "empty"]
    boxes = [[text.get_text() for text in ax.texts if text.get_text()] for ax in fig.axes]
    assert boxes == [["3 × 3", "pooling"], ["1 × 1", "+"], []]


@pytest.mark.parametrize(
    ("block", "joints"), [([], None), ([], {"name": "+"}), ([["a"], ["b"]], {"other": "+"}), ([["a"]], {"name": "+"})]
)
def test_blocks_that_cannot_be_drawn(block, joints):
    with pytest.raises(ValueError, match="name: give one branch, or several and a text that says"):
        diagrams.show_blocks({"name": block}, joints)


def test_no_blocks():
    with pytest.raises(ValueError, match="at least one block"):
        diagrams.show_blocks({})
