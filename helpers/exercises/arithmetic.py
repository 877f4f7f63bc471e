"""The tasks of arithmetic: sizes, parameters and receptive fields, each with the typical mistakes for its numbers."""

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
                (room // stride, f"round down first, then add 1: {before}."),
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
                (0, "without padding the result gets smaller."),
            ],
            "same": [
                (size // 2, '`"same"` rounds up: ⌈W / S⌉.'),
                (size, '`"same"` keeps the size with stride 1 only. With stride S there are ⌈W / S⌉ places.'),
                ((size - covers) // 2 + 1, "that is without padding."),
            ],
        },
    )
