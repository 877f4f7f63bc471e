"""The training step explorer, driven as a reader would; its numbers recomputed by TensorFlow."""

import base64
import io
import itertools
import math
import re
import xml.etree.ElementTree as ElementTree

from helpers.pixels import ACCENT, colorize
from helpers.widgets.training_step import (
    PARTS,
    RATES,
    SHAPES,
    SIDE,
    STEPS,
    TrainingStepExplorer,
    cell_text,
    draw_curve,
    draw_maps,
    draw_variable,
    short,
    tiles,
    times,
)

import ipywidgets as ipw
import numpy as np
import pytest
import training_step_tools
from PIL import Image
from training_step_tools import NAMES, expected_status, known_batch, known_forward, known_training, read_status
from widget_tools import (
    SVG,
    assert_finite,
    assert_one_change_computes_once,
    assert_pictures_are_drawn,
    assert_sound,
    close,
    complains,
    controls,
    drive,
    ends,
    parse,
    parts,
    put,
    said,
    some_value,
    state,
    text_of,
    words,
)

PICTURE_PARTS = (1, 2, 3, 3, 0, 4, 5, 6)  # the part with which each picture comes; 0: it is always there


@pytest.fixture(scope="module")
def whole():
    """One at the last part, which no test changes."""
    return TrainingStepExplorer(6)


@pytest.fixture
def explorer():
    return TrainingStepExplorer()


def number(text):
    return float(text.replace("−", "-"))


def roots(widget):
    return [ElementTree.fromstring(panel.overlay.value) for panel in widget.panels]


def files(root):
    """The pixels (H, W, 3) of all images of a picture, in their order."""
    found = [image.get("href").partition(",")[2] for image in root.iter(f"{SVG}image")]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) for data in found]


def later(root):
    return [part for part in root.iter(f"{SVG}rect") if part.get("class") == "later"]


def framed(root):
    """Places of orange frames: (x, y, width)."""
    found = [part for part in root.iter(f"{SVG}rect") if part.get("stroke") == ACCENT]
    return [tuple(float(part.get(name)) for name in ("x", "y", "width")) for part in found]


def assert_tells_the_truth(widget):
    """The status line states what TensorFlow computes for what the controls say."""
    assert not complains(widget)
    stated, expected = read_status(said(widget)), expected_status(**widget.settings())
    assert stated, said(widget)
    for name, text in stated.items():
        value = expected[name]
        assert text == value if isinstance(value, str) else close(text, value), (name, text, value)


def assert_shows_the_truth(widget):
    """Each picture shows the numbers of TensorFlow, up to the part that was chosen; others say when they come."""
    settings, drawn = widget.settings(), roots(widget)
    part, image, name, rate, steps = settings.values()
    states = known_training(rate)[: steps + 2]
    (old, logits, _, gradients), (new, new_logits, *_) = states[-2:]
    (images, labels), place = known_batch(), NAMES.index(name)
    for when, root, panel in zip(PICTURE_PARTS, drawn, widget.panels, strict=True):
        assert bool(later(root)) == (when > part)
        if when > part:
            assert panel.heading.value == f"<b>{when} {PARTS[when - 1]}</b>"
            assert words(root) == [f"comes in part {when}: {PARTS[when - 1]}"]
    board, maps, bars, curve, before, gradient, after, metric = drawn
    for pixels, digit in zip(files(board), images, strict=True):
        np.testing.assert_allclose(pixels[..., 0], 255 * digit[..., 0], atol=1.01)
    (found,) = framed(board)
    assert found == pytest.approx((image % 4 * SIDE / 4 + 3, image // 4 * SIDE / 4 + 3, 40))
    assert words(board) == [f"it is a {labels[image]}"]
    bound = max(np.abs(old[place]).max(), np.abs(new[place]).max())
    shown = [(before, old[place], bound)]
    if part >= 2:
        known = known_forward(old, images)[0].numpy()[image]
        for k, pixels in enumerate(files(maps)):
            np.testing.assert_allclose(pixels[..., 0], 255 * known[..., k] / (known.max() or 1), atol=1.01)
    if part >= 3:
        chances = np.exp(logits[image] - logits[image].max())
        chances /= chances.sum()
        lengths = [float(bar.get("width")) for bar in bars.iter(f"{SVG}rect")]
        assert lengths == pytest.approx(130 * chances + 1, abs=0.06)
        assert words(bars)[1:20:2] == [f"{chance:.0%}" for chance in chances]
        fills = [bar.get("fill") == ACCENT for bar in bars.iter(f"{SVG}rect")]
        assert fills == [k == labels[image] for k in range(10)]
        assert_curve_is_true(curve, [each[2].mean() for each in states], part == 6)
    if part >= 4:
        shown.append((gradient, gradients[place], np.abs(gradients[place]).max()))
    if part >= 5:
        shown.append((after, new[place], bound))
        assert f"step: − {rate:g} × gradient" in widget.panels[6].heading.value
    for root, values, scale in shown:
        number, is_gradient = f"±{short(scale)}", root is gradient
        text = f"framed, strongest: {number}" if is_gradient else f"strongest color: {number}"
        assert words(root)[-1] == (text if scale else "all numbers are 0")
        squares = tiles(name, values)
        pixels = colorize(squares.reshape(-1, squares.shape[2]), -(scale or 1), scale or 1)
        np.testing.assert_allclose(np.concatenate(files(root)).astype(int), pixels, atol=1)
        assert len(framed(root)) == (part >= 4 and gradients[place].any())  # there is no gradient before part 4
    if part >= 6:
        answers, new_answers = logits.argmax(axis=1), new_logits.argmax(axis=1)
        assert words(metric)[:-1] == [f"{a} → {b}" for a, b in zip(answers, new_answers, strict=True)]
        assert len(framed(metric)) == (new_answers == labels).sum()
        right = (answers == labels).sum(), (new_answers == labels).sum()
        assert widget.panels[7].heading.value == f"<b>6 metric: {right[0]} → {right[1]} right</b>"


def assert_curve_is_true(root, losses, with_next):
    """A point for each step so far, at the height of its loss; the next one only where it is to be seen."""
    line = root.find(f"{SVG}polyline").get("points").split()
    points = [tuple(map(float, point.split(","))) for point in line]
    marks = {mark.get("class"): (float(mark.get("cx")), float(mark.get("cy"))) for mark in root.iter(f"{SVG}circle")}
    assert marks.keys() == ({"now", "next"} if with_next else {"now"})
    assert marks["now"] == points[-1]
    points += [marks["next"]] if with_next else []
    assert len(points) == len(losses) - (not with_next)
    level = float(root.find(f"{SVG}path[@class='guessing']").get("d").split()[1].partition("H")[0])
    bottom = SIDE - 16
    unit = (bottom - level) / math.log(10)  # pixels of a loss of 1
    for (x, y), loss, place in zip(points, losses, itertools.count()):
        assert bottom - y == pytest.approx(unit * loss, abs=0.06 * (1 + loss))
        assert x == pytest.approx(34 + (SIDE - 40) * place / (STEPS + 1), abs=0.06)
        assert 0 <= y <= bottom


# --- what it computes and says ---


def test_all_ends_of_all_controls(explorer):
    before = state(explorer)
    for values in itertools.product(*map(ends, explorer.controls.values())):
        settings = dict(zip(explorer.controls, values, strict=True))
        result = explorer.compute(**settings)
        assert result.steps == settings["steps"]
        text = explorer.describe(result)
        assert not re.search(r"nan|inf|\b-", text)
        stated, expected = read_status(text), expected_status(**settings)
        assert stated and all(
            stated[name] == expected[name] if isinstance(expected[name], str) else close(stated[name], expected[name])
            for name in stated
        ), text
    assert state(explorer) == before  # computing alone moves nothing


def test_results_are_finite(whole):
    for rate, steps in itertools.product(RATES, (0, 1, 15, STEPS)):
        result = whole.compute(6, 5, NAMES[0], rate, steps)
        for each in result.states:
            assert_finite([*each.variables.values(), *each.gradients.values(), *each.forward, each.losses])


def test_printed_numbers_can_be_checked_by_hand(explorer):
    for name, rate in itertools.product(NAMES, RATES):
        put(explorer, variable=name, rate=rate, steps=2, image=4, part=2)
        logits = [number(text) for key, text in read_status(said(explorer)).items() if key.startswith("logit")]
        label = known_batch()[1][4]
        put(explorer, part=3)
        stated = {key: number(text) for key, text in read_status(said(explorer)).items()}
        assert stated["chance"] == pytest.approx(math.exp(logits[label]) / sum(map(math.exp, logits)), rel=2e-2)
        assert -math.log(stated["chance"]) == pytest.approx(stated["one_loss"], abs=2e-3)
        put(explorer, part=5)
        stated = read_status(said(explorer))
        old, gradient, new = (number(stated[key]) for key in ("old", "gradient", "new"))
        assert old - rate * gradient == pytest.approx(new, abs=1e-3 * (abs(old) + abs(rate * gradient)))
        assert rate * number(stated["norm0"]) == pytest.approx(number(stated["change"]), rel=2e-3, abs=1e-12)
        index = tuple(map(int, stated["where"].split(", ")))
        assert index == explorer.result.marked
        assert close(stated["old"], explorer.result.states[-2].variables[name][index])


def test_the_numbers_of_the_first_step(whole):
    """What lesson 10 can build on: seed 3, rate 0.1."""
    result = whole.result
    assert result.states[0].loss == pytest.approx(2.677, abs=5e-4)
    assert result.states[1].loss == pytest.approx(2.302, abs=5e-4)
    lengths = {name: np.linalg.norm(part) for name, part in result.states[0].gradients.items()}
    assert max(lengths, key=lengths.get) == "dense weights"
    assert min(lengths, key=lengths.get) == "dense bias"


def test_each_rate_does_what_is_typical_of_it(whole):
    losses = {rate: [each.loss for each in states] for rate, states in whole.states.items()}
    right = {rate: int((states[-1].answers == whole.labels).sum()) for rate, states in whole.states.items()}
    for rate in RATES[:4]:
        assert (np.diff(losses[rate]) < 0).all()  # small enough: each step helps
    ends_at = [losses[rate][-1] for rate in RATES[:5]]
    assert ends_at == sorted(ends_at, reverse=True)
    assert losses[0.01][-1] > 1.9  # it crawls
    assert right[0.01] < 8 and right[0.1] == right[1.0] == 16
    assert np.sum(np.diff(losses[1.0]) > 0) >= 3  # up and down
    assert max(losses[3.0]) > 18
    dead = whole.states[3.0][-1]  # no ReLU answers any more: only the dense bias learns how frequent the classes are
    assert not dead.forward.maps.any()
    assert [name for name, part in dead.gradients.items() if part.any()] == ["dense bias"]
    shares = np.bincount(whole.labels) / 16
    assert dead.loss == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-3)


def test_a_gradient_of_zero_is_said(explorer):
    put(explorer, part=4, rate=3.0, steps=STEPS, variable="conv kernels")
    assert said(explorer).endswith("conv kernels: 0 everywhere, nothing moves.")
    assert "all numbers are 0" in words(roots(explorer)[1])
    assert_tells_the_truth(explorer)
    put(explorer, variable="dense bias")
    assert "Largest number: dense bias[4]" in said(explorer)


# --- what it shows ---


def test_parts_come_from_left_to_right(explorer):
    put(explorer, rate=0.3, steps=4, image=7)
    before = None
    for part in range(1, 7):
        put(explorer, part=part)
        drawn = [panel.overlay.value for panel in explorer.panels]
        assert sum(bool(later(root)) for root in roots(explorer)) == sum(when > part for when in PICTURE_PARTS)
        if before:
            changed = [PICTURE_PARTS[k] for k in range(8) if drawn[k] != before[k]]
            # with the gradient comes a frame around a number of the variable; the curve ends with its next point
            assert changed == {2: [2], 3: [3, 3], 4: [0, 4], 5: [5], 6: [3, 6]}[part]
        before = drawn
        assert_shows_the_truth(explorer)
        assert_tells_the_truth(explorer)


def test_each_control_at_its_ends(explorer):
    put(explorer, part=6)
    for control in explorer.controls.values():
        start = control.value
        for value in [*ends(control), start]:
            control.value = value
            assert_tells_the_truth(explorer)
            assert_shows_the_truth(explorer)
            assert_sound(explorer)
        assert_pictures_are_drawn(explorer)


@pytest.mark.parametrize("seed", range(2))
def test_in_any_order(explorer, seed):
    random = np.random.default_rng(seed)
    for _ in range(25):
        control = [*explorer.controls.values()][random.integers(5)]
        control.value = some_value(control, random)
        assert_tells_the_truth(explorer)
        assert_shows_the_truth(explorer)
    assert_sound(explorer)
    assert_pictures_are_drawn(explorer)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_variable_has_its_place(name):
    """One number alone is colored, and lies in the square of its kernel, map or class, as in the maps."""
    shape, random = SHAPES[name], np.random.default_rng(0)
    for flat in random.permutation(math.prod(shape))[:12]:
        values, index = np.zeros(shape), np.unravel_index(flat, shape)
        values[index] = 1
        (found,) = np.argwhere(tiles(name, values)).tolist()
        if name == "conv kernels":
            assert found == [index[3], index[0], index[1]]
        elif name == "dense weights":
            row, col, k = np.unravel_index(index[0], (5, 5, 4))
            assert found == [index[1], k // 2 * 5 + row, k % 2 * 5 + col]
        else:
            assert found == [*index, 0, 0]
        root = parse(draw_variable(name, values, 1.0, index))
        white = files(root)[found[0] - 1][0, 0]
        assert [k for k, pixels in enumerate(files(root)) if (pixels != white).any()] == [found[0]]
        pixels = files(root)[found[0]]
        assert np.argwhere((pixels != white).any(axis=2)).tolist() == [found[1:]]
        x, y, width = framed(root)[0]
        image = [*root.iter(f"{SVG}image")][found[0]]
        side = float(image.get("width"))
        cell = side / pixels.shape[0]
        assert width == pytest.approx(cell, abs=0.06)
        place = (float(image.get("x")) + cell * found[2], float(image.get("y")) + cell * found[1])
        assert (x, y) == pytest.approx(place, abs=0.06)


def test_small_variables_show_their_numbers():
    random = np.random.default_rng(1)
    for name in ("conv kernels", "conv bias", "dense bias"):
        values = random.normal(size=SHAPES[name])
        texts = words(parse(draw_variable(name, values, 2.0)))
        labels = {str(k) for k in range(10)} if name == "dense bias" else set()
        shown = sorted(text for text in texts if text not in labels)
        assert shown == sorted(cell_text(value, 2.0) for value in values.ravel())


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (0.234, 1.5, "0.23"),
        (-0.234, 0.1, "−0.23"),
        (-0.004, 1.5, "0.00"),
        (-27.81, 28, "−27.81"),
        (-0.004, 0.09, "−0.004"),
        (123.4, 150, "123"),
        (0, 0, "0"),
        (2.2e-5, 3e-5, "2.2e−05"),
    ],
)
def test_cell_text(value, bound, text):
    assert cell_text(value, bound) == text


def test_maps_and_curve_at_odd_values():
    assert words(parse(draw_maps(np.zeros((10, 10, 4))))) == ["all numbers are 0"]
    assert words(parse(draw_maps(np.full((10, 10, 4), 2.5)))) == ["white: 2.5, black: 0"]
    for losses in ([0.0, 0.0], [1e9, 5.0], [1e-12, 3.0, 2e-7]):
        for with_next in (False, True):
            assert_curve_is_true(parse(draw_curve(losses, with_next)), losses, with_next)


def test_the_curve_tells_nothing_of_the_next_loss_before_the_last_part():
    """Not even by its scale."""
    assert draw_curve([2.5, 2.0, 99.0], False) == draw_curve([2.5, 2.0, 1.0], False)
    assert draw_curve([2.5, 2.0, 99.0], True) != draw_curve([2.5, 2.0, 1.0], True)


def test_everything_drawn_is_inside_of_its_picture(explorer):
    for name, rate in itertools.product(NAMES, (0.1, 3.0)):
        put(explorer, part=6, variable=name, rate=rate, steps=3)
        for root in roots(explorer):
            for part in [*root.iter(f"{SVG}rect"), *root.iter(f"{SVG}image")]:
                x, y, width, height = (float(part.get(key)) for key in ("x", "y", "width", "height"))
                assert -0.06 <= x <= x + width <= SIDE + 0.06 and 0 <= y <= y + height <= SIDE + 0.06
            for part in root.iter(f"{SVG}text"):
                assert 0 <= float(part.get("x")) <= SIDE and 0 <= float(part.get("y")) <= SIDE + 18


def test_text_is_readable_on_a_dark_page(whole):
    """Outside of colored cells, text has the color of the page."""
    for root, name in zip(roots(whole), PICTURE_PARTS, strict=True):
        colors = {part.get("fill") for part in root.iter(f"{SVG}text")}
        assert "currentColor" in colors and colors <= {"currentColor", "#fff", "#000"}, name


def test_the_still_shows_the_whole_step(explorer, whole):
    put(explorer, steps=3)
    put(whole, steps=3)
    assert explorer.still() == whole.still()
    text = text_of(explorer.still()).replace(" ", "")
    for part in range(1, 7):
        assert said(put(explorer, part=part)).replace(" ", "") in text
    assert "comesinpart" not in text
    put(whole, steps=0)


# --- the widget as a whole ---


def test_reset_brings_back_the_first_state():
    explorer = TrainingStepExplorer(4, 0.3, 12)
    first, still = state(explorer), explorer.still()
    drive(explorer, np.random.default_rng(0), 10)
    put(explorer, part=6, image=15, variable="conv bias", rate=3.0, steps=30)
    assert state(explorer) != first
    explorer.reset.click()
    assert state(explorer) == first
    assert explorer.still() == still
    assert list(explorer.settings().values()) == [4, 0, "dense weights", 0.3, 12]
    assert_tells_the_truth(explorer)


def test_two_widgets_do_not_influence_each_other(explorer):
    other = TrainingStepExplorer(6, seed=4)
    before = state(other), other.still()
    drive(explorer, np.random.default_rng(1), 10)
    assert (state(other), other.still()) == before


def test_another_seed_is_another_network(whole):
    other = TrainingStepExplorer(6, seed=np.int64(4))
    assert other.result.states[0].loss == pytest.approx(known_training(0.1, 4)[0][2].mean())
    assert said(other) != said(whole)


def test_one_change_computes_once(explorer, monkeypatch):
    assert_one_change_computes_once(explorer, monkeypatch)


def test_moving_a_control_trains_nothing(explorer, monkeypatch):
    monkeypatch.setattr("helpers.widgets.small_network.backward", None)
    drive(explorer, np.random.default_rng(2), 20)
    assert_tells_the_truth(explorer)


def test_controls_say_what_they_are(explorer):
    assert {*controls(explorer)} == {*explorer.controls.values()}
    for name, control in explorer.controls.items():
        assert control.tooltip
        assert name == control.description.split()[0].lower()
    assert [ends(control) for control in explorer.controls.values()] == [
        [*range(1, 7)],
        [0, 0, 15],
        [*NAMES],
        [*RATES],
        [0, 0, 30],
    ]
    assert [label for label, _ in explorer.controls["part"].options] == [
        "1 batch",
        "2 forward",
        "3 loss",
        "4 gradient",
        "5 step",
        "6 metric",
    ]
    assert [label for label, _ in explorer.controls["rate"].options] == ["0.01", "0.03", "0.1", "0.3", "1", "3"]
    assert {explorer.reset, explorer.status} <= {*parts(explorer)}
    assert "cnn-training-step" in explorer._dom_classes
    assert isinstance(explorer.controls["steps"], ipw.IntSlider)


def test_tools_and_widget_know_the_same(whole):
    for name in ("PARTS", "RATES", "STEPS"):
        assert getattr(training_step_tools, name) == globals()[name]
    assert tuple(SHAPES) == NAMES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part": 0}, "Part must be one of 1, 2, 3, 4, 5, 6, but it is 0"),
        ({"part": 7}, "but it is 7"),
        ({"part": "loss"}, "but it is 'loss'"),
        ({"rate": 0.2}, "Rate must be one of 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, but it is 0.2"),
        ({"rate": 0}, "Rate must be one of"),
        ({"rate": None}, "but it is None"),
        ({"steps": -1}, "Steps so far must be from 0 to 30, but it is -1"),
        ({"steps": 31}, "Steps so far must be from 0 to 30, but it is 31"),
        ({"seed": -1}, "The seed must be a whole number from 0 on, but it is -1"),
        ({"seed": 0.5}, "The seed must be a whole number"),
    ],
)
def test_training_step_explorer_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingStepExplorer(**changes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (2.67712, "2.677"),
        (-0.25, "−0.25"),
        (9.4131e-11, "9.413e−11"),
        (1234567, "1.235e+06"),
        (np.float32(0.5), "0.5"),
    ],
)
def test_short(value, text):
    assert short(value) == text


def test_times():
    assert [times(shape) for shape in [(10,), (100, 10), (3, 3, 1, 4)]] == ["10", "100 × 10", "3 × 3 × 1 × 4"]
