"""The exercises of lesson 01, convolution by hand: right answers, typical mistakes with their messages."""

from helpers.convolution import convolve

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from scipy import signal
from skimage.measure import block_reduce


def stride_by_slicing(image, kernel, stride):
    return signal.correlate2d(image, kernel, mode="valid")[::stride, ::stride]


def stride_by_range(image, kernel, stride):
    height, width = kernel.shape
    return [
        [
            (image[top : top + height, left : left + width] * kernel).sum()
            for left in range(0, image.shape[1] - width + 1, stride)
        ]
        for top in range(0, image.shape[0] - height + 1, stride)
    ]


def stride_with_zeros_at_the_end(image, kernel, stride):
    full = signal.correlate2d(image, kernel, mode="valid")
    small, result = full[::stride, ::stride], 0 * full
    result[: len(small), : len(small[0])] = small
    return result


def stride_not_multiplied(image, kernel, stride):
    rows, cols = (image.shape[0] - kernel.shape[0]) // stride + 1, (image.shape[1] - kernel.shape[1]) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            result[row, col] = np.sum(image[row : row + kernel.shape[0], col : col + kernel.shape[1]] * kernel)
    return result


def stride_on_axes(image, kernel, stride, down=1, right=1, multiply=np.multiply):
    """Along an axis with 0, the window moves by one pixel."""
    (height, width), steps = kernel.shape, (stride if down else 1, stride if right else 1)
    rows, cols = (image.shape[0] - height) // stride + 1, (image.shape[1] - width) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            top, left = row * steps[0], col * steps[1]
            result[row, col] = np.sum(multiply(image[top : top + height, left : left + width], kernel))
    return result


def stride_scattered(image, kernel, stride):
    """Each second place of a map for stride 1 is written."""
    result = np.zeros([length - size + 1 for length, size in zip(image.shape, kernel.shape, strict=True)])
    for row in range(0, len(result), stride):
        for col in range(0, len(result[0]), stride):
            result[row, col] = np.sum(image[row:, col:][: kernel.shape[0], : kernel.shape[1]] * kernel)
    return result


def stride_scattered_small(image, kernel, stride):
    return stride_scattered(image, kernel, stride)[
        : (image.shape[0] - kernel.shape[0]) // stride + 1, : (image.shape[1] - kernel.shape[1]) // stride + 1
    ]


def pool_by_reshape(image, size):
    rows, cols = image.shape[0] // size, image.shape[1] // size
    return image[: rows * size, : cols * size].reshape(rows, size, cols, size).mean(axis=(1, 3))


def stride_by_views(image, kernel, stride):
    patches = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.einsum("rcij,ij->rc", patches, kernel)


def stride_in(dtype):
    """A map that holds numbers of another type."""

    def answer(image, kernel, stride):
        right = stride_by_slicing(image, kernel, stride)
        result = np.zeros(right.shape, dtype or image.dtype)
        for place in np.ndindex(right.shape):
            with np.errstate(invalid="ignore"):
                result[place] = right[place]
        return result

    return answer


def stride_of_three(image, kernel, stride):
    rows, cols = (image.shape[0] - 3) // stride + 1, (image.shape[1] - 3) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            for i in range(3):
                for j in range(3):
                    result[row, col] += image[row * stride + i, col * stride + j] * kernel[i, j]
    return result


def stride_square(image, kernel, stride):
    size = kernel.shape[0]
    rows, cols = (image.shape[0] - size) // stride + 1, (image.shape[1] - size) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            patch = image[row * stride : row * stride + size, col * stride : col * stride + size]
            result[row, col] = np.sum(patch * kernel)
    return result


def stride_that_spoils(image, kernel, stride):
    result = stride_by_slicing(image, kernel, stride)
    image[: len(kernel)] = 0
    return result


def pool_by_loop(image, size):
    rows, cols = image.shape[0] // size, image.shape[1] // size
    windows = [[image[r * size : (r + 1) * size, c * size : (c + 1) * size] for c in range(cols)] for r in range(rows)]
    return [[sum(map(float, window.ravel())) / size**2 for window in row] for row in windows]


def pool_in_its_type(image, size):
    result = np.zeros_like(image[::size, ::size][: len(image) // size, : image.shape[1] // size])
    result[:] = pool_by_reshape(image, size)
    return result


def pool_small_sums(image, size):
    rows, cols = image.shape[0] // size, image.shape[1] // size
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            window = image[row * size : (row + 1) * size, col * size : (col + 1) * size]
            total = window[0, 0]
            for value in window.ravel()[1:]:
                with np.errstate(over="ignore"):
                    total = total + value
            result[row, col] = total / size**2
    return result


def pool_hanging(image, size):
    rows, cols = range(0, image.shape[0], size), range(0, image.shape[1], size)
    return np.array([[image[row : row + size, col : col + size].mean() for col in cols] for row in rows])


STUBS = {
    1: "?",
    2: lambda image, kernel, stride: ...,
    3: [[None] * 3] * 3,
    4: {"height": None, "channels": None, "parameters": None},
    5: lambda image, size: ...,
    6: {"covers": None, "valid": None, "padding": None, "same": None},
    7: letters("???"),
}
REACH = {"covers": 9, "valid": 37, "padding": 4, "same": 23}
RIGHT = {
    1: ["b", " B ", "(b)"],
    2: [stride_by_slicing, stride_by_range, stride_by_views],
    3: [[[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.array([[2.0], [-2.0]]), [[3, 10, 3], [0, 0, 0], [-3, -10, -3]]],
    4: [
        {"height": 112, "channels": 64, "parameters": 9472},
        {"height": 112.0, "channels": 64, "parameters": 9408 + 64},
        {"height": "112", "channels": np.int64(64), "parameters": np.array(9472)},
    ],
    5: [pool_by_reshape, pool_by_loop, lambda image, size: pool_by_reshape(image, size).tolist()],
    6: [REACH, {name: float(number) for name, number in REACH.items()}, {**REACH, "same": np.ceil(45 / 2)}],
    7: dressed("cba"),
}
WRONG = {
    1: [
        ("a", "lower row alone"),
        ("c", "does not average"),
        ("d", "own kernel value"),
    ],
    2: [
        (lambda i, k, s: signal.correlate2d(i, k, mode="valid"), "stride is not used"),
        (stride_not_multiplied, "still moves by one pixel"),
        (lambda i, k, s: signal.convolve2d(i, k, mode="valid")[::s, ::s], "flipped"),
        (lambda i, k, s: stride_by_slicing(i, k, s)[:-1, :-1], "the first place counts as well"),
        (lambda i, k, s: signal.correlate2d(i, k, mode="valid")[::s], "along one axis only"),
        (lambda i, k, s: signal.correlate2d(i, k, mode="valid")[:, ::s], "along one axis only"),
        (lambda i, k, s: stride_on_axes(i, k, s, 1, 0), "along one axis only"),
        (lambda i, k, s: stride_on_axes(i, k, s, 0, 1), "along one axis only"),
        (lambda i, k, s: stride_on_axes(i, k, s, multiply=np.matmul), "You multiplied matrices"),
        (lambda i, k, s: stride_on_axes(i, k, s, multiply=np.maximum), "where"),
        (stride_scattered, "not zeros between"),
        (stride_scattered_small, "only some places of the map are written"),
        (lambda i, k, s: stride_in(k.dtype)(i, k, s), "type of the kernel"),
        (lambda i, k, s: convolve(i, k)[::s, ::s], "`convolve` of the helpers"),
        (lambda i, k, s: convolve(i, k, stride=s), "`convolve` of the helpers"),
        (convolve, "`convolve` of the helpers"),
        (
            lambda i, k, s: stride_by_slicing(i, k, s)[
                : (i.shape[0] - k.shape[0] + 1) // s, : (i.shape[1] - k.shape[1] + 1) // s
            ],
            "lost a place",
        ),
        (lambda i, k, s: signal.correlate2d(i[::s, ::s], k, mode="valid"), "left out pixels"),
        (stride_with_zeros_at_the_end, "Yours ends in zeros"),
        (lambda i, k, s: i[s], "shape"),
        (lambda i, k: i, "raised TypeError"),
        (stride_of_three, "not always 3 × 3"),
        (stride_square, "not always 3 × 3"),
        (stride_in(int), "behind the point"),
        (stride_in(None), "type of the image"),
        (stride_that_spoils, "your function changed its input: copy it first"),
    ],
    3: [
        ([[-1, 0, 1]] * 3, "vertical edges instead"),
        (np.full((3, 3), 1 / 9), "add up to 1"),
        ([[1, 1, 1], [0, 0, 0], [-1, -1, -2]], "add up to -1"),
        (np.zeros((3, 3)), "finds nothing"),
        ([[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], "both directions"),
        ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], "both directions"),
        ([1, 0, -1], "shape"),
        ([[1, 1, 1], [0, 0], [-1, -1, -1]], "with as many in each row, but it is [[1, 1, 1], [0, 0], [-1, -1, -1]]."),
        ([["1"], ["-1"]], "a table of numbers, with as many in each row, but it is [['1'], ['-1']]."),
        ([[1j], [-1j]], "a table of numbers"),
        ([[10**400]], "a table of numbers"),
        ([[1, -2, 1], [0, 0, 0], [-1, 2, -1]], "no straight edge"),
        ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "no straight edge"),
        ([[1e300], [-1e300]], "too large, or too small"),
        ([[np.inf], [-1]], "a number is infinite"),
        (np.zeros((0, 3)), "shape (0, 3)"),
    ],
    4: [
        ({"height": 109, "channels": 64, "parameters": 9472}, "without padding"),
        ({"height": 112.5, "channels": 64, "parameters": 9472}, "half a place is none"),
        ({"height": 111.5, "channels": 64, "parameters": 9472}, "at the beginning there is a place, too"),
        ({"height": 109.5, "channels": 64, "parameters": 9472}, "without padding; and half a place is none"),
        ({"height": 112.0002, "channels": 64, "parameters": 9472}, "height = 112.0002 is too large"),
        ({"height": 112, "channels": 64, "parameters": 147}, "weights of one kernel"),
        ({"height": 112, "channels": 64, "parameters": 9409}, "not one for all"),
        ({"height": 112, "channels": 64, "parameters": "9,472"}, "without a comma"),
        ({"height": "112 px", "channels": 64, "parameters": 9472}, "write the number alone"),
        ({"height": 111, "channels": 64, "parameters": 9472}, "counts on both sides. Round down first, then add 1"),
        ({"height": 112, "channels": 3, "parameters": 9472}, "one channel"),
        ({"height": 112, "channels": 64, "parameters": 9408}, "biases"),
        ({"height": 112, "channels": 64, "parameters": 3200}, "as deep as the image"),
        ({"height": 113, "channels": 64, "parameters": 9472}, "round down, not up"),
        ({"height": 224, "channels": 64, "parameters": 9472}, "halves the size"),
        ({"height": 218, "channels": 64, "parameters": 9472}, "stride 1 without padding"),
        ({"height": 110, "channels": 64, "parameters": 9472}, "counts on both sides: "),
        ({"height": 112, "channels": 192, "parameters": 9472}, "added up to one map"),
        ({"height": 112, "channels": 64, "parameters": 3136}, "as deep as the image, and has a bias"),
        ({"height": 112, "channels": 64, "parameters": 9600}, "one bias for each kernel"),
        ({"height": 112, "channels": 64, "parameters": 148}, "that is one kernel"),
        ({"height": "many", "channels": 64, "parameters": 9472}, "one number"),
    ],
    5: [
        (lambda i, s: pool_by_reshape(i, s) * s * s, "sum of each window"),
        (lambda i, s: i[::s, ::s], "keeps one pixel"),
        (lambda i, s: pool_by_reshape(i, s) * s * s / 4, "only for size 2"),
        (lambda i, s: pool_by_reshape(i, s) * s, "size × size pixels, not size"),
        (
            lambda i, s: np.array(
                [
                    [i[r * s : r * s + s, c * s : c * s + s].max() for c in range(i.shape[1] // s)]
                    for r in range(i.shape[0] // s)
                ]
            ),
            "largest",
        ),
        (lambda i, s: signal.correlate2d(i, np.full((s, s), 1 / s**2), mode="valid"), "overlap"),
        (
            lambda i, s: signal.correlate2d(i, np.full((s, s), 1 / s**2), mode="valid")[
                : len(i) // s, : len(i[0]) // s
            ],
            "overlap",
        ),
        (lambda i, s: i.mean(), "shape"),
        (lambda i, s: -block_reduce(-i.astype(float), (s, s), np.max)[: len(i) // s, : len(i[0]) // s], "smallest"),
        (lambda i, s: pool_by_reshape(i, 2), "always 2 × 2"),
        (lambda i, s: block_reduce(i, (s, s), np.mean), "hang over the border"),
        (lambda i, s: np.round(pool_by_reshape(i, s)), "behind the point"),
        (lambda i, s: np.ceil(pool_by_reshape(i, s)), "for ("),
        (lambda i, s: pool_by_reshape(i, s).astype(int), "behind the point"),
        (pool_in_its_type, "type of the image"),
        (pool_small_sums, "sums of uint8"),
        (pool_hanging, "hang over the border"),
    ],
    6: [
        ({**REACH, "covers": 3}, "pulls the kernel apart"),
        ({**REACH, "covers": 12}, "no gap is needed"),
        ({**REACH, "covers": 8}, "begins counts as well"),
        ({**REACH, "covers": 6}, "that it skips"),
        ({**REACH, "valid": 43}, "that is without dilation"),
        ({**REACH, "valid": 36}, "first place counts"),
        ({**REACH, "valid": 45}, "no place for it at the border"),
        ({**REACH, "padding": 8}, "both sides together"),
        ({**REACH, "padding": 1}, "that is without dilation"),
        ({**REACH, "padding": 0}, "gets smaller"),
        ({**REACH, "padding": 4.5}, "needs none"),
        ({**REACH, "same": 22}, '`"same"` rounds up: '),
        ({**REACH, "same": 22.5}, "half a place is none"),
        ({**REACH, "same": 45}, "with stride 1 only"),
        ({**REACH, "same": 19}, "that is without padding"),
        ({**REACH, "same": 20}, "too small"),
    ],
    7: one_wrong(
        "cba",
        Aa="place within the window",
        Ab="one number is left of four",
        Ba="crosses the border",
        Bc="number of each window grows",
        Cb="maximum drops them",
        Cc="as a window is large",
    ),
}
MISSING = [
    (1, "e", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (2, not_written, "write the body of the function, with a return at its end; it returns nothing so far."),
    (3, "?", "put nine numbers into the kernel."),
    (3, [[1, 1, 1], [0, 0, 0], [-1, -1, None]], "fill in every cell of the kernel with a number."),
    (3, [1, "?", -1], "fill in every cell of the kernel with a number."),
    (3, [[np.nan], [1]], "fill in every cell of the kernel with a number."),
    (4, {"height": 112, "channels": None, "parameters": "?"}, "fill in channels, parameters."),
    (5, ..., "define the function"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "01", STUBS, RIGHT, WRONG, MISSING
