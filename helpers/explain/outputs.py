"""What a network says, and the scores behind it: before the softmax or sigmoid, wherever that is."""

from functools import lru_cache
from typing import NamedTuple

from helpers.engine import keras, tf
from helpers.explain.networks import inner_graph, node_of, open_model

KEEPS = {
    *("Activation", "ActivityRegularization", "AlphaDropout", "Cast", "Dropout", "ExpandDims", "Flatten"),
    *("GaussianDropout", "GaussianNoise", "Identity", "Ravel", "Reshape", "SpatialDropout1D", "SpatialDropout2D"),
    "Squeeze",
}
"""Layers and operations of Keras that leave the numbers as they are in prediction, Activation if it is linear."""

MIXES = {
    *("Add", "Average", "Concatenate", "Subtract", "AveragePooling2D", "GlobalAveragePooling2D"),
    *("GlobalMaxPooling2D", "MaxPooling2D"),
}
"""Those that make scores of scores, but no probabilities of probabilities whose scores could be found."""


class Ending(NamedTuple):
    """How a network makes its output."""

    kind: str  # "linear": these are scores; "softmax" or "sigmoid"; or the step that is none of these
    way: tuple | None = None  # that of the step with the softmax or sigmoid
    known: bool = True  # whether the scores are found


# --- several outputs ---


def output_names(graph) -> list[str]:
    """Return the names of the outputs, in order: the keys of a dict, else the names of the layers."""
    if isinstance(graph.output, dict):
        return ["/".join(map(str, path)) for path, _ in keras.tree.flatten_with_path(graph.output)]
    return graph.output_names


def find_output(model, output: str | int | None = None) -> int:
    """Return the index of an output, given by name or index; None is for the only one.

    Raises ValueError for one that is not there, and where there are several and none is chosen; lists the names.
    """
    names = output_names(open_model(model))
    if output is None and len(names) == 1:
        return 0
    if isinstance(output, int) and 0 <= output < len(names):
        return output
    if names.count(output) == 1:
        return names.index(output)
    said = f"has {len(names)} outputs" if output is None else f"has no single output {output!r}"
    raise ValueError(f"The model {model.name!r} {said}: choose one by output=, of {', '.join(map(repr, names))}.")


# --- where the scores are ---


def backwards(graph, index: int):
    """Yield the way and the layer or operation of each step from an output back, as long as these have one input."""
    for frames, node in _backwards([(graph, None)], graph.outputs[index]):
        yield _way(frames, node), node.operation


def _backwards(frames, tensor):
    """Yield nodes with their frames: the graphs that they are inside of, each with the node where it is called."""
    while True:
        graph, called = frames[-1]
        place = next((number for number, given in enumerate(graph.inputs) if tensor is given), None)
        node = node_of(tensor)
        if place is not None:
            if called is None:
                return
            frames, tensor = frames[:-1], called.input_tensors[place]
        elif inner := inner_graph(node):
            frames, tensor = [*frames, (inner, node)], inner.outputs[tensor._keras_history[2]]
        else:
            yield frames, node
            if len(node.input_tensors) != 1:
                return
            tensor = node.input_tensors[0]


def _way(frames, node) -> tuple:
    return (*(called for _, called in frames[1:]), node)


@lru_cache(maxsize=64)
def ending(graph, index: int) -> Ending:
    """Return how an output is made: softmax and sigmoid are looked for behind what leaves the numbers as they are."""
    return _ending([(graph, None)], graph.outputs[index])


def _ending(frames, tensor) -> Ending:
    mixed = step = None
    for inside, node in _backwards(frames, tensor):
        step, kind = node.operation, kind_of(node.operation)
        if kind == "linear":
            return Ending(kind)
        if kind in ("softmax", "sigmoid") and mixed is None:
            return Ending(kind, _way(inside, node))
        if kind == "mixes":
            mixed = mixed or step
            if len(node.input_tensors) > 1 and all(_ending(inside, x).kind == "linear" for x in node.input_tensors):
                return Ending("linear")
        elif kind != "keeps":
            break
    step = mixed or step
    activation = getattr(getattr(step, "activation", None), "__name__", None)
    return Ending(f"{type(step).__name__} {step.name!r}{f' ({activation})' if activation else ''}", known=False)


def kind_of(step) -> str | None:
    """Return what a layer or an operation of Keras does with scores; None for what nobody knows."""
    name = type(step).__name__
    if not type(step).call.__module__.startswith("keras."):
        return None
    if name in ("Softmax", "Sigmoid"):
        return name.lower()
    if name == "Activation":
        return "keeps" if _activation(step) == "linear" else _activation(step)
    if name in KEEPS:
        return "keeps"
    return "mixes" if name in MIXES else _activation(step)


def _activation(layer) -> str | None:
    """Return the activation of a layer with a kernel, or that is nothing else."""
    activation = getattr(layer, "activation", None)
    if isinstance(activation, keras.layers.Softmax):
        return "softmax"
    for kind in ("softmax", "sigmoid", "linear"):
        if activation and activation in [
            getattr(module, kind, None) for module in (keras.activations, keras.ops, tf.nn)
        ]:
            return kind
    return None
