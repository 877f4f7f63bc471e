"""The cost explorer, driven as a reader would; weights, receptive fields and work recomputed by Keras."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

from helpers.engine import keras
from helpers.pixels import ACCENT
from helpers.widgets.costs import (
    BAR,
    LEFT,
    SHARES,
    SIZE,
    CostExplorer,
    Layer,
    Way,
    count_text,
    flow_text,
    percent_text,
    stack_name,
)

import ipywidgets as ipw
import numpy as np
import pytest
from keras import layers
from widget_tools import (
    SVG,
    assert_finite,
    assert_one_change_computes_once,
    assert_pictures_are_drawn,
    assert_sound,
    complains,
    controls,
    drive,
    ends,
    parts,
    put,
    said,
    some_value,
    state,
    text_of,
)

ROOT = Path(__file__).resolve().parents[2]
NUMBER = r"([\d,]+)"
WORDING = (
    rf"(\d+) × \1 pixels, (\d+) channels to (\d+) maps of (\d+) × \4\. \1 × \1: {NUMBER} weights, "
    rf"(\S+(?: [mb]illion)?) multiply-adds; (3 × 3, [^:]+): {NUMBER} \((\S+)%\); "
    rf"\1 × 1 and 1 × \1: {NUMBER} \((\S+)%\); bottleneck: {NUMBER} \((\S+)%\); "
    rf"depthwise separable: {NUMBER} \((\S+)%\)\. Cheapest: (.+), (\S+(?: [mb]illion)?) multiply-adds\."
)
TYPICAL = [(5, 64, 64, 28, 1 / 4), (3, 8, 512, 7, 1 / 2), (11, 512, 8, 14, 1 / 8), (7, 24, 136, 21, 1 / 8)]


@pytest.fixture
def explorer():
    return CostExplorer()


def conv(maps, size):
    return layers.Conv2D(maps, size, padding="same", use_bias=False)


@cache
def networks(kernel, channels, maps, height, bottleneck):
    """The five ways as networks of Keras."""
    inside = max(1, round(maps * bottleneck))
    stacks = [
        [conv(maps, kernel)],
        [conv(maps, 3) for _ in range((kernel - 1) // 2)],
        [conv(maps, (kernel, 1)), conv(maps, (1, kernel))],
        [conv(inside, 1), conv(inside, kernel), conv(maps, 1)],
        [layers.SeparableConv2D(maps, kernel, padding="same", use_bias=False)],
    ]
    return [keras.Sequential([keras.Input((height, height, channels)), *stack]) for stack in stacks]


def closed_form(kernel, channels, maps, height, bottleneck):
    """The weights of each way, written as in the lesson."""
    inside, times = max(1, round(maps * bottleneck)), (kernel - 1) // 2
    return [
        kernel * kernel * channels * maps,
        9 * channels * maps + (times - 1) * 9 * maps**2,
        kernel * channels * maps + kernel * maps**2,
        channels * inside + kernel**2 * inside**2 + inside * maps,
        kernel**2 * channels + channels * maps,
    ]


def count(text):
    """A count as it is written, as a number."""
    digits, _, unit = text.replace(",", "").partition(" ")
    return float(digits) * {"": 1, "million": 1e6, "billion": 1e9}[unit]


def assert_tells_the_truth(widget):
    """Result, status line and picture are those of the closed form for what the controls say."""
    settings = widget.settings()
    settings["kernel"] |= 1  # an even one counts as the next odd one
    kernel, channels, maps, height = (settings[name] for name in ("kernel", "channels", "maps", "height"))
    expected = closed_form(**settings)
    result = widget.result
    assert [way.weights for way in result.ways] == expected
    assert [way.multiply_adds for way in result.ways] == [weights * height**2 for weights in expected]
    assert {way.field for way in result.ways} == {kernel}
    assert [way.depth for way in result.ways] == [1, (kernel - 1) // 2, 2, 3, 2]
    shares = [weights / expected[0] for weights in expected]
    assert result.shares == pytest.approx(shares)
    assert result.cheapest == shares.index(min(shares))
    assert not complains(widget)
    found = re.fullmatch(WORDING, said(widget)).groups()
    assert [int(text) for text in found[:4]] == [kernel, channels, maps, height]
    assert [int(found[place].replace(",", "")) for place in (4, 7, 9, 11, 13)] == expected
    assert count(found[5]) == pytest.approx(expected[0] * height**2, rel=0.06)
    for place, share in zip((8, 10, 12, 14), shares[1:], strict=True):
        assert count(found[place]) == pytest.approx(100 * share, rel=0.06)
    assert found[6] == result.ways[1].name
    assert found[15] == result.ways[result.cheapest].name
    assert count(found[16]) == pytest.approx(min(expected) * height**2, rel=0.06)
    assert_bars_are_true(widget, shares)


def bars(widget):
    """The five bars of the picture."""
    root = ElementTree.fromstring(widget.panels[0].overlay.value)
    return [part for part in root.findall(f"{SVG}rect") if part.get("x") == str(LEFT)]


def assert_bars_are_true(widget, shares):
    """Bars are as long as the shares, the cheapest one is orange, and each share is written beside its bar."""
    longest = BAR / max(shares)
    found = bars(widget)
    assert [float(bar.get("width")) for bar in found] == pytest.approx(
        [max(longest * share, 2) for share in shares], abs=0.06
    )
    assert [bar.get("fill") == ACCENT for bar in found] == [place == shares.index(min(shares)) for place in range(5)]
    root = ElementTree.fromstring(widget.panels[0].overlay.value)
    line = root.find(f"{SVG}path[@class='full']").get("d")
    assert float(line[1:].split()[0]) == pytest.approx(LEFT + longest, abs=0.06)
    texts = [text.text for text in root.iter(f"{SVG}text") if text.get("font-size") == "15"]
    assert texts == [percent_text(share) for share in shares]


# --- what it computes ---


@pytest.mark.parametrize("settings", TYPICAL)
def test_weights_and_work_are_those_of_keras(explorer, settings):
    result = explorer.compute(*settings)
    for way, network in zip(result.ways, networks(*settings), strict=True):
        assert way.weights == network.count_params()
        assert network.output_shape == (None, settings[3], settings[3], settings[2])
        made = [np.prod(layer.output.shape[1:3]) * layer.count_params() for layer in network.layers]
        assert way.multiply_adds == sum(made)
    for way, network in zip(result.ways[:4], networks(*settings)[:4], strict=True):
        assert [layer.weights for layer in way.layers] == [layer.count_params() for layer in network.layers]
    separable = networks(*settings)[4].layers[0].get_weights()
    assert [layer.weights for layer in result.ways[4].layers] == [weights.size for weights in separable]


@pytest.mark.parametrize("kernel", [3, 5, 11])
def test_all_ways_see_the_same_pixels(explorer, kernel):
    """A single bright pixel reaches kernel × kernel numbers, if all weights are 1."""
    side = 2 * kernel + 1
    settings = (kernel, 8, 8, side, 1 / 8)
    image = np.zeros((1, side, side, 8), np.float32)
    image[0, kernel, kernel] = 1
    for way, network in zip(explorer.compute(*settings).ways, networks(*settings), strict=True):
        network.set_weights([np.ones_like(weights) for weights in network.get_weights()])
        rows, columns = np.nonzero(np.asarray(network(image))[0, :, :, 0])
        assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == way.field == kernel


def test_costs_at_all_ends_of_all_controls(explorer):
    before = state(explorer)
    for values in itertools.product(*map(ends, explorer.controls.values())):
        settings = dict(zip(explorer.controls, values, strict=True))
        result = explorer.compute(**settings)
        assert_finite(result)
        assert [way.weights for way in result.ways] == closed_form(**settings)
    assert state(explorer) == before  # computing alone moves nothing


def test_the_table_of_the_lesson(explorer):
    """The numbers of lesson 09: 64 channels to 64 maps, 5 × 5."""
    weights = {way.name: way.weights for way in explorer.result.ways}
    assert weights == {
        "5 × 5": 25 * 64 * 64,
        "3 × 3, twice": 2 * 9 * 64 * 64,
        "5 × 1 and 1 × 5": 2 * 5 * 64 * 64,
        "bottleneck": 64 * 16 + 25 * 16 * 16 + 16 * 64,
        "depthwise separable": 25 * 64 + 64 * 64,
    }
    assert said(explorer) == (
        "5 × 5 pixels, 64 channels to 64 maps of 28 × 28. 5 × 5: 102,400 weights, 80.3 million multiply-adds; "
        "3 × 3, twice: 73,728 (72%); 5 × 1 and 1 × 5: 40,960 (40%); bottleneck: 8,448 (8.2%); "
        "depthwise separable: 5,696 (5.6%). Cheapest: depthwise separable, 4.5 million multiply-adds."
    )


@pytest.mark.parametrize("kernel", range(1, 13))
def test_an_even_kernel_counts_as_the_next_odd_one(explorer, kernel):
    odd = max(3, kernel + (kernel % 2 == 0))
    assert explorer.compute(kernel, 16, 8, 7, 1 / 2) == explorer.compute(odd, 16, 8, 7, 1 / 2)
    assert {way.field for way in explorer.compute(kernel, 16, 8, 7, 1 / 2).ways} == {odd}


def test_a_bottleneck_has_at_least_one_channel(explorer):
    assert explorer.compute(3, 8, 1, 7, 1 / 8).ways[3].weights == 8 + 9 + 1
    assert explorer.compute(3, 8, 8, 7, 1 / 8).inside == 1
    assert explorer.compute(3, 8, 24, 7, 1 / 8).inside == 3


def test_for_one_map_alone_a_separable_convolution_costs_more(explorer):
    result = explorer.compute(5, 8, 1, 7, 1 / 2)
    assert [way.weights for way in result.ways] == closed_form(5, 8, 1, 7, 1 / 2)
    assert result.shares[4] == pytest.approx(1 + 1 / 25)


# --- what it shows ---


@pytest.mark.parametrize("seed", range(2))
def test_cost_explorer_in_any_order(explorer, seed):
    random = np.random.default_rng(seed)
    assert_tells_the_truth(explorer)
    for _ in range(25):
        control = [*explorer.controls.values()][random.integers(5)]
        control.value = some_value(control, random)  # also between two places of a slider
        assert_tells_the_truth(explorer)
        assert_sound(explorer)
    assert_pictures_are_drawn(explorer)


def test_each_control_at_its_ends(explorer):
    for control in explorer.controls.values():
        start = control.value
        for value in [*ends(control), start]:
            control.value = value
            assert_tells_the_truth(explorer)
            assert_sound(explorer)
            assert_pictures_are_drawn(explorer)


def test_what_costs_more_than_the_full_convolution_can_be_seen(explorer):
    """Bars beyond 100% take all the room; the full convolution and what is cheaper still have a bar."""
    put(explorer, kernel=7, channels=8, maps=512, bottleneck=1 / 2)
    shares = explorer.result.shares
    assert max(shares) > 23
    assert max(float(bar.get("width")) for bar in bars(explorer)) == BAR
    assert min(float(bar.get("width")) for bar in bars(explorer)) >= 2
    assert "2,369%" in text_of(explorer.still())
    assert_tells_the_truth(explorer)


@pytest.mark.parametrize("settings", TYPICAL)
def test_everything_drawn_is_inside_of_the_picture(explorer, settings):
    put(explorer, **dict(zip(("kernel", "channels", "maps", "height", "bottleneck"), settings, strict=True)))
    (picture,) = explorer.draw(explorer.result)
    assert (picture.width, picture.height) == SIZE
    root = ElementTree.fromstring(explorer.panels[0].overlay.value)
    for part in root.iter(f"{SVG}rect"):
        x, y, width, height = (float(part.get(name)) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= SIZE[0] and 0 <= y <= y + height <= SIZE[1]
        assert x + width <= 60 or x == LEFT  # icons are left of the names
    for part in root.iter(f"{SVG}text"):
        assert 0 <= float(part.get("x")) <= SIZE[0] and 0 <= float(part.get("y")) <= SIZE[1]


def test_icons_show_the_kernels_of_all_layers(explorer):
    for kernel in (3, 5, 7, 9, 11):
        put(explorer, kernel=kernel)
        root = ElementTree.fromstring(explorer.panels[0].overlay.value)
        icons = [part for part in root.iter(f"{SVG}rect") if part.get("x") != str(LEFT)]
        assert len(icons) == sum(way.depth for way in explorer.result.ways)
        outlines = [part for part in icons if part.get("fill") == "none"]
        assert len(outlines) == 1  # the depthwise convolution


def test_each_way_is_named_in_the_still(explorer):
    words = text_of(explorer.still())
    for way in explorer.result.ways:
        assert way.name in words and f"{way.weights:,}" in words and flow_text(way) in words


def test_reset_brings_back_the_first_state():
    explorer = CostExplorer(7, 24, 128, 14, 1 / 2)
    first, still = state(explorer), explorer.still()
    drive(explorer, np.random.default_rng(0), 10)
    put(explorer, kernel=3, channels=512, maps=8, height=112, bottleneck=1 / 8)
    assert state(explorer) != first
    explorer.reset.click()
    assert state(explorer) == first
    assert explorer.still() == still
    assert explorer.settings() == {"kernel": 7, "bottleneck": 1 / 2, "channels": 24, "maps": 128, "height": 14}
    assert_tells_the_truth(explorer)


def test_two_widgets_do_not_influence_each_other(explorer):
    other = CostExplorer(9)
    before = state(other), other.still()
    drive(explorer, np.random.default_rng(1), 10)
    assert (state(other), other.still()) == before


def test_one_change_computes_once(explorer, monkeypatch):
    assert_one_change_computes_once(explorer, monkeypatch)


def test_controls_say_what_they_are(explorer):
    assert {control.description for control in controls(explorer)} == {
        control.description for control in explorer.controls.values()
    }
    for name, control in explorer.controls.items():
        assert control.tooltip
        assert name == control.description.split()[0].lower()
    assert [ends(control) for control in explorer.controls.values()] == [
        [3, 5, 11],
        [*SHARES],
        *([8, 64, 512],) * 2,
        [7, 28, 112],
    ]
    assert [label for label, _ in explorer.controls["bottleneck"].options] == ["1/2", "1/4", "1/8"]
    assert {explorer.reset, explorer.status} <= {*parts(explorer)}
    assert "cnn-cost" in explorer._dom_classes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": 4}, "Kernel size k must be one of 3, 5, …, 11, but it is 4"),
        ({"kernel": 13}, "Kernel size k must be one of 3, 5, …, 11, but it is 13"),
        ({"kernel": 1}, "Kernel size k must be one of 3"),
        ({"kernel": None}, "but it is None"),
        ({"channels": 3}, "Channels in must be one of 8, 16, …, 512, but it is 3"),
        ({"channels": 100}, "Channels in must be one of 8, 16, …, 512, but it is 100"),
        ({"maps": 520}, "Maps made must be one of 8, 16, …, 512, but it is 520"),
        ({"maps": "64"}, "Maps made must be one of 8, 16, …, 512, but it is '64'"),
        ({"height": 0}, "Height = width must be one of 7, 14, …, 112, but it is 0"),
        ({"height": 27.5}, "Height = width must be one of 7, 14, …, 112"),
        ({"bottleneck": 1 / 3}, "Bottleneck must be one of 0.5, 0.25, 0.125, but it is 0.33"),
        ({"bottleneck": "1/4"}, "Bottleneck must be one of 0.5, 0.25, 0.125, but it is '1/4'"),
    ],
)
def test_cost_explorer_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        CostExplorer(**changes)


def test_whole_numbers_of_any_type_are_taken():
    explorer = CostExplorer(np.int64(3), 64.0, np.int32(8))
    assert all(
        isinstance(control, ipw.IntSlider) for name, control in explorer.controls.items() if name != "bottleneck"
    )
    assert_tells_the_truth(explorer)


# --- its texts ---


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1.0 million"),
        (80_281_600, "80.3 million"),
        (999_949_999, "999.9 million"),
        (999_950_000, "1.0 billion"),
        (397_892_255_744, "397.9 billion"),
    ],
)
def test_count_text(number, text):
    assert count_text(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1, "100%"),
        (0.0013, "0.13%"),
        (0.01, "1%"),
        (0.0556, "5.6%"),
        (0.0994, "9.9%"),
        (0.0995, "10%"),
        (0.104, "10%"),
        (0.72, "72%"),
        (21.667, "2,167%"),
    ],
)
def test_percent_text(share, text):
    assert percent_text(share) == text


@pytest.mark.parametrize(("times", "text"), [(1, "once"), (2, "twice"), (3, "3 times"), (5, "5 times")])
def test_stack_name(times, text):
    assert stack_name(times) == f"3 × 3, {text}"


@pytest.mark.parametrize(
    ("depth", "text"),
    [
        (1, "1 layer: 8 → 16"),
        (3, "3 layers: 8 → 16 → 16 → 16"),
        (4, "4 layers: 8 → 16 → … → 16"),
        (5, "5 layers: 8 → 16 → … → 16"),
    ],
)
def test_flow_text(depth, text):
    row = [Layer(3, 3, 8, 16), *[Layer(3, 3, 16, 16)] * (depth - 1)]
    assert flow_text(Way("", tuple(row), 1)) == text
