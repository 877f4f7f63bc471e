"""The tasks of arithmetic of lessons 10, 10b and 11b, each with the typical mistakes for its numbers."""

from math import ceil, log10, sqrt

from helpers.exercises.anew import Task


def _along(axis: str, size: int, kernel: int, stride: int, turned: str, other_kernel: int, other_stride: int) -> tuple:
    """Return what is right along an axis, and what is wrong: for a convolution, and a pooling of 3 with stride 2.

    Mistakes of rounding count along the height only: so the numbers of the width are free.
    """
    places = size - kernel + 1
    same, valid = ceil(size / stride), ceil(places / stride)
    windows = (same - 3 + 1) / 2
    strides = f"the strides are (batch, height, width, channels): {stride} is for the {axis}."
    unused = f"the stride of {stride} is not used."
    right = {f"same_{axis}": same, f"valid_{axis}": valid, f"pooled_{axis}": ceil(windows)}
    wrong = {
        f"same_{axis}": [
            (size // stride, "both formulas round up."),
            (ceil(size / other_stride), strides),
            (size, unused),
            (valid, "that is VALID: under SAME the size of the kernel does not count."),
        ],
        f"valid_{axis}": [
            (
                places // stride,
                f"both formulas round up: ({size} − {kernel} + 1) / {stride} = {places / stride:.4g}.",
            ),
            (ceil(places / other_stride), strides),
            (places, unused),
            (same, "that is SAME."),
            (ceil((size - other_kernel + 1) / stride), turned),
        ],
        f"pooled_{axis}": [
            (int(windows), f"VALID rounds up, for a pooling as well: ({same} − 3 + 1) / 2 = {windows:g}."),
            (ceil(same / 2), "that is SAME: with VALID a window has to be whole."),
            (same - 2, "the windows of the pooling are 2 apart."),
            (ceil((valid - 2) / 2), "what is pooled is the result with SAME."),
        ],
    }
    if axis == "width":
        wrong[f"same_{axis}"], wrong[f"valid_{axis}"] = wrong[f"same_{axis}"][1:], wrong[f"valid_{axis}"][1:]
        wrong[f"pooled_{axis}"] = wrong[f"pooled_{axis}"][1:3]
    return right, wrong


def raw_shapes(
    batch: int,
    height: int,
    width: int,
    kernel_height: int,
    kernel_width: int,
    stride_height: int,
    stride_width: int,
    channels: int,
    kernels: int,
) -> Task:
    """Shapes that functions of TensorFlow make: lesson 10."""
    turned = f"the kernel is {kernel_height} high and {kernel_width} wide: the first axis is the height."
    right, wrong = _along("height", height, kernel_height, stride_height, turned, kernel_width, stride_width)
    other, other_wrong = _along("width", width, kernel_width, stride_width, turned, kernel_height, stride_height)
    one = kernel_height * kernel_width * channels
    return Task(
        f"`x` has the shape ({batch}, {height}, {width}, {channels}), and `kernels` the shape ({kernel_height}, "
        f"{kernel_width}, {channels}, {kernels}). Which height and width has `tf.nn.conv2d(x, kernels, "
        f"strides=[1, {stride_height}, {stride_width}, 1], padding=…)`, with SAME and with VALID? Which has "
        '`tf.nn.max_pool2d(y, 3, 2, "VALID")` of the result `y` with SAME? How many channels have they, and how '
        "many weights are in `kernels`?",
        right | other | {"channels": kernels, "weights": one * kernels},
        wrong
        | other_wrong
        | {
            "channels": [
                (channels, "those are the channels that come in. One map comes out for each kernel."),
                (
                    channels * kernels,
                    f"each kernel adds up what it finds in all {channels} channels: one map a kernel.",
                ),
                (batch, "that is the number of images in the batch."),
            ],
            "weights": [
                (one, f"that is one kernel, and there are {kernels}."),
                ((one + 1) * kernels, "the biases are a variable of their own: bias_add."),
                (one * kernels // channels, f"each kernel is as deep as its input: {channels} channels."),
                (one * kernels * batch, "the batch has nothing to do with it: all images share the kernels."),
            ],
        },
    )


def he_start(kernel: int, channels: int, filters: int, numbers: int, classes: int, narrow: int, layers: int) -> Task:
    """Standard deviations of the start of He and others, and what a wrong one does in many layers: lesson 10b."""
    conv, dense, one = kernel**2 * channels, numbers, narrow
    area = f"each number is a sum over the kernel's area and all {channels} channels."
    all_weights, outputs = "that counts all weights. How many of them make one number?", "inputs count, not outputs."
    relu, variance = "the 2 for the ReLU is missing.", "that is the variance. The deviation is its root."
    under, both_ways = "the 2 is under the root, too.", "that is for inputs and outputs together, the start of Glorot."
    return Task(
        f"What standard deviation does the He start give to a convolution of {kernel} × {kernel} from {channels} "
        f"channels to {filters} (`conv`), to a dense layer from {numbers} numbers to {classes} (`dense`), and to a "
        f"1 × 1 convolution from {narrow} channels to {classes} (`one_by_one`)? By which factor would the spread "
        f"of the logits grow if all {layers} layers of a network got twice that (`factor`)?",
        {"conv": sqrt(2 / conv), "dense": sqrt(2 / dense), "one_by_one": sqrt(2 / one), "factor": 2**layers},
        {
            "conv": [
                (sqrt(2 / kernel**2), area),
                (  # with half as many channels out as in, 2 / √inputs is the same
                    sqrt(2 / (kernel**2 * filters)),
                    f"{kernel} · {kernel} · {channels} numbers go into one: inputs count, not outputs; and {under}",
                ),
                (sqrt(2 / channels), area),
                (sqrt(2 / (conv * filters)), all_weights),
                (sqrt(1 / conv), relu),
                (2 / conv, variance),
                (sqrt(2 / (conv + kernel**2 * filters)), both_ways),
                (sqrt(conv), "by how much the spread grows, divide by that."),
            ],
            "dense": [
                (sqrt(2 / classes), outputs),
                (sqrt(2 / (dense * classes)), all_weights),
                (sqrt(1 / dense), relu),
                (2 / sqrt(dense), under),
                (2 / dense, variance),
                (sqrt(2 / (dense + classes)), both_ways),
            ],
            "one_by_one": [
                (sqrt(1 / one), relu),
                (2 / sqrt(one), under),
                (sqrt(2), f"one place, but {narrow} channels go into each number."),
                (sqrt(2 / classes), outputs),
                (sqrt(2 / (one * classes)), all_weights),
                (2 / one, variance),
                (sqrt(2 / (one + classes)), both_ways),
            ],
            "factor": [
                (2, "each layer makes it twice as much again."),
                (layers, f"that is how many layers there are: {layers} factors of 2, one after the other."),
                (4**layers, "by so much the variance grows. The spread is its root."),
                (2 * layers, f"the factors of {layers} layers are multiplied, not added."),
                (layers**2, f"{layers} factors of 2, not two factors of {layers}."),
                (2 ** (layers + 1), f"there are {layers} layers."),
                (2 ** (layers - 1), f"there are {layers} layers."),
            ],
        },
        tolerance=1e-4,
    )


def floor(
    size: int,
    kernel: int,
    kernels: int,
    filters: int,
    classes: int,
    epochs: int,
    thousands: int,
    billions: int,
    tenths: int,
) -> Task:
    """Operations of a small network, and the floor of its training: lesson 11b.

    The training took about ``tenths`` tenths of its floor, in whole tens of seconds.
    """
    first, dense = 2 * size**2 * kernels * kernel**2, 2 * filters * classes
    second = 2 * size**2 * filters * 9 * kernels
    valid = 2 * ((size - kernel + 1) * kernel) ** 2 * kernels + 2 * ((size - kernel - 1) * 3) ** 2 * filters * kernels
    forward, training = first + second + dense, 2 * first + 3 * second + 3 * dense
    images, speed = epochs * thousands * 1000, billions * 1e9
    seconds = training * images / speed
    took = 10 * ceil(seconds * tenths / 100)
    halved = "these are multiply-adds. Each is two operations."
    made = size**2 * (kernels + filters) + classes  # numbers that come out of the three layers
    return Task(
        f"A network for images of {size} × {size} × 1: a convolution, {kernels} kernels of {kernel} × {kernel}, "
        f'"same" padding, no pooling; a convolution with {filters} kernels of 3 × 3, "same"; the mean of each map; '
        f"a dense layer with {classes} outputs. A computer does {billions} billion operations a second; a "
        "multiplication and an addition are two operations, and there are as many of these as of those; biases and the "
        "mean do not count. How many operations has a prediction for one image (`forward`), and a training step for "
        "one image, if nothing below the first convolution learns (`training`)? What is the floor in seconds for "
        f"{epochs} epochs over {thousands},000 images (`seconds`, three digits)? Such a training took {took} seconds: "
        "which part of it is the floor, from 0 to 1 (`share`, two digits)?",
        {"forward": forward, "training": training, "seconds": seconds, "share": seconds / took},
        {
            "forward": [
                (forward / 2, halved),
                (
                    first + second // kernels + dense,
                    f"each kernel of the second convolution goes through all {kernels} maps.",
                ),
                (valid + dense, f'padding "same" keeps {size} × {size}.'),
                (first + second, "the dense layer is missing."),
                (forward + made, "biases do not count."),
                (forward - made, "count as many additions as multiplications: the first product is added to 0."),
                (forward + size**2 * filters, "the mean of each map does not count."),
                (
                    first + second + size**2 * dense,
                    f"the mean comes first: {filters} numbers go into the dense layer.",
                ),
            ],
            "training": [
                (forward, "that is the way forward. Which two gradients follow?"),
                (2 * forward, "two gradients come after the way forward: of the weights, and of the input."),
                (
                    3 * forward,
                    "nothing below the first convolution learns: does it need the gradient of its input?",
                ),
                (training / 2, halved),
                (
                    first + 2 * second + 3 * dense,
                    "the first convolution learns, unlike that of the recipe: two times.",
                ),
                (first + 3 * second + 3 * dense, "the first convolution learns: it needs the gradient of its weights."),
            ],
            "seconds": [
                (seconds / epochs, "that is one epoch."),
                (forward * images / speed, "that is a prediction for all images, not a training."),
                (3 * forward * images / speed, "the first convolution needs two times, not three."),
                (training * epochs / speed, f"that is one image, {epochs} times."),
                (1 / seconds, "that is trainings per second."),
            ],
            "share": [
                (took / seconds, "that is how many times the floor it took. How near is it, as a part of 1?"),
                (1 - seconds / took, "that is what was lost. The floor is the part that was needed."),
                (100 * seconds / took, "as a part of 1, not in percent."),
            ],
        },
        tolerance=1e-5,
        rounded={
            "seconds": max(2e-3, 0.51 * 10 ** (int(log10(seconds)) - 2) / seconds),
            "share": max(1e-2, 0.0051 * took / seconds),
        },
    )
