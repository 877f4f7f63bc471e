"""The tasks of arithmetic: sizes, parameters and receptive fields, each with the typical mistakes for its numbers.

Those of lessons 10 to 11b are in `helpers.exercises.more_arithmetic`, costs in `helpers.exercises.costs`.
"""

from math import ceil

from helpers.exercises.anew import Task


def first_layer(size: int, channels: int, kernels: int, kernel: int, stride: int, padding: int) -> Task:
    """Height, channels and parameters of a convolution: lesson 01."""
    room = size - kernel + 2 * padding
    before = f"({size} − {kernel} + {2 * padding}) / {stride} = {room / stride:g}"
    return Task(
        f"A convolution gets an image of {size} × {size} × {channels}. It has {kernels} kernels of size {kernel} × "
        f"{kernel}, stride {stride}, padding {padding}, and a bias for each kernel. What is the height of its output? "
        "How many channels does the output have? How many parameters does the layer have?",
        {"height": room // stride + 1, "channels": kernels, "parameters": (kernel**2 * channels + 1) * kernels},
        {
            "height": [
                ((size - kernel) // stride + 1, f"that is without padding: 2P = {2 * padding} pixels are missing."),
                (room / stride + 1, "round down: half a place is none."),
                (room / stride, "add 1: at the beginning there is a place, too. And half a place is none."),
                (room // stride, f"padding counts on both sides. Round down first, then add 1: {before}."),
                ((size - kernel) / stride + 1, "that is without padding; and half a place is none."),
                (ceil(room / stride) + 1, "round down, not up: a kernel that hangs over the border has no place."),
                (size, "the stride of 2 halves the size."),
                (size - kernel + 1, "that is stride 1 without padding."),
                (
                    (size - kernel + padding) // stride,
                    f"padding counts on both sides: 2P = {2 * padding}, not {padding}.",
                ),
            ],
            "channels": [
                (channels, "each kernel gives one channel, whatever the depth of the image."),
                (channels * kernels, "the slices of a kernel are added up to one map."),
            ],
            "parameters": [
                (kernel**2 * channels * kernels, "the biases are missing: one for each kernel."),
                (
                    (kernel**2 + 1) * kernels,
                    f"a kernel is as deep as the image: {kernel} × {kernel} × {channels} values.",
                ),
                (kernel**2 * kernels, "a kernel is as deep as the image, and has a bias."),
                (
                    kernel**2 * channels * kernels + 1,
                    f"one bias for each kernel, so {kernels} of them, not one for all.",
                ),
                ((kernel**2 + 1) * channels * kernels, "one bias for each kernel, not one for each channel of it."),
                (kernel**2 * channels + 1, f"that is one kernel; the layer has {kernels}."),
                (
                    kernel**2 * channels,
                    f"these are the weights of one kernel; the layer has {kernels}, and biases.",
                ),
            ],
        },
    )


def reach(size: int, kernel: int, dilation: int) -> Task:
    """Sizes with dilation, and with ``same``: lesson 01."""
    covers = dilation * (kernel - 1) + 1
    return Task(
        f"A kernel of {kernel} × {kernel} with dilation {dilation} goes over a map of {size} × {size}. How many pixels "
        "does it cover along an axis (`covers`)? What is the height of the result with stride 1, without padding "
        '(`valid`)? How many pixels does `"same"` add on *each* side, with stride 1 (`padding`)? And what is the '
        'height of the result with `"same"` and stride 2 (`same`)?',
        {"covers": covers, "valid": size - covers + 1, "padding": (covers - 1) // 2, "same": ceil(size / 2)},
        {
            "covers": [
                (kernel, "a dilation pulls the kernel apart, so that it covers more than its own size."),
                (kernel * dilation, "behind its last weight no gap is needed: D (F − 1) + 1."),
                (dilation * (kernel - 1), "the pixel at which it begins counts as well: add 1."),
                ((dilation - 1) * (kernel - 1), "these are the pixels that it skips. Add those that it reads."),
            ],
            "valid": [
                (size - kernel + 1, "that is without dilation. Use the pixels that the kernel covers for F."),
                (size - covers, "the first place counts as well: add 1."),
                (size, "without padding there is no place for it at the border."),
            ],
            "padding": [
                (covers - 1, "so many on both sides together, and half of them on each."),
                ((kernel - 1) // 2, "that is without dilation. Use the pixels that the kernel covers for F."),
                (covers / 2, "the pixel in the middle of the kernel needs none: (F − 1) / 2."),
                (0, "without padding the result gets smaller."),
            ],
            "same": [
                (size // 2, '`"same"` rounds up: ⌈W / S⌉.'),
                (size / 2, 'half a place is none, and `"same"` rounds up.'),
                (size, '`"same"` keeps the size with stride 1 only. With stride S there are ⌈W / S⌉ places.'),
                ((size - covers) // 2 + 1, "that is without padding."),
            ],
        },
    )


def two_layers(size: int, channels: int, kernels: int, kernel: int, units: int) -> Task:
    """Parameters of a convolution and of a dense layer after it: lesson 03."""
    height = size - kernel + 1

    def dense(height, channels=kernels):
        return (height**2 * channels + 1) * units

    few = height**2 * kernels
    from_flatten = f"{height} × {height} × {kernels} numbers leave Flatten, and each goes to each of the {units} units."
    other_heights = (size, size - (kernel - 1) // 2, size - kernel)
    return Task(
        f"A `Conv2D({kernels}, {kernel})` layer with valid padding gets maps of {size} × {size} × {channels}. How many "
        "parameters does it have (`conv`), and what is the height of its output (`height`)? Then come `Flatten` and "
        f"`Dense({units})`. How many parameters does that dense layer have (`dense`)?",
        {"conv": (kernel**2 * channels + 1) * kernels, "height": height, "dense": dense(height)},
        {
            "conv": [
                (kernel**2 * channels * kernels, f"the biases are missing: one for each of the {kernels} kernels."),
                (
                    (kernel**2 + 1) * kernels,
                    f"a kernel is as deep as its input: {kernel} × {kernel} × {channels} values.",
                ),
                (kernel**2 * kernels, "a kernel is as deep as its input, and has a bias."),
                (
                    kernel**2 * channels * kernels + 1,
                    f"one bias for each kernel, so {kernels} of them, not one for all.",
                ),
                ((kernel**2 + 1) * channels * kernels, "one bias for each kernel, not one for each channel of it."),
                (kernel**2 * channels + 1, f"that is one kernel; the layer has {kernels}."),
                (
                    (kernel * channels + 1) * kernels,
                    f"for each channel a kernel has {kernel} × {kernel} values, not {kernel}.",
                ),
            ],
            "height": [
                (size, 'that is padding="same". Without padding the map shrinks.'),
                (
                    size - (kernel - 1) // 2,
                    f"a {kernel} × {kernel} kernel costs {kernel - 1} pixels, not {(kernel - 1) // 2}.",
                ),
                (size - kernel, f"there are {size} − {kernel} + 1 places."),
            ],
            "dense": [
                (height**2 * kernels * units, f"the {units} biases are missing."),
                (height**2 * kernels * units + 1, f"one bias for each of the {units} units, not one for all."),
                (
                    dense(height, channels),
                    f"{kernels} maps leave the convolution, not the {channels} that came in.",
                ),
                *(
                    (dense(other), f"the maps that come in are {height} × {height}, as high as height says.")
                    for other in other_heights
                ),
                ((kernels + 1) * units, f"Flatten makes one long list of height × width × {kernels} numbers."),
                ((height**2 + 1) * units, "Flatten counts height × width × channels."),
                *((number, from_flatten) for number in (few, few + units, (height * kernels + 1) * units)),
            ],
        },
    )


def field(first: int, pool: int, second: int, stride: int, third: int) -> Task:
    """The receptive field after two convolutions, and after three: lesson 03."""
    pooled = first + pool - 1
    conv2 = pooled + (second - 1) * pool
    conv3 = conv2 + (third - 1) * pool * stride
    behind_pooling = (
        f"after the pooling a number sees {pooled} pixels already, and this layer adds ({second} − 1) × {pool} to them."
    )
    return Task(
        f"A network begins with `Conv2D(16, {first})`, `MaxPooling2D({pool})`, `Conv2D(32, {second}, "
        f"strides={stride})`, `Conv2D(32, {third})`. How many pixels, along an axis, does one number after the second "
        "convolution see (`conv2`)? And one after the third (`conv3`)?",
        {"conv2": conv2, "conv3": conv3},
        {
            "conv2": [
                (pooled + second - 1, f"a step in the pooled map is {pool} steps in the image."),
                (
                    pooled + (second - 1) * pool * stride,
                    "the stride of a layer counts for the layers after it, not for its own window.",
                ),
                (pooled + second * pool, f"a layer adds size − 1 steps: {second - 1}, not {second}."),
                (first + (second - 1) * pool, "the window of the pooling is missing: it adds size − 1 as well."),
                (second, "that is how many numbers of the pooled map it sees. How many pixels do these see?"),
                *((number, behind_pooling) for number in (pooled, first + second - 1)),
            ],
            "conv3": [
                (
                    pooled + second - 1 + third - 1,
                    f"strides are missing: each layer adds (size − 1) × all strides before it, here {pool} × {stride}.",
                ),
                (
                    conv2 + third - 1,
                    f"strides count here, too: this layer adds ({third} − 1) × {pool} × {stride}.",
                ),
                (conv2 + (third - 1) * pool, "that is without the stride of the second convolution."),
                (conv2 + (third - 1) * stride, "that is without the stride of the pooling."),
                (conv2 + (third - 1) * (pool + stride), f"strides multiply: {pool} × {stride}, not their sum."),
                (conv2 + third * pool * stride, f"a layer adds size − 1 steps: {third - 1}, not {third}."),
            ],
        },
    )


def _rounded(number: float) -> tuple[float, ...]:
    return number, *(round(number, digits) for digits in (2, 1, 0))


def confusion(rows: tuple[tuple[int, ...], ...]) -> Task:
    """What a confusion matrix of cats, dogs and owls says, with a row for each true class: lesson 03b."""
    cats, dogs, _ = rows
    right, everything = sum(row[place] for place, row in enumerate(rows)), sum(map(sum, rows))
    answers = sum(row[0] for row in rows)  # that say cat
    return Task(
        "What does the matrix say?",
        {"accuracy": 100 * right / everything, "cats_found": 100 * cats[0] / sum(cats), "dogs_as_cats": dogs[0]},
        {
            "accuracy": [
                (right / everything, "give it in percent."),
                (right, "that is how many answers are right. Divide by the number of all."),
                (100 - 100 * right / everything, "that is the share of mistakes."),
            ],
            "cats_found": [
                (cats[0] / sum(cats), "give it in percent."),
                *(
                    (number, "that is how many of the answers *cat* are right, a column. Take the row.")
                    for number in (cats[0] / answers, *_rounded(100 * cats[0] / answers))
                ),
                *(
                    (number, "divide by the number of cats, not of all animals.")
                    for number in _rounded(100 * cats[0] / everything)
                ),
                (100 - 100 * cats[0] / sum(cats), "that is the share of cats that it took for others."),
            ],
            "dogs_as_cats": [
                (cats[1], "these are cats taken for dogs: a row is the truth, a column the answer."),
                (dogs[0] + dogs[2], "these are all dogs that were taken for others."),
                (answers - cats[0], "these are all that were taken for cats, owls as well."),
                (dogs[1], "these are the dogs that it recognized."),
                (dogs[0] / sum(dogs), "that is a share of the dogs. How many of them?"),
            ],
        },
    )


def dropped(count: int, percent: int) -> Task:
    """What a layer of dropout does with its numbers: lesson 04."""
    rate = percent / 100
    zeros, factor = rate * count, 1 / (1 - rate)
    passed = "in prediction the layer passes everything on."
    return Task(
        f"`Dropout({rate:g})` gets {count:,} numbers. How many of them are set to 0 in training, on average (`zeros`)? "
        "By what are the others multiplied (`factor`)? How many are set to 0 in prediction (`zeros_predicting`)?",
        {"zeros": zeros, "factor": factor, "zeros_predicting": 0},
        {
            "zeros": [
                (count - zeros, "the rate is the share that is dropped, not the one that is kept."),
                (rate, f"that is the share. How many of {count:,}?"),
                (percent, f"that is the share in percent. How many of {count:,}?"),
            ],
            "factor": [
                (1 - rate, "that makes the sum smaller still. What stays must make up for what is dropped."),
                (1 + rate, f"close, but {1 - rate:.0%} × {1 + rate:g} is not 100%."),
                (1 / rate, "that is 1 / rate. Divide by the share that stays."),
                (rate, "that is the rate itself. What stays must get larger."),
                (1, "then the next layer gets less in training than in prediction."),
            ],
            "zeros_predicting": [(zeros, passed), (count - zeros, passed), (count, passed)],
        },
        rounded={"factor": 3e-3},
    )
