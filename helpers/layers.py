"""The arithmetic of a stack of layers: shapes, parameters, multiplications, receptive field (lesson 03).

Nothing here builds a network: the numbers are those that ``model.summary()`` of Keras shows, and come without
TensorFlow.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from helpers.convolution import output_size, whole


@dataclass(frozen=True)
class LayerSpec:
    """One layer as the layer calculator knows it.

    ``kind`` is a Keras name: Conv2D, MaxPooling2D, AveragePooling2D, Dropout, Flatten, GlobalAveragePooling2D or
    Dense. ``filters`` is the number of kernels, or of units of a Dense layer; ``size`` that of kernel or window.
    """

    kind: str
    filters: int = 0
    size: int = 1
    stride: int = 1
    padding: str = "valid"


class LayerRow(NamedTuple):
    """One line of the calculator: what `layer_stack` returns for each layer."""

    kind: str
    shape: tuple[int, ...]  # of the output, without the batch axis
    parameters: int
    multiplications: int  # per image
    receptive_field: int | None  # input pixels that one output number sees along an axis; None: all of them


WINDOWS = ("Conv2D", "MaxPooling2D", "AveragePooling2D")
LAYER_KINDS = (*WINDOWS, "Dropout", "Flatten", "GlobalAveragePooling2D", "Dense")


def layer_stack(input_shape: tuple[int, ...], layers) -> list[LayerRow]:
    """Follow the shape of one image through ``layers`` and count parameters, as ``model.summary()`` does.

    Parameters
    ----------
    input_shape : (H, W, C), or (N,) for a list of numbers
    layers : sequence of LayerSpec

    Returns
    -------
    rows : list of LayerRow, one per layer

    Raises
    ------
    ValueError
        For another input shape; or naming the layer that cannot follow on the one before it, and what would help.

    Notes
    -----
    Receptive field: it grows by (size − 1) times the product of all strides before (lesson 03).
    """
    if len(input_shape) not in (1, 3):
        raise ValueError(f"The input shape must be (height, width, channels) or (numbers,), but it is {input_shape}.")
    shape, rows = tuple(whole(length, "each axis of the input", 1) for length in input_shape), []
    field, jump = 1, 1
    for number, layer in enumerate(layers, 1):
        where = f"Layer {number} ({layer.kind})"
        if layer.kind not in LAYER_KINDS:
            raise ValueError(f"{where}: unknown kind. Use one of {', '.join(LAYER_KINDS)}.")
        if len(shape) == 1 and layer.kind not in ("Dense", "Dropout", "Flatten"):
            raise ValueError(f"{where} needs (height, width, channels), but here the image is a list of {shape[0]}.")
        parameters = multiplications = 0
        if layer.kind in WINDOWS:
            if layer.padding not in ("valid", "same"):
                raise ValueError(f'{where}: padding is "valid" or "same", not {layer.padding!r}.')
            try:
                channels = whole(layer.filters, "filters", 1) if layer.kind == "Conv2D" else shape[2]
                if layer.padding == "same":
                    stride = whole(layer.stride, "stride", 1)
                    whole(layer.size, "size", 1)
                    spatial = tuple(math.ceil(n / stride) for n in shape[:2])
                else:
                    spatial = tuple(output_size(n, layer.size, stride=layer.stride) for n in shape[:2])
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            field, jump = field + (layer.size - 1) * jump, jump * layer.stride
            if layer.kind == "Conv2D":
                parameters = (layer.size**2 * shape[2] + 1) * channels
                multiplications = layer.size**2 * shape[2] * channels * math.prod(spatial)
            shape = (*spatial, channels)
        elif layer.kind == "Dense":
            units = whole(layer.filters, f"{where}: the number of units", 1)
            parameters = (shape[-1] + 1) * units
            multiplications = math.prod(shape) * units
            shape = (*shape[:-1], units)
            field = field if len(shape) == 3 else None
        elif layer.kind == "Flatten":
            shape = (math.prod(shape),)
        elif layer.kind == "GlobalAveragePooling2D":
            shape, field = shape[-1:], None
        rows.append(LayerRow(layer.kind, shape, parameters, multiplications, field))
    return rows


def stack_so_far(input_shape: tuple[int, ...], layers) -> tuple[list[LayerRow], str]:
    """Return the rows of `layer_stack` as far as the layers fit on each other, and what is wrong with the next one.

    The text is empty if all fit. Raises ValueError only for an input shape that is none.
    """
    done = layer_stack(input_shape, [])
    for count in range(1, len(layers) + 1):
        try:
            done = layer_stack(input_shape, layers[:count])
        except ValueError as error:
            return done, str(error)
    return done, ""
