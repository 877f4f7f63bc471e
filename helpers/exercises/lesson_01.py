"""The exercises of lesson 01, convolution by hand: what is right, which mistakes are typical, and the hints."""

from functools import partial

from helpers.convolution import convolve, pool
from helpers.exercises.anew import drawn
from helpers.exercises.arithmetic import first_layer, reach
from helpers.exercises.judges import (
    ALONE,
    Exercise,
    NotYet,
    Wrong,
    as_array,
    choice,
    choices,
    function,
    is_stub,
    random_image,
)

import numpy as np


def _stride_cases():
    kernel = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [4.0, 0.0, -2.0]])
    return [
        (random_image(7, 7), kernel, 1),
        (random_image(7, 7), kernel, 2),
        (random_image(8, 9, 1), kernel, 2),
        (random_image(10, 12, 2), kernel[:2] / 8, 3),
        (random_image(9, 6, 3).astype(np.uint8), np.abs(kernel) / 64, 2),  # a type without fractions
        (random_image(1, 9, 5), kernel[2:], 2),  # a single row
        (random_image(6, 5, 4) / 8, kernel.astype(int), 2),  # only the kernel is of whole numbers
    ]


def _forgets_to_move(image, kernel, stride):
    """The output has the right size, but the window moves by one pixel only."""
    rows, cols = ((n - k) // stride + 1 for n, k in zip(image.shape, kernel.shape, strict=True))
    return convolve(image, kernel)[:rows, :cols]


def _in_the_type_of(image, kernel, stride):
    """The map is made in the type of the image, as by np.zeros_like(image): fractions and large numbers are lost."""
    with np.errstate(invalid="ignore"):
        return convolve(image, kernel, stride).astype(image.dtype)


def _whole_numbers(image, kernel, stride):
    return np.trunc(convolve(image, kernel, stride))


def _matrices(image, kernel, stride):
    """Patch and kernel are multiplied as matrices, which only square ones can be."""
    patches = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return (patches @ kernel).sum(axis=(2, 3))


def _one_axis(image, kernel, stride, down, right, cut):
    """Along one axis the window moves by one pixel only; the map may be cut to the right size."""
    rows, cols = convolve(image, kernel, stride).shape
    moved = convolve(image, kernel)[:: stride if down else 1, :: stride if right else 1]
    return moved[:rows, :cols] if cut else moved


def _square(image, kernel, stride, size=lambda kernel: 3):
    """The kernel is taken to have so many rows and columns."""
    side = size(kernel)
    rows, cols = (max((length - side) // stride + 1, 0) for length in image.shape)
    result = np.zeros((rows, cols))
    for row, col in np.ndindex(rows, cols):
        result[row, col] = np.sum(image[row * stride :, col * stride :][:side, :side] * kernel)
    return result


def _divides_size(image, kernel, stride, first=1):
    """The size of the stride-1 map divided by the stride, rounded down: the last place can be missing, or is."""
    rows, cols = ((n - k + first) // stride for n, k in zip(image.shape, kernel.shape, strict=True))
    return convolve(image, kernel, stride)[:rows, :cols]


def _cells(row):
    return row if isinstance(row, list | tuple) else [row]


def _horizontal_edges(kernel) -> None:
    """Judge a kernel that must find horizontal edges and nothing on flat areas."""
    if is_stub(kernel):
        raise NotYet("put nine numbers into the kernel.")
    holes = NotYet("fill in every cell of the kernel with a number.")
    rows = kernel.tolist() if isinstance(kernel, np.ndarray) else kernel
    if isinstance(rows, list | tuple) and any(is_stub(cell) for row in rows for cell in _cells(row)):
        raise holes
    kernel = as_array(kernel, "a kernel is a table of numbers, with as many in each row, but it is", finite=False)
    if np.isnan(kernel).any():
        raise holes
    if kernel.ndim != 2 or not kernel.size or max(kernel.shape) > 7:
        raise Wrong(f"a kernel is a small table of numbers, at most 7 × 7; this one has shape {kernel.shape}.")
    if np.isinf(kernel).any():
        raise Wrong("a kernel has finite numbers, and in this one a number is infinite.")
    if np.abs(kernel).max() > 1e6 or 0 < np.abs(kernel).max() < 1e-6:
        raise Wrong("its numbers are too large, or too small, to compute with them. Take some such as 1 and −2.")
    scale = np.abs(kernel).sum()
    if scale == 0:
        raise Wrong("a kernel of zeros answers 0 everywhere: it finds nothing.")
    if abs(kernel.sum()) > 1e-6 * scale:
        raise Wrong(f"its values add up to {kernel.sum():g}, so it answers to a flat wall too. Make the sum 0.")
    step = np.zeros((16, 16))
    step[8:] = 1.0  # dark above, bright below
    horizontal, vertical = (np.abs(convolve(image, kernel)).max() for image in (step, step.T))
    if max(horizontal, vertical) < 0.02 * scale:
        raise Wrong("it finds no straight edge at all. Add up each of its rows: at least one sum must differ from 0.")
    if horizontal < 3 * vertical:
        more = "it answers to vertical edges instead" if vertical > 3 * horizontal else "it answers to both directions"
        raise Wrong(f"{more}: {horizontal:.3g} at a horizontal edge, {vertical:.3g} at a vertical one.")


def _leaves_zeros(image, kernel, stride, places=lambda length, stride: slice(length)):
    """The right numbers, but in a map of the size for stride 1, at its beginning."""
    right, result = convolve(image, kernel, stride), 0 * convolve(image, kernel)
    result[tuple(places(length, stride) for length in right.shape)] = right
    return result


def _leaves_holes(image, kernel, stride):
    """The same, with zeros between."""
    return _leaves_zeros(image, kernel, stride, lambda length, stride: slice(None, None, stride))


def _small_with_holes(image, kernel, stride):
    """The map has the right size, but only each second place of it is written, as by range(0, rows, stride)."""
    rows, cols = convolve(image, kernel, stride).shape
    return _leaves_holes(image, kernel, stride)[:rows, :cols]


def _pool_cases():
    small = random_image(7, 8, 3).astype(np.uint8)
    return [
        *((random_image(4, 4), 2), (random_image(6, 9, 1), 3), (random_image(7, 5, 2), 2)),
        *((small, 3), (small[:2], 2), (small, 1)),  # sums above 255, one row of windows, nothing to do
    ]


def _pool_in_the_type_of(image, size):
    return pool(image, size, reduce=np.mean).astype(image.dtype)


def _pool_whole(image, size, whole=np.trunc):
    return whole(pool(image, size, reduce=np.mean))


def _pool_overlapping(image, size):
    """The result has the right size, but the window moves by one pixel only."""
    rows, cols = pool(image, size).shape
    return pool(image, size, stride=1, reduce=np.mean)[:rows, :cols]


def _pool_small_sums(image, size):
    """Sums of uint8 begin anew above 255, as by adding pixel to pixel."""
    return pool(image, size, reduce=lambda windows, axis: windows.sum(axis=axis, dtype=image.dtype)) / size**2


def _pool_hanging(image, size, zeros=False):
    """A window may hang over the border, over zeros or over nothing."""
    rows, cols = (-(-length // size) for length in image.shape)
    if zeros:
        image = np.pad(image, [(0, -length % size) for length in image.shape])
    return np.array([[image[r * size :, c * size :][:size, :size].mean() for c in range(cols)] for r in range(rows)])


_ONE_AXIS = "the window jumps along one axis only. It must jump down, and to the right as well."
_REACH_HINTS = (
    "First find how many pixels the kernel covers; two of the other numbers follow from it.",
    "A dilation D makes it cover D (F − 1) + 1 pixels. `same` keeps the size with stride 1, and gives ⌈W / S⌉ else.",
)

EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "600 is the lower row alone. The upper row counts too, with −1: −600.",
                "c": "200 would be the average of the patch. This kernel does not average; its values add up to 0.",
                "d": "1800 adds all nine pixels. Each is first multiplied by its own kernel value.",
            },
        ),
        "0. Above and below are the same, so +600 and −600 cancel. On flat areas this kernel is silent.",
        (
            "Write the nine products in a 3 × 3 table.",
            "The upper row gives 3 × (−200), the middle row 0, the lower row 3 × 200.",
        ),
    ),
    2: Exercise(
        function(
            lambda image, kernel, stride: convolve(image, kernel, stride=stride),
            _stride_cases(),
            [
                (
                    lambda image, kernel, stride: convolve(image, kernel),
                    "the stride is not used: with stride 2 the feature map must be about half as high and wide.",
                ),
                (_forgets_to_move, "the size is right, but the window still moves by one pixel. Where does it start?"),
                (_divides_size, "divide W − F by the stride, then add 1. You divided W − F + 1, and lost a place."),
                (
                    partial(_divides_size, first=0),
                    "the first place counts as well: add 1 after the division, for rows and for columns.",
                ),
                *(
                    (partial(_one_axis, down=down, right=not down, cut=cut), _ONE_AXIS)
                    for down in (True, False)
                    for cut in (True, False)
                ),
                (_matrices, "each pixel meets only the weight on top of it: patch * kernel. You multiplied matrices."),
                (
                    lambda image, kernel, stride: convolve(image[::stride, ::stride], kernel),
                    "you left out pixels of the image first. A patch keeps all its pixels; only its start jumps.",
                ),
                *(
                    (mistake, "the kernel is not always 3 × 3: take its height and its width from kernel.shape.")
                    for mistake in (_square, partial(_square, size=len))
                ),
                (
                    _whole_numbers,
                    "your sums lose what is behind the point. Make the map with np.zeros((rows, cols)), and no int.",
                ),
                (
                    _in_the_type_of,
                    "your map has the type of the image, so uint8 loses fractions and what is below 0 or above 255: "
                    "np.zeros((rows, cols)) makes one of floats.",
                ),
                (
                    lambda image, kernel, stride: convolve(image, kernel, stride).astype(kernel.dtype),
                    "your map has the type of the kernel, so one of whole numbers loses what is behind the point: "
                    "np.zeros((rows, cols)) makes one of floats.",
                ),
                (
                    _leaves_holes,
                    "the map is too large: with a stride it has fewer rows and columns, not zeros between.",
                ),
                (
                    _leaves_zeros,
                    "the map is too large: with a stride it has fewer rows and columns. Yours ends in zeros.",
                ),
                (
                    _small_with_holes,
                    "only some places of the map are written. Let row and col count its places, one by one; the patch "
                    "starts at row * stride, col * stride.",
                ),
                (
                    lambda image, kernel, stride: convolve(image, kernel, stride=stride, flip=True),
                    "the kernel is flipped. Here it stays as it is.",
                ),
                (convolve, ALONE.format("convolve")),
            ],
            alone=True,
        ),
        "Right for every size tried. Stride 2 computes about a quarter of the places.",
        (
            "Three lines of convolve_loop change: the number of rows, of columns, and where the patch starts.",
            "There are (image.shape[1] - kernel_width) // stride + 1 places along a row.",
            "The patch of place (row, col) starts at pixel (row * stride, col * stride).",
        ),
    ),
    3: Exercise(
        _horizontal_edges,
        "It answers to horizontal edges, hardly to vertical ones, and not to flat areas.",
        (
            "Compare what is above with what is below.",
            "Positive numbers in one row, the same numbers negative in another; zeros between.",
        ),
        [
            (
                [[-1, 0, 1]] * 3,
                "it answers to vertical edges instead: 0 at a horizontal edge, 3 at a vertical one.",
            ),
            (
                [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
                "it answers to both directions: 1 at a horizontal edge, 1 at a vertical one.",
            ),
            (
                [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
                "its values add up to 1, so it answers to a flat wall too. Make the sum 0.",
            ),
            ([[0, 0, 0]] * 3, "a kernel of zeros answers 0 everywhere: it finds nothing."),
            (
                [[1, -2, 1], [0, 0, 0], [-1, 2, -1]],
                "it finds no straight edge at all. Add up each of its rows: at least one sum must differ from 0.",
            ),
            ([-1, 0, 1], "a kernel is a small table of numbers, at most 7 × 7; this one has shape (3,)."),
        ],
    ),
    4: first_layer(224, 3, 64, 7, 2, 3).exercise(
        "9,472 numbers to learn. (PyTorch leaves out the 64 biases: 9,408.)",
        (
            "The formula gives the height, the number of kernels the channels, one kernel's size the parameters.",
            "Height: (224 − 7 + 2·3) / 2, rounded down, then add 1. One kernel: 7 × 7 × 3 weights and 1 bias.",
        ),
        another=drawn(
            first_layer,
            (
                "The formula gives the height, the number of kernels the channels, one kernel's size the parameters.",
                "Height: (W − F + 2P) / 2, rounded down, then add 1. One kernel: F × F × channels weights and 1 bias.",
            ),
            size=range(60, 240),
            channels=(2, 3, 4, 6),
            kernels=(8, 16, 24, 32, 48, 64),
            kernel=(4, 5, 6, 7, 9, 11),
            stride=(2,),
            padding=(1, 2, 3, 4),
        ),
    ),
    5: Exercise(
        function(
            lambda image, size: pool(image, size, reduce=np.mean),
            _pool_cases(),
            [
                (lambda image, size: pool(image, size), "that is the largest value of each window, not the mean."),
                (
                    lambda image, size: pool(image, size, reduce=np.min),
                    "that is the smallest value of each window, not the mean.",
                ),
                (lambda image, size: pool(image, 2, reduce=np.mean), "your windows are always 2 × 2: use `size`."),
                *(
                    (mistake, "the windows overlap: each one starts `size` pixels after the one before.")
                    for mistake in (
                        lambda image, size: pool(image, size, stride=1, reduce=np.mean),
                        _pool_overlapping,
                    )
                ),
                (
                    lambda image, size: pool(image, size, reduce=np.sum),
                    "that is the sum of each window. Divide by the number of its pixels.",
                ),
                (lambda image, size: image[::size, ::size], "that keeps one pixel of each window and drops the rest."),
                (
                    lambda image, size: pool(image, size, reduce=np.sum) / size,
                    "a window has size × size pixels, not size.",
                ),
                (
                    lambda image, size: pool(image, size, reduce=np.sum) / 4,
                    "a window has size × size pixels; that is 4 only for size 2.",
                ),
                *(
                    (mistake, "windows that hang over the border are left out, as the text says.")
                    for mistake in (_pool_hanging, partial(_pool_hanging, zeros=True))
                ),
                (
                    _pool_in_the_type_of,
                    "your result has the type of the image, so uint8 loses what is behind the point: np.zeros((rows, "
                    "cols)) makes one of floats.",
                ),
                *(
                    (mistake, "means are no whole numbers: you lose what is behind the point.")
                    for mistake in (_pool_whole, partial(_pool_whole, whole=np.round))
                ),
                (
                    _pool_small_sums,
                    "sums of uint8 begin anew above 255. np.mean knows that; or use window.astype(float).",
                ),
            ],
        ),
        "Right, also where rows or columns are left over.",
        (
            "Only one line of max_pool changes if you start from it.",
            "NumPy's mean takes the place of its max.",
        ),
    ),
    6: reach(45, 3, 4).exercise(
        "Three weights along an axis, and a reach of nine pixels. With `same` the size depends on the stride only.",
        _REACH_HINTS,
        another=drawn(reach, _REACH_HINTS, size=range(31, 99), kernel=(3, 5, 7), dilation=(2, 3, 4, 5)),
    ),
    7: Exercise(
        choices(
            {"A": "c", "B": "b", "C": "a"},
            {
                "A": {
                    "a": "the place within the window is just what is forgotten.",
                    "b": "one number is left of four: whether others were strong, too, is not in it.",
                },
                "B": {
                    "a": "where it crosses the border of its window, it comes out in the next one.",
                    "c": "the largest number of each window grows, and so does the result.",
                },
                "C": {
                    "b": "then the weak responses of a window would count as well. The maximum drops them.",
                    "c": "the place is kept, but only as exactly as a window is large.",
                },
            },
        ),
        "It keeps how strong the strongest is, and in which window. The exact place goes, and all that is weaker.",
        (
            "Write down a window of four numbers, and what comes out. Change one of the four.",
            "Only the largest number of a window comes out. Ask what else could have been in the window.",
        ),
    ),
}
