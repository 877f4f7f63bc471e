"""Three exercises of lesson 06: a map by hand, where the window of a peak is, and what silencing channels costs."""

from helpers.exercises.anew import Task, drawn
from helpers.exercises.judges import Exercise, function
from helpers.exercises.networks import random_maps

import numpy as np

# --- a map by hand ---


def _products(image, kernel, **padding):
    """Return for each place and channel the sum of the products (h, w, C), with such a border around the image."""
    border = [(size // 2, size // 2) for size in kernel.shape[:2]]
    padded = np.pad(image, [*border, (0, 0)], **padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijc->hwc", windows, kernel)


def _relu(numbers):
    return np.maximum(numbers, 0)


def _map(image, kernel, bias, **padding):
    return _relu(_products(image, kernel, **padding).sum(axis=2) + bias)


def _inside(image, kernel, bias):
    """Return the map without the places at which the kernel hangs over the border."""
    rows, columns = (size // 2 for size in kernel.shape[:2])
    found = _map(image, kernel, bias)
    return found[rows : len(found) - rows, columns : found.shape[1] - columns]


def _map_case(height, width, size, channels, bias, seed):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (height, width, channels)), random.normal(size=(size, size, channels)), bias


_MAP_CASES = [
    _map_case(6, 8, 3, 3, 0.7, seed=20),
    _map_case(7, 5, 5, 3, -0.9, seed=21),
    _map_case(1, 6, 3, 2, 0.4, seed=22),
]

BY_HAND = Exercise(
    function(
        _map,
        _MAP_CASES,
        [
            (
                lambda image, kernel, bias: _products(image, kernel).sum(axis=2) + bias,
                "ReLU is missing: what is negative becomes 0.",
            ),
            (
                lambda image, kernel, bias: np.abs(_products(image, kernel).sum(axis=2) + bias),
                "ReLU sets what is negative to 0. It does not turn its sign.",
            ),
            (lambda image, kernel, bias: _map(image, kernel, 0), "the bias is missing: add it to each sum."),
            (
                lambda image, kernel, bias: _map(image, kernel, 0) + bias,
                "the bias comes before ReLU, which then cuts off what is negative.",
            ),
            (
                lambda image, kernel, bias: _map(image, kernel, bias * kernel.size),
                "the bias is added once for each number of the map, not to each product.",
            ),
            (
                lambda image, kernel, bias: _map(image, kernel, bias * image.shape[2]),
                "the bias is added once for each number of the map, not once for each channel.",
            ),
            (
                lambda image, kernel, bias: _relu(_products(image, kernel)).sum(axis=2) + bias,
                "ReLU comes at the end: first add up the channels and the bias.",
            ),
            (
                lambda image, kernel, bias: _relu(_products(image, kernel) + bias).sum(axis=2),
                "ReLU comes at the end: first add up the channels and the bias.",
            ),
            (
                lambda image, kernel, bias: _map(image, kernel[::-1, ::-1], bias),
                "the kernel is turned. Networks slide it as it is: correlation, as in lesson 1.",
            ),
            (
                _inside,
                "the map is smaller than the image. Put a border of zeros around it first, half a kernel wide.",
            ),
            *(
                (
                    lambda image, kernel, bias, mode=mode: _map(image, kernel, bias, mode=mode),
                    'the border is wrong: with the padding "same" there are zeros around the image.',
                )
                for mode in ("edge", "reflect", "symmetric", "wrap")
            ),
            (
                lambda image, kernel, bias: _relu(_products(image, kernel) + bias),
                "those are maps of each channel by itself. A kernel is as deep as the image: add up the channels, too.",
            ),
            (
                lambda image, kernel, bias: _relu(_products(image, kernel)[..., 0] + bias),
                "only the first channel counts in it. A kernel is as deep as the image.",
            ),
            (
                lambda image, kernel, bias: _map(image, kernel / image.shape[2], bias),
                "you take the mean over the channels. Take the sum.",
            ),
            (
                lambda image, kernel, bias: _map(image, kernel / kernel.size, bias),
                "you take the mean of the products. Take the sum.",
            ),
        ],
        tolerance=1e-4,  # TensorFlow computes with fewer digits
    ),
    "What conv1 does, 16 times. All that a network computes can be computed by hand, if you have the time.",
    (
        "One number of the map: the patch around its place, times the kernel, all of it added up.",
        "np.pad(image, ((k, k), (k, k), (0, 0))) puts zeros around the image; k is half of the size of the kernel.",
        "For each row and column: (padded[row : row + size, col : col + size] * kernel).sum() + bias, then ReLU.",
    ),
)

# --- where a window is ---

LAYERS = (("conv2", 10, 2, 4), ("conv3", 20, 4, 8), ("conv4", 40, 8, 16))
"""How many pixels a number of a layer sees, how far on the next one starts, how far before the image the first one."""

_WINDOW_HINTS = (
    "Go along one axis. Where does the window of number 0 start, where that of number 1?",
    "Number k starts at k · step − start, where start is how far before the image the first one does.",
    "A window of n pixels that starts at pixel p ends at p + n − 1.",
)


def _window(layer: int, row: int, column: int) -> Task:
    """Ask which pixels a number of a map sees, in one of `LAYERS`."""
    name, size, step, start = LAYERS[layer]
    right, wrong = {}, {}
    for first, last, axis, place, other in (
        ("top", "bottom", "row", row, column),
        ("left", "right", "column", column, row),
    ):
        begin, crossed = place * step - start, other * step - start
        right |= {first: begin, last: begin + size - 1}
        swapped = f"that is what the other axis gives. Row {row}, column {column}: the row comes first."
        wrong[first] = (
            (place * step, f"the first window starts {start} pixels before the image, so all start {start} earlier."),
            (place * step + start, f"before the image means below 0: subtract the {start}."),
            (place * size - start, f"windows overlap: the next one starts {step} further on, not {size}."),
            (place, f"that is the {axis} of the map. From number to number it goes on by {step} pixels."),
            (crossed, swapped),
        )
        wrong[last] = (
            (begin + size, f"that pixel is not seen any more: {size} of them, the first one included."),
            (begin + step - 1, f"the next window starts {step} further on, but each is {size} wide."),
            (place * step + size - 1, f"the first window starts {start} pixels before the image."),
            (crossed + size - 1, swapped),
        )
    return Task(
        f"A channel of {name} has its peak in row {row}, column {column} of its map. A number there sees {size} × "
        f"{size} pixels, the next one starts {step} pixels further on, and number 0 starts {start} pixels before the "
        "image. Which pixels of the image does the peak see: which is the first row (`top`) and the last one "
        "(`bottom`), which the first column (`left`) and the last one (`right`)? They count from 0, and the last one "
        "is still seen.",
        right,
        wrong,
    )


WINDOW = _window(layer=1, row=5, column=11).exercise(
    "So the patch is image[12:32, 36:56]: cut it out, and look.",
    _WINDOW_HINTS,
    another=drawn(_window, _WINDOW_HINTS, layer=range(2), row=range(3, 14), column=range(3, 14)),
)

# --- what silencing costs ---


class _Rest:
    """The layers behind the maps: they weigh the mean of each map, and give probabilities (N, classes)."""

    def __init__(self, weights):
        self.weights = np.asarray(weights, float)

    def __call__(self, maps):
        maps = np.asarray(maps, float)
        if maps.ndim != 4 or maps.shape[3] != len(self.weights):
            raise ValueError(f"rest gets maps (N, h, w, {len(self.weights)}), not {maps.shape}")
        scores = np.exp(maps.mean(axis=(1, 2)) @ self.weights)
        return scores / scores.sum(axis=1, keepdims=True)

    def __repr__(self):
        return "rest"


def _silenced(maps, channels, others=False):
    stay = np.isin(np.arange(maps.shape[3]), channels) == others
    return maps * stay


def _right(maps, labels, rest):
    return float(np.mean(np.argmax(rest(maps), axis=1) == labels))


def _lost(maps, labels, rest, channels, **options):
    return _right(maps, labels, rest) - _right(_silenced(maps, channels, **options), labels, rest)


def _sure(maps, labels, rest):
    return float(np.mean(rest(maps)[np.arange(len(labels)), labels]))


def _without_rows(maps, channels):
    maps = maps.copy()
    maps[:, [channel for channel in channels if channel < maps.shape[1]]] = 0
    return maps


_LABELS = np.arange(20) % 4
_TELLING = random_maps(20, 5, 4, 6, seed=23)
_TELLING[np.arange(20), :, :, _LABELS] += 1.5  # each of the first four channels tells its class
_READ = np.vstack([np.eye(4), np.zeros((2, 4))])
_MISLED = _READ.copy()
_MISLED[5, 0] = 5  # channel 5 speaks for class 0, whatever there is
_TWICE = _TELLING[:7].copy()
_TWICE[..., 5] = _TWICE[..., 0]  # either of the two stands in for the other
_BOTH = _READ.copy()
_BOTH[5, 0] = 1
_NOT_ALL = np.array([0, 1, 2, 0, 0, 1, 3])  # two are wrong before
_SILENCE_CASES = [
    (_TELLING, _LABELS, _Rest(_READ), [1, 2]),
    (_TELLING, _LABELS, _Rest(_READ), [4]),
    (_TELLING, _LABELS, _Rest(_MISLED), [5]),
    (_TELLING[:12], _LABELS[:12], _Rest(0.3 * _READ), np.array([0, 3, 2])),  # never sure of anything
    (_TWICE, _NOT_ALL, _Rest(_BOTH), [0, 5]),
]

SILENCE = Exercise(
    function(
        _lost,
        _SILENCE_CASES,
        [
            (
                lambda maps, labels, rest, channels: _right(_silenced(maps, channels), labels, rest),
                "that is the accuracy that is left. Subtract it from that with all channels.",
            ),
            (
                lambda maps, labels, rest, channels: 1 - _right(_silenced(maps, channels), labels, rest),
                "that is the share of mistakes. How many of them were there before?",
            ),
            (
                lambda maps, labels, rest, channels: sum(_lost(maps, labels, rest, [one]) for one in channels),
                "you silence one channel after the other. Silence all of them at once: one may stand in for another.",
            ),
            (
                lambda maps, labels, rest, channels: _right(maps, labels, rest),
                "that is the accuracy with all channels. Subtract that without some of them.",
            ),
            (
                lambda *given: -_lost(*given),
                "it is the other way round: what was right before, less what is right now. A loss is above 0.",
            ),
            (
                lambda *given: abs(_lost(*given)),
                "without some channels it can be better. Then the loss is below 0: keep the sign.",
            ),
            (lambda *given: max(_lost(*given), 0), "without some channels it can be better. Then the loss is below 0."),
            (lambda *given: _lost(*given, others=True), "you silence all other channels, and keep these."),
            (
                lambda maps, labels, rest, channels: (
                    _right(maps, labels, rest) - _right(_without_rows(maps, channels), labels, rest)
                ),
                "you silence rows. Channels are the last axis: maps[..., channels].",
            ),
            (
                lambda maps, labels, rest, channels: _lost(maps, labels, rest, channels[:1]),
                "only the first of the channels is silenced.",
            ),
            (lambda *given: 100 * _lost(*given), "that is in percentage points. An accuracy is from 0 to 1."),
            (
                lambda maps, labels, rest, channels: round(len(labels) * _lost(maps, labels, rest, channels)),
                "that is a number of images. Divide it by how many there are.",
            ),
            (
                lambda maps, labels, rest, channels: _lost(maps, labels, rest, channels) / _right(maps, labels, rest),
                "that is a share of the accuracy. Subtract, and do not divide.",
            ),
            (
                lambda maps, labels, rest, channels: (
                    _sure(maps, labels, rest) - _sure(_silenced(maps, channels), labels, rest)
                ),
                "those are probabilities. Accuracy counts for how many images the largest one is that of the label.",
            ),
        ],
    ),
    "A loss near 0 does not mean that nobody listens to the channel: others may stand in for it.",
    (
        "Ask rest twice: with the maps as they are, and with a copy in which some channels are 0.",
        "less = maps.copy(), then less[..., channels] = 0.",
        "The accuracy: np.mean(rest(maps).argmax(axis=1) == labels).",
    ),
)
