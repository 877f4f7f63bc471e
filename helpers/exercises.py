"""The exercises of each lesson: what is right, which wrong answers are typical and what is behind them, the hints.

`helpers.checks` asks the questions; here are only the answers. Numbers of the exercises are those of the lesson.
"""

import itertools
from functools import partial
from types import SimpleNamespace

from helpers.checks import Exercise, NotYet, Wrong, call_answer, choice, function, is_stub, numbers
from helpers.convolution import convolve, pool
from helpers.gabor import gabor_kernel, gabor_response, grating

import numpy as np

EXERCISES: dict[str, dict[int, Exercise]] = {}


def _random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(float)


LABELS = np.arange(100) % 10
IMAGES = np.full((100, 8, 8, 3), 255, np.uint8)


def stand_in(right: float = 1.0, known: float = 1.0, kinds: str = "Conv2D Dense", scale: float = 1.0, **more):
    """Return something with the face of a trained network, so that mistakes with networks can be written down.

    It gets the share ``right`` of `IMAGES` right, and of black images the share ``known``; what ``scale`` makes of its
    probabilities are none. ``kinds`` are those of its layers, unless ``more`` says what these are.
    """

    def predict(images, verbose=0):
        slips = np.arange(len(LABELS)) >= round(100 * (right if images.any() else known))
        return scale * np.eye(10)[(LABELS + slips) % 10]

    layers = [type(kind, (), {})() for kind in kinds.split()]
    return SimpleNamespace(**{"predict": predict, "layers": layers, "count_params": lambda: 10_000, **more})


# --- 01 Convolution by hand ---


def _stride_cases():
    kernel = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [4.0, 0.0, -2.0]])
    return [
        (_random_image(7, 7), kernel, 1),
        (_random_image(7, 7), kernel, 2),
        (_random_image(8, 9, 1), kernel, 2),
        (_random_image(10, 12, 2), kernel[:2], 3),
    ]


def _forgets_to_move(image, kernel, stride):
    """The output has the right size, but the window moves by one pixel only."""
    rows, cols = ((n - k) // stride + 1 for n, k in zip(image.shape, kernel.shape, strict=True))
    return convolve(image, kernel)[:rows, :cols]


def _divides_size(image, kernel, stride):
    """The size of the stride-1 map divided by the stride, rounded down: the last place can be missing."""
    rows, cols = ((n - k + 1) // stride for n, k in zip(image.shape, kernel.shape, strict=True))
    return convolve(image, kernel, stride)[:rows, :cols]


def _horizontal_edges(kernel) -> None:
    """Judge a kernel that must find horizontal edges and nothing on flat areas."""
    if is_stub(kernel):
        raise NotYet("put nine numbers into the kernel.")
    try:
        kernel = np.asarray(kernel, float)
    except (TypeError, ValueError):
        raise NotYet("fill in every cell of the kernel with a number.") from None
    if np.isnan(kernel).any():
        raise NotYet("fill in every cell of the kernel with a number.")
    if kernel.ndim != 2 or max(kernel.shape) > 7 or not np.isfinite(kernel).all():
        raise Wrong(f"a kernel is a small table of numbers, at most 7 × 7; this one has shape {kernel.shape}.")
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


def _leaves_holes(image, kernel, stride):
    """The right numbers, but in a map of the size for stride 1, with zeros between."""
    full = convolve(image, kernel)
    result = np.zeros_like(full)
    rows, cols = convolve(image, kernel, stride).shape
    result[:rows, :cols] = convolve(image, kernel, stride)
    return result


def _pool_cases():
    return [(_random_image(4, 4), 2), (_random_image(6, 9, 1), 3), (_random_image(7, 5, 2), 2)]


EXERCISES["01"] = {
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
                    lambda image, kernel, stride: convolve(image[::stride, ::stride], kernel),
                    "you left out pixels of the image first. A patch keeps all its pixels; only its start jumps.",
                ),
                (
                    _leaves_holes,
                    "the map is too large: with a stride it has fewer rows and columns, not zeros between.",
                ),
                (
                    lambda image, kernel, stride: convolve(image, kernel, stride=stride, flip=True),
                    "the kernel is flipped. Here it stays as it is.",
                ),
            ],
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
    4: Exercise(
        numbers(
            {"height": 112, "channels": 64, "parameters": 9472},
            {
                "height": {
                    109: "that is without padding: 2P = 6 pixels are missing.",
                    111: "round down first, then add 1: (224 − 7 + 6) / 2 = 111.5.",
                    113: "round down, not up: a kernel that hangs over the border has no place.",
                    224: "the stride of 2 halves the size.",
                    218: "that is stride 1 without padding.",
                    110: "padding counts on both sides: 2P = 6, not 3.",
                },
                "channels": {
                    3: "each kernel gives one channel, whatever the depth of the image.",
                    192: "the three slices of a kernel are added up to one map.",
                },
                "parameters": {
                    9408: "the biases are missing: one for each kernel.",
                    3200: "a kernel is as deep as the image: 7 × 7 × 3 values.",
                    3136: "a kernel is as deep as the image, and has a bias.",
                    9600: "one bias for each kernel, not one for each channel of it.",
                    148: "that is one kernel; the layer has 64.",
                },
            },
        ),
        "9,472 numbers to learn. (PyTorch leaves out the 64 biases: 9,408.)",
        (
            "The formula gives the height, the number of kernels the channels, one kernel's size the parameters.",
            "Height: (224 − 7 + 2·3) / 2, rounded down, then add 1. One kernel: 7 × 7 × 3 weights and 1 bias.",
        ),
    ),
    5: Exercise(
        function(
            lambda image, size: pool(image, size, reduce=np.mean),
            _pool_cases(),
            [
                (lambda image, size: pool(image, size), "that is the largest value of each window, not the mean."),
                (
                    lambda image, size: pool(image, size, stride=1, reduce=np.mean),
                    "the windows overlap: each one starts `size` pixels after the one before.",
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
            ],
        ),
        "Right, also where rows or columns are left over.",
        (
            "Only one line of max_pool changes if you start from it.",
            "NumPy's mean takes the place of its max.",
        ),
    ),
}

# --- 02 Gabor filter banks ---


def _sum_zero_cases():
    cases = []
    for frequency, sigma, phase in ((0.1, 2.5, 0.0), (0.08, 3.0, 0.6), (0.2, 1.5, 0.0)):
        kernel = np.pad(gabor_kernel(frequency, 0.4, sigma, phase).real, 3)
        cases.append((kernel, np.pad(np.abs(gabor_kernel(0, 0.4, sigma)), 3)))
    return cases


def _sums_to_zero(answer) -> None:
    """Judge a function of kernel and bell that must return a kernel with the sum 0, under the same bell."""
    for kernel, bell in _sum_zero_cases():
        result = call_answer(answer, (kernel, bell))
        if result.shape != kernel.shape:
            raise Wrong(f"it returned shape {result.shape}; the kernel has shape {kernel.shape}.")
        largest = float(np.abs(kernel).max())
        if np.abs(result).max() < 1e-3 * largest:
            raise Wrong("the kernel has become zeros everywhere: its sum is 0, but it finds nothing.")
        if np.allclose(result, kernel):
            raise Wrong(f"the kernel is unchanged; its sum is {kernel.sum():.2f}.")
        if np.allclose(result, kernel - bell):
            raise Wrong("right idea, but the whole bell is too much. How much of it has the same sum as the kernel?")
        if abs(result.sum() - 1) < 1e-6:
            raise Wrong("the sum is 1 now. Divided by its sum a kernel keeps brightness; here brightness must go.")
        if abs(result.sum()) > 1e-6:
            raise Wrong(f"the sum is {result.sum():.3g}, not 0.")
        if np.abs(result[bell < 1e-4 * bell.max()]).max() > 1e-3 * largest:
            raise Wrong(
                "the sum is 0, but the corners, where the bell is 0, have weights now: the kernel sees a square."
            )
        if np.count_nonzero(~np.isclose(result, kernel)) == 1:
            raise Wrong("the sum is 0, but one weight took all of it and sticks out. Spread it over the bell.")
        if np.sum(result * (kernel - bell * kernel.sum() / bell.sum())) < 0:
            raise Wrong("the sum is 0, but the wave is upside down.")


DIRECTIONS = np.arange(0, 180, 30)  # degrees


def _main_direction(image, angle=np.radians, strength=np.abs):
    kernels = [gabor_kernel(0.1, angle(theta), 4, zero_mean=True) for theta in DIRECTIONS]
    return DIRECTIONS[int(np.argmax([strength(gabor_response(image, kernel)).mean() for kernel in kernels]))]


def _direction_cases():
    waves = [(0, 64), (30, 61), (60, 64), (90, 70), (120, 64), (150, 63)]
    plain = [(120 + 70 * grating(0.1, np.radians(theta), size, 0.7),) for theta, size in waves]
    noise = np.random.default_rng(0).normal(0, 30, (60, 60))
    return [*plain, (120 + 40 * grating(0.12, np.radians(64), 60) + noise,)]


def _kernel_gradient(image, kernel, target):
    error = convolve(image, kernel) - target
    seen = np.lib.stride_tricks.sliding_window_view(image, error.shape)
    return 2 * np.mean(seen * error, axis=(2, 3))


def _gradient_cases():
    random = np.random.default_rng(1)
    shapes = [((8, 9), (3, 3)), ((7, 7), (1, 2)), ((10, 6), (2, 4))]
    images = [(random.normal(size=image), random.normal(size=kernel)) for image, kernel in shapes]
    return [(image, kernel, random.normal(size=convolve(image, kernel).shape)) for image, kernel in images]


EXERCISES["02"] = {
    1: Exercise(
        numbers(
            {"frequency": 1 / 8, "theta": 90},
            {
                "frequency": {
                    8: "that is how long one wave is, in pixels. The frequency is waves per pixel: turn it over.",
                    1 / 4: "from an orange stripe to the next purple one is only half a wave.",
                    4: "from an orange stripe to the next purple one is half a wave; and waves per pixel are asked.",
                    1 / 16: "count from one orange stripe to the very next orange one.",
                    1 / 10: "then one wave would be 10 pixels. Measure again, from orange to orange.",
                    16: "count from one orange stripe to the very next one, then turn the number over.",
                },
                "theta": {
                    0: "that is the direction of the stripes. Theta is where the wave runs: across them.",
                    180: "that is the direction of the stripes. Theta is where the wave runs: across them.",
                    -90: "the stripes are the same, but give it from 0 to less than 180.",
                    270: "the stripes are the same, but give it from 0 to less than 180.",
                    np.pi / 2: "that is in radians; give it in degrees.",
                },
            },
        ),
        "One wave is 8 pixels, so 1/8 of it in each pixel; it runs downward, across its stripes.",
        (
            "Start on the orange stripe in the middle. How many pixels is it to the next orange one?",
            "Frequency is 1 / (pixels of one wave). Theta 0 is to the right, and y counts downward.",
        ),
    ),
    2: Exercise(
        _sums_to_zero,
        "The sum is 0 for each kernel tried, and the bell keeps its shape.",
        (
            "Subtract something with the same sum as the kernel, and with the shape of the bell.",
            "bell / bell.sum() has the sum 1. How often must you subtract it?",
        ),
        [
            (lambda kernel, bell: kernel, "the kernel is unchanged; its sum is 0.29."),
            (
                lambda kernel, bell: kernel - kernel.mean(),
                "the sum is 0, but the corners, where the bell is 0, have weights now: the kernel sees a square.",
            ),
            (
                lambda kernel, bell: kernel / kernel.sum(),
                "the sum is 1 now. Divided by its sum a kernel keeps brightness; here brightness must go.",
            ),
            (
                lambda kernel, bell: kernel - bell,
                "right idea, but the whole bell is too much. How much of it has the same sum as the kernel?",
            ),
            (
                lambda kernel, bell: kernel * 0,
                "the kernel has become zeros everywhere: its sum is 0, but it finds nothing.",
            ),
            (
                lambda kernel, bell: kernel - kernel.sum() * (bell == bell.max()),
                "the sum is 0, but one weight took all of it and sticks out. Spread it over the bell.",
            ),
            (
                lambda kernel, bell: bell * kernel.sum() / bell.sum() - kernel,
                "the sum is 0, but the wave is upside down.",
            ),
        ],
    ),
    3: Exercise(
        choice(
            "b",
            {
                "a": "a larger kernel sees more stripes at once. Turned a little, they fall out of step with its own.",
                "c": "theta sets where the peak is, not how wide it is. Try sigma 1: hardly a wave is left to turn.",
                "d": "there is one rule for all widths. Look at the spots of the spectrum: they shrink with sigma.",
            },
        ),
        "More stripes under the bell must all fit. A wide kernel is picky about direction, and about frequency too.",
        (
            "In the explorer, watch the spots of the spectrum while you move sigma.",
            "A small spot means: only few directions and frequencies are answered.",
        ),
    ),
    4: Exercise(
        function(
            _main_direction,
            _direction_cases(),
            [
                (
                    lambda image: _main_direction(image) // 30,
                    "that is the number of the filter in the list. Return its theta in degrees.",
                ),
                (lambda image: np.radians(_main_direction(image)), "that is in radians; return degrees."),
                (
                    lambda image: (_main_direction(image) + 90) % 180,
                    "that is the direction of the stripes. Theta is where the wave runs. np.radians may be missing.",
                ),
                (
                    lambda image: _main_direction(image, strength=np.real),
                    "the mean of a response with a sign says nothing: crests and troughs cancel. Take the magnitude.",
                ),
                (
                    lambda image: _main_direction(image, strength=lambda response: abs(response.mean())),
                    "take the magnitude of each pixel first, then the mean: crests and troughs cancel in a plain mean.",
                ),
                (
                    lambda image: _main_direction(image, angle=np.asarray),
                    "gabor_kernel wants theta in radians: np.radians(30).",
                ),
            ],
        ),
        "Right for waves of all six directions, and for a slanted one under noise.",
        (
            "Make six kernels; for each, one number that says how much it answers. Which is largest?",
            "np.abs(gabor_response(image, kernel)).mean() is the energy of one filter.",
            "np.argmax(energies) is the place of the largest; look up its angle.",
        ),
    ),
    5: Exercise(
        function(
            _kernel_gradient,
            _gradient_cases(),
            [
                (lambda i, k, t: _kernel_gradient(i, k, t) / 2, "the 2 of the square is missing."),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t) * t.size,
                    "that is the sum over all places. The loss is a mean, so divide by their number.",
                ),
                (lambda i, k, t: -_kernel_gradient(i, k, t), "the sign is turned: the error is result − target."),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t)[::-1, ::-1],
                    "right numbers in the wrong cells: weight (row, col) saw the pixels from image[row:, col:].",
                ),
                (
                    lambda i, k, t: np.full(k.shape, np.mean(2 * (convolve(i, k) - t))),
                    "the pixels are missing: multiply the error by what the weight saw.",
                ),
            ],
        ),
        "Equal for kernels of 3 × 3, 1 × 2 and 2 × 4. TensorFlow's tape finds the same numbers.",
        (
            "For a kernel of 1 × 2 you have seen it: np.mean(2 * error * left) and np.mean(2 * error * right).",
            "error has fewer rows and columns than the image; cut a piece of this size from the image.",
            "Weight (row, col) saw image[row : row + rows, col : col + cols], where rows, cols = error.shape.",
        ),
    ),
}

# --- 03 Building a CNN ---


def _mean_squared_error_gradient(w, x, y):
    return np.mean(2 * (w * x - y) * x)


def _gradient_step(w, x, y, learning_rate):
    return w - learning_rate * _mean_squared_error_gradient(w, x, y)


_XY = (np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
_STEP_CASES = [(0.0, *_XY, 0.1), (3.0, *_XY, 0.05), (-1.0, np.array([0.5, 1.5]), np.array([1.0, -1.0]), 0.2)]

_PROBABILITIES = (np.array([0.7, 0.2, 0.1]), np.array([0.05, 0.05, 0.1, 0.8]))
_ENTROPY_CASES = [(0, _PROBABILITIES[0]), (2, _PROBABILITIES[0]), (3, _PROBABILITIES[1]), (0, _PROBABILITIES[1])]


def _kinds(model) -> list[str]:
    """Return the kinds of all layers, also of models inside the model."""
    return [
        kind
        for layer in model.layers
        for kind in (_kinds(layer) if getattr(layer, "layers", None) else [type(layer).__name__])
    ]


def probabilities(model, images, classes: int) -> np.ndarray:
    """Return what a learner's model answers to images (N, H, W, C); raises Wrong if it cannot be judged."""
    try:
        answers = np.asarray(model.predict(np.array(images), verbose=0), float)  # a copy, which it may change
    except Exception as error:
        shape = images.shape[1:]
        raise Wrong(f"it cannot take images of shape {shape}: begin with keras.Input({shape}).") from error
    if answers.shape != (len(images), classes):
        raise Wrong(f"for each image it must give {classes} numbers, but the shape of its answer is {answers.shape}.")
    if not np.isfinite(answers).all():
        raise Wrong("it answers NaN: the training went wrong. Build it anew, and take a smaller learning rate.")
    if not np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        raise Wrong('its numbers are no probabilities: give the last layer activation="softmax".')
    return answers


def _small_network(answer) -> None:
    """Judge a pair (model, dataset): at most 20,000 parameters, a convolution, 95% right on validation images."""
    model, dataset = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if is_stub(model):
        raise NotYet("build and train a model, then give check(5, (small_model, dataset)).")
    if not hasattr(model, "count_params") or not hasattr(dataset, "validation"):
        raise NotYet("give the trained model and the dataset: check(5, (small_model, dataset)).")
    if not any("Conv2D" in kind for kind in _kinds(model)):
        raise Wrong("there is no Conv2D layer in it.")
    parameters = model.count_params()
    if parameters > 20_000:
        raise Wrong(f"it has {parameters:,} parameters; at most 20,000 are allowed.")
    accuracy = {}
    for part in ("train", "validation"):
        split = getattr(dataset, part)
        answers = probabilities(model, split.images / np.float32(255), len(dataset.class_names))
        accuracy[part] = float(np.mean(answers.argmax(axis=1) == split.labels))
    reached = f"it gets {accuracy['validation']:.1%} of the validation images right"
    if accuracy["validation"] > accuracy["train"] + 0.03:
        raise Wrong(f"{reached}, but only {accuracy['train']:.1%} of the training images. Train it on x_train.")
    if accuracy["validation"] < 0.5:
        raise Wrong(f"{reached}. Is it trained, on images scaled to 0…1?")
    if accuracy["validation"] < 0.95:
        raise Wrong(f"{reached}. The goal is 95%{': close' if accuracy['validation'] > 0.92 else ''}.")


def _dataset():
    """Return a dataset of which `stand_in` gets shares right: black training images, others to validate."""
    train, validation = SimpleNamespace(images=0 * IMAGES, labels=LABELS), SimpleNamespace(images=IMAGES, labels=LABELS)
    return SimpleNamespace(train=train, validation=validation, class_names=tuple("0123456789"))


EXERCISES["03"] = {
    1: Exercise(
        choice(
            "c",
            {
                "a": "a layer adds its own parameters, but it also changes what the next layer gets. "
                "Follow the shape to the Dense layer.",
                "b": "the new layer adds 9,248 parameters. Does the Dense layer save just as many?",
                "d": "more layers do not mean more of everything: the Dense layer now gets fewer numbers.",
            },
        ),
        "36,138 instead of 47,370. The new layer costs 9,248, but it shrinks 6 × 6 × 32 to 4 × 4 × 32: "
        "Dense saves 20,480.",
        (
            "Which layer has the most parameters, and what does that number depend on?",
            "Flatten gives 6 × 6 × 32 = 1,152 numbers now. How many after one more 3 × 3 convolution?",
        ),
    ),
    2: Exercise(
        numbers(
            {"conv": 51_264, "height": 10, "dense": 64_010},
            {
                "conv": {
                    51_200: "the biases are missing: one for each of the 64 kernels.",
                    1_664: "a kernel is as deep as its input: 5 × 5 × 32 values.",
                    1_600: "a kernel is as deep as its input, and has a bias.",
                    53_248: "one bias for each kernel, not one for each channel of it.",
                },
                "height": {
                    14: 'that is padding="same". Without padding the map shrinks.',
                    12: "a 5 × 5 kernel costs 4 pixels, not 2.",
                    9: "there are 14 − 5 + 1 places.",
                },
                "dense": {
                    64_000: "the 10 biases are missing.",
                    650: "Flatten makes one long list of height × width × 64 numbers.",
                    6_410: "Flatten counts height × width × channels.",
                    1_010: "Flatten counts height × width × channels.",
                },
            },
        ),
        "51,264 + 64,010: again the dense layer after Flatten is the expensive one.",
        (
            "A Conv2D layer has (kernel height × kernel width × input channels + 1) × kernels parameters.",
            "Valid padding leaves 14 − 5 + 1 places along an axis.",
            "Flatten gives 10 × 10 × 64 numbers; each goes to each of the 10 units, and each unit has a bias.",
        ),
    ),
    3: Exercise(
        function(
            _gradient_step,
            _STEP_CASES,
            [
                (
                    lambda w, x, y, rate: w + rate * _mean_squared_error_gradient(w, x, y),
                    "it goes uphill. The gradient points to larger loss; step against it.",
                ),
                (
                    lambda w, x, y, rate: w - _mean_squared_error_gradient(w, x, y),
                    "the learning rate is not used.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.sum(2 * (w * x - y) * x),
                    "that is the gradient of the sum of squares. The loss is their mean.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.mean((w * x - y) * x),
                    "the factor 2 of the derivative of a square is missing.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.mean(2 * (w * x - y)),
                    "the inner derivative is missing: d(w·x)/dw is x.",
                ),
                (lambda w, x, y, rate: _mean_squared_error_gradient(w, x, y), "that is the gradient, not the new w."),
                (
                    lambda w, x, y, rate: w - rate * _mean_squared_error_gradient(w, *_XY),
                    "gradient(w) takes the x and y of the notebook. Use the arguments of your function.",
                ),
                (
                    lambda w, x, y, rate: w - rate * 2 * (w * x - y) * x,
                    "that is one number for each example. One weight needs one number: take the mean.",
                ),
                (
                    lambda w, x, y, rate: -rate * _mean_squared_error_gradient(w, x, y),
                    "that is the change. Add it to w.",
                ),
            ],
        ),
        "That is one step of gradient descent; Keras does this for all 93,322 weights at once.",
        (
            "The loss is mean((w·x − y)²). Its derivative with respect to w is mean(2·(w·x − y)·x).",
            "The new weight is w minus learning_rate times that derivative.",
        ),
    ),
    4: Exercise(
        function(
            lambda label, probabilities: -np.log(probabilities[label]),
            _ENTROPY_CASES,
            [
                (lambda label, p: np.log(p[label]), "the sign is missing: the loss must be positive, 0 at best."),
                (lambda label, p: -np.log10(p[label]), "use the natural logarithm, np.log."),
                (lambda label, p: -np.log2(p[label]), "use the natural logarithm, np.log."),
                (lambda label, p: -np.sum(np.log(p)), "only the probability of the true class counts."),
                (lambda label, p: -np.mean(np.log(p)), "only the probability of the true class counts."),
                (lambda label, p: -np.log(np.max(p)), "that is the most probable class, not the true one."),
                (lambda label, p: 1 - p[label], "that is the missing probability, without the logarithm."),
                (lambda label, p: (1 - p[label]) ** 2, "that is a squared error. Cross-entropy takes a logarithm."),
                (
                    lambda label, p: -np.sum(p * np.log(p)),
                    "that is the entropy of the prediction alone; the label is not used.",
                ),
            ],
        ),
        "Sure and right costs almost nothing; sure and wrong costs a lot.",
        (
            "Which one of the probabilities belongs to the true class?",
            "Minus the natural logarithm of probabilities[label].",
        ),
    ),
    5: Exercise(
        _small_network,
        "That is with fewer than a quarter of the parameters of the dense network.",
        (
            "Where do the most parameters sit? Let the maps get small before Flatten, or use global average pooling.",
            "Conv 16 – pool – conv 32 – pool – conv 32 – GlobalAveragePooling2D – Dense is one that fits.",
            "Give it time: 10 epochs, or a learning rate of 0.003.",
        ),
        [
            ((model, _dataset()), message)
            for model, message in (
                (stand_in(kinds="Flatten Dense"), "there is no Conv2D layer in it."),
                (
                    stand_in(count_params=lambda: 93_322),
                    "it has 93,322 parameters; at most 20,000 are allowed.",
                ),
                (
                    stand_in(1.0, known=0.8),
                    "it gets 100.0% of the validation images right, but only 80.0% of the training images. "
                    "Train it on x_train.",
                ),
                (
                    stand_in(0.1, known=0.1),
                    "it gets 10.0% of the validation images right. Is it trained, on images scaled to 0…1?",
                ),
                (stand_in(0.9), "it gets 90.0% of the validation images right. The goal is 95%."),
                (stand_in(0.94), "it gets 94.0% of the validation images right. The goal is 95%: close."),
                (
                    stand_in(scale=3),
                    'its numbers are no probabilities: give the last layer activation="softmax".',
                ),
            )
        ],
    ),
}

# --- 04 Dropout and overfitting ---


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
    worse = 0
    for epoch in range(2, len(losses) + 1):
        rise = losses[epoch - 1] - losses[epoch - 2] >= margin
        worse = worse + 1 if rise else worse * (not begin_anew)
        if worse >= patience:
            break
    return int(np.argmin(losses[:epoch])) + 1, epoch


def _stop_never_resets(losses, patience):
    """Count all epochs without a new minimum, and never begin anew."""
    best, waited = 1, 0
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
    if not callable(answer):
        raise NotYet("define the function.") if is_stub(answer) else Wrong("give the function itself, not its result.")
    maps, rate = 1 + np.arange(6 * 5 * 40, dtype=float).reshape(6, 5, 40), 0.25
    draws = [call_answer(answer, (maps, rate, np.random.default_rng(seed))) for seed in range(60)]
    if any(draw.shape != maps.shape for draw in draws):
        raise Wrong(f"the result must keep the shape {maps.shape}, but it has {draws[0].shape}.")
    factors = np.stack(draws) / maps  # (draws, height, width, channels)
    if not np.isfinite(factors).all():
        raise Wrong("the result must hold numbers only, but some are infinite or NaN. What do you divide by?")
    if factors.all():
        raise Wrong("nothing is dropped: each channel must become 0 with probability `rate`.")
    if not np.allclose(factors, factors[:, :1, :1]):
        raise Wrong("some channels are 0 at some places only. Draw one number for each channel, not for each pixel.")
    channels = factors[:, 0, 0]  # (draws, channels)
    if np.allclose(channels, channels[:, :1]):
        raise Wrong("all channels are dropped together. Each channel has a draw of its own.")
    if np.allclose(channels, channels[0]):
        raise Wrong("the same channels are dropped each time: take the numbers from `random`.")
    if not np.array_equal(draws[0], call_answer(answer, (maps, rate, np.random.default_rng(0)))):
        raise Wrong("`random` in the same state must drop the same channels: take all numbers from it.")
    zeros = np.mean(channels == 0)
    if abs(zeros - (1 - rate)) < 0.05:
        raise Wrong(f"about {zeros:.0%} of the channels are dropped at a rate of 25%: `rate` is the share to drop.")
    if abs(zeros - rate) > 0.05:
        raise Wrong(f"about {zeros:.0%} of the channels are dropped at a rate of 25%.")
    kept = channels[channels != 0]
    for scale, message in _SCALES:
        if np.allclose(kept, scale(rate)):
            raise Wrong(message)
    if not np.allclose(kept, 1 / (1 - rate)):
        raise Wrong(f"channels that stay are multiplied by {kept.flat[0]:.3g}; 1 / (1 − rate) is right.")
    most = call_answer(answer, (np.ones((2, 2, 4000)), 0.6, np.random.default_rng(0)))
    if abs(np.mean(most == 0) - 0.6) > 0.05 or not np.allclose(most[most != 0], 1 / 0.4):
        raise Wrong("with a rate of 60% it drops or scales as with another rate: use the argument `rate`.")


def _seventy(answer) -> None:
    """Judge (model, images, labels): at most 50,000 parameters, at least 70% right."""
    model, *data = answer if isinstance(answer, tuple) and len(answer) == 3 else (answer,)
    if is_stub(model):
        raise NotYet("build and train a network, then give check(5, (my_model, x_validation, y_validation)).")
    if not hasattr(model, "count_params") or not data:
        raise NotYet("give the trained model and the images: check(5, (my_model, x_validation, y_validation)).")
    try:
        images, labels = np.asarray(data[0], np.float32), np.asarray(data[1], int).reshape(len(data[0]))
        classes = int(labels.max()) + 1
    except (TypeError, ValueError, OverflowError):
        raise NotYet("give the images and their labels: check(5, (my_model, x_validation, y_validation)).") from None
    answers = probabilities(model, images, classes)
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    reached, parameters = f"it gets {accuracy:.1%} of the validation images right", model.count_params()
    if parameters > 50_000:
        raise Wrong(
            f"it has {parameters:,} parameters; at most 50,000 are allowed. ({reached[0].upper()}{reached[1:]}.)"
        )
    if accuracy < 0.3:
        raise Wrong(f"{reached}. Is it trained?")
    if accuracy < 0.7:
        raise Wrong(f"{reached}. The goal is 70%{': close' if accuracy > 0.66 else ''}.")


EXERCISES["04"] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "a falling training loss alone says little: it also falls while a network learns by heart. "
                "The validation loss is the one to watch.",
                "c": "with too large a learning rate the training loss would jump or rise as well. It falls.",
                "d": "the accuracy only counts right answers. The rising loss says that the wrong ones become surer.",
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
    3: Exercise(
        numbers(
            {"zeros": 256, "factor": 4 / 3, "zeros_predicting": 0},
            {
                "zeros": {
                    768: "the rate is the share that is dropped, not the one that is kept.",
                    0.25: "that is the share. How many of 1,024?",
                },
                "factor": {
                    0.75: "that makes the sum smaller still. What stays must make up for what is dropped.",
                    1.25: "close, but 75% × 1.25 is not 100%.",
                    4: "that is 1 / rate. Divide by the share that stays.",
                    1: "then the next layer gets a quarter less in training than in prediction.",
                },
                "zeros_predicting": {
                    256: "in prediction the layer passes everything on.",
                    768: "in prediction the layer passes everything on.",
                    1024: "in prediction the layer passes everything on.",
                },
            },
            tolerance=3e-3,
        ),
        "A quarter is dropped, three quarters times 4/3 make a whole, and prediction uses everything.",
        (
            "The rate 0.25 is the share that is dropped.",
            "Three quarters of the numbers, each times the factor, must give the old sum.",
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
        ],
    ),
    5: Exercise(
        _seventy,
        "That is far above the network that memorized, with a fraction of its weights.",
        (
            "Which two rows of the table have the best validation accuracy? They can be combined.",
            "network([layers.GlobalMaxPooling2D()]), trained on x_all and y_all.",
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
                    stand_in(scale=3),
                    'its numbers are no probabilities: give the last layer activation="softmax".',
                ),
            )
        ],
    ),
}

# --- 05 Data augmentation ---

_LABEL_MISTAKES = {
    ("mirror", "digits", True): "a mirrored 2 or 7 is no digit.",
    ("mirror", "critters", False): "a mirrored fox is a fox; animals have no preferred side.",
    ("mirror", "arrows", True): "mirrored, an arrow to the left is an arrow to the right: the other class.",
    ("shift by 5%", "digits", False): "a digit that is written a little further to the right is the same digit.",
    ("shift by 5%", "critters", False): "an animal may stand anywhere.",
    ("shift by 5%", "arrows", False): "a sign may be anywhere in the image.",
    ("other hue", "digits", False): "the digits are gray: a change of hue does nothing at all to them.",
    ("other hue", "critters", False): "the card says: only the shape tells what an animal is.",
    ("other hue", "arrows", False): "the class is the direction; a green arrow to the left still points to the left.",
    ("turn by 180°", "digits", True): "a 6 becomes a 9.",
    ("turn by 180°", "critters", False): "an owl on its head is an owl, if a rare one.",
    ("turn by 180°", "arrows", True): "turned by 180°, an arrow to the left points to the right.",
}
_KEEPS = {
    change: {data: not wrong for (this, data, wrong) in _LABEL_MISTAKES if this == change}
    for change, *_ in _LABEL_MISTAKES
}


def _keeps_label(answer) -> None:
    """Judge a table of True and False: which change keeps which labels."""
    if not isinstance(answer, dict) or any(
        not isinstance(answer.get(change), dict) or not set(data) <= set(answer[change])
        for change, data in _KEEPS.items()
    ):
        raise Wrong("keep the dictionaries with their names, and replace each None by True or False.")
    cells = [(change, data, answer[change][data]) for change, row in _KEEPS.items() for data in row]
    if all(is_stub(given) for _, _, given in cells):
        raise NotYet("replace each None by True or False.")
    for change, data, given in cells:
        if not isinstance(given, bool | np.bool_):
            quotes = " (without quotes)" if isinstance(given, str) else ""
            raise NotYet(f"there is no True or False yet for {change!r} and {data}{quotes}.")
        if given != _KEEPS[change][data]:
            raise Wrong(f"{change!r} and {data}: {_LABEL_MISTAKES[change, data, bool(given)]}")


_LABELS = np.eye(3)
_CUTMIX_CASES = [
    (_random_image(8, 8).reshape(8, 8, 1), _LABELS[0], _random_image(8, 8, 1).reshape(8, 8, 1), _LABELS[2], 2, 1, 3, 2),
    (
        _random_image(6, 30).reshape(6, 10, 3),
        _LABELS[1],
        _random_image(6, 30, 1).reshape(6, 10, 3),
        _LABELS[0],
        0,
        4,
        5,
        6,
    ),
    (_random_image(4, 4).reshape(4, 4, 1), _LABELS[2], _random_image(4, 4, 1).reshape(4, 4, 1), _LABELS[1], 1, 1, 1, 1),
]


def _pasted(image, label, other, other_label, top, left, height, width, start=None):
    """Return a copy of an image with a rectangle of another, which is read from there or from another start."""
    row, col = start or (top, left)
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[row : row + height, col : col + width]
    return mixed


def _share(image, label, other, other_label, top, left, height, width):
    return height * width / (image.shape[0] * image.shape[1])


def _mixed_label(*case, share=_share):
    _, label, _, other_label, *_ = case
    return label + share(*case) * (other_label - label)


def _swapped(image, label, other, other_label, *place):
    return other, other_label, image, label, *place


_PIXEL_MISTAKES = (
    (lambda image, *_: image, "the image is unchanged: put the rectangle of `other` into it."),
    (
        partial(_pasted, start=(0, 0)),
        "the piece comes from the corner of `other`. Take it from the same place.",
    ),
    (
        lambda *case: _pasted(*_swapped(*case)),
        "that is `other` with a piece of `image`. It is the other way round.",
    ),
)
_SHARE_MISTAKES = (
    (
        lambda image, label, *_: label,
        "the pixels are right, but the label is still that of `image`: mix the labels, too.",
    ),
    (
        lambda image, label, other, other_label, *_: other_label,
        "the pixels are right, but the label is that of `other` alone: mix the labels.",
    ),
    (lambda *case: _mixed_label(*_swapped(*case)), "the shares are the wrong way round."),
    (
        partial(_mixed_label, share=lambda *case: 1 / 2),
        "half and half only fits if the rectangle covers half of the area.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-2] / image.shape[0]),
        "the share is that of the area, not of the height.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-1] / image.shape[1]),
        "the share is that of the area, not of the width.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-2] * case[-1] / image.size),
        "image.size counts the channels, too: the area is height × width.",
    ),
    (lambda image, label, other, other_label, *_: label + other_label, "the shares must add up to 1."),
)


def _paste_into(image, *case):
    """Change the image that was given."""
    image[:] = _pasted(image, *case)
    return image, _mixed_label(image, *case)


def _cutmix(answer) -> None:
    """Judge a function that puts a rectangle of one image into another, and mixes the labels by area."""
    if not callable(answer):
        raise NotYet("define the function.") if is_stub(answer) else Wrong("give the function itself, not its result.")
    for case in _CUTMIX_CASES:
        image, _, other, *_ = case
        given = tuple(value.copy() if isinstance(value, np.ndarray) else value for value in case)
        try:
            result = answer(*given)
        except NotImplementedError:
            result = None
        except Exception as error:
            raise Wrong(f"your function raised {type(error).__name__}: {error}.") from error
        if is_stub(result):
            raise NotYet("write the body of the function, with a return at its end; it returns nothing so far.")
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong("return two things: the new image and its label.")
        try:
            mixed, mixed_label = (np.asarray(part, float) for part in result)
        except (TypeError, ValueError, OverflowError):
            raise Wrong("the new image and its label must be arrays of numbers.") from None
        if not (np.array_equal(given[0], image) and np.array_equal(given[2], other)):
            raise Wrong("your function changes the image that it was given. Work on image.copy().")
        right = _pasted(*case)
        if mixed.shape != right.shape or not np.allclose(mixed, right):
            _wrong_pixels(mixed, right, case)
        _wrong_shares(mixed_label, case)


def _wrong_pixels(mixed, right, case) -> None:
    for mistake, message in _PIXEL_MISTAKES:
        wrong = mistake(*case)
        if mixed.shape == wrong.shape and np.allclose(mixed, wrong):
            raise Wrong(message)
    if mixed.shape != right.shape:
        raise Wrong(f"the new image must have the shape {right.shape}, but it has {mixed.shape}.")
    raise Wrong("the pixels are not right: rows top to top + height, columns left to left + width come from `other`.")


def _wrong_shares(mixed, case) -> None:
    right = _mixed_label(*case)
    if mixed.shape == right.shape and np.allclose(mixed, right):
        return
    for mistake, message in _SHARE_MISTAKES:
        wrong = mistake(*case)
        if mixed.shape == wrong.shape and np.allclose(mixed, wrong):
            raise Wrong(message)
    if mixed.shape == right.shape and np.isclose(mixed.sum(), 1):
        share = _share(*case)
        raise Wrong(f"the share of `other` must be height × width / area of the image: {share:.3g} here.")
    raise Wrong("the label must have a share of each class, and the shares must add up to 1.")


def _augmented_network(answer) -> None:
    """Judge (model, validation batches): has augmentation, and gets 65% of the images right, pixels from 0 to 255."""
    model, batches = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if is_stub(model):
        raise NotYet("build and train a network, then give check(4, (my_model, validation_batches)).")
    if not hasattr(model, "predict") or batches is None:
        raise NotYet("give the trained model and the batches: check(4, (my_model, validation_batches)).")
    try:
        kinds = _kinds(model)
        pairs = [(np.asarray(x), np.asarray(y)) for x, y in batches]
        images, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
        labels = labels.argmax(axis=1) if labels.ndim == 2 else labels  # one-hot, as for MixUp
        labels, classes = labels.reshape(len(images)), int(labels.max()) + 1
    except Exception as error:
        raise NotYet("give the trained model and the batches: check(4, (my_model, validation_batches)).") from error
    if not any(kind.startswith(("Rand", "AugMix")) for kind in kinds):
        raise Wrong("there is no augmentation layer in it. Put at least one at its beginning.")
    if not any(
        kind.startswith(("Rand", "AugMix")) for kind in itertools.takewhile(lambda kind: "Conv" not in kind, kinds)
    ):
        raise Wrong("the augmentation comes too late: put it before the first convolution.")
    answers = probabilities(model, images, classes)
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    reached = f"it gets {accuracy:.1%} of the validation images right"
    if accuracy < 0.3:
        raise Wrong(f"{reached}. Is it trained, with a Rescaling layer after the augmentation?")
    if accuracy < 0.65:
        raise Wrong(f"{reached}. The goal is 65%{': close' if accuracy > 0.61 else ''}.")


EXERCISES["05"] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "more images help only if their labels are right. What is a 6 turned by 180°?",
                "c": "look at the 6 in the last column but one: whoever sees it says 9.",
                "d": "nothing checks whether label and image fit. That is what makes this mistake so expensive.",
            },
        ),
        "Turned by 180°, a 6 and a 9 are the same picture with two labels; no network can tell them apart.",
        (
            "Turn a sheet of paper with a 6 on it.",
            "The layer changes the image, but never the label.",
        ),
    ),
    2: Exercise(
        _keeps_label,
        "The same change can be right for one task and wrong for the next: it depends on what the label means.",
        (
            "Go through it cell by cell: which word would you say when you see the changed image?",
            "For arrows, ask where the arrow points afterward.",
        ),
        [
            ({**_KEEPS, change: {**_KEEPS[change], data: wrong}}, f"{change!r} and {data}: {message}")
            for (change, data, wrong), message in _LABEL_MISTAKES.items()
        ],
    ),
    3: Exercise(
        _cutmix,
        "Pixels by place, labels by area.",
        (
            "mixed = image.copy(); mixed[top : top + height, left : left + width] is the rectangle.",
            "The share of `other` is height × width / (rows × columns of the image).",
            "The label is (1 − share) × label + share × other_label.",
        ),
        [
            (_pasted, "return two things: the new image and its label."),
            (_paste_into, "your function changes the image that it was given. Work on image.copy()."),
            *(
                (lambda *case, pixels=pixels: (pixels(*case), _mixed_label(*case)), message)
                for pixels, message in _PIXEL_MISTAKES
            ),
            *(
                (lambda *case, label=label: (_pasted(*case), label(*case)), message)
                for label, message in _SHARE_MISTAKES
            ),
        ],
    ),
    4: Exercise(
        _augmented_network,
        "The same thousand files, and no image seen twice.",
        (
            "network(light()) is a good one to begin with. Give it more epochs than above.",
            "Stronger augmentation needs still more. A smaller learning rate at the end makes the curve calmer.",
            "Which change of the network helped most in lesson 4? It goes together with augmentation.",
        ),
        [
            ((model, [(IMAGES, LABELS)]), message)
            for model, message in (
                (stand_in(), "there is no augmentation layer in it. Put at least one at its beginning."),
                (
                    stand_in(kinds="Conv2D RandomFlip Dense"),
                    "the augmentation comes too late: put it before the first convolution.",
                ),
                (
                    stand_in(0.1, kinds="RandomFlip Conv2D Dense"),
                    "it gets 10.0% of the validation images right. Is it trained, with a Rescaling layer after the "
                    "augmentation?",
                ),
                (
                    stand_in(0.5, kinds="RandomFlip Conv2D Dense"),
                    "it gets 50.0% of the validation images right. The goal is 65%.",
                ),
                (
                    stand_in(0.64, kinds="RandomFlip Conv2D Dense"),
                    "it gets 64.0% of the validation images right. The goal is 65%: close.",
                ),
            )
        ],
    ),
}
