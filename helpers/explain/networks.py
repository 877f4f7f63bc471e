"""How to look into any Keras model: as a graph of steps, which are gone through one by one.

A graph is a functional model; each model is one, or has one inside. A step of it is a call of a layer or an operation.
Its way tells it from others, also where a layer is called several times: the nodes of Keras that lead to it, from the
outermost model to its own.
"""

from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import NamedTuple

from helpers.engine import keras

CHANNELS_FIRST = (
    "Explanations need channels last, but the model {model!r} has the layer {layer!r} with channels_first. Build it "
    'anew after keras.config.set_image_data_format("channels_last"), and give it the same weights: '
    "new.set_weights(old.get_weights())."
)


NOTHING_ELSE = ("Softmax", "Sigmoid", "ReLU", "GlobalAveragePooling2D")


class Step(NamedTuple):
    """A call of a layer or an operation inside of a model."""

    path: str  # name, with the names of the models that it is inside of: "base/conv1"
    way: tuple
    operation: object
    shape: tuple  # of its output, with None where it is not known; () for several outputs


def graph_of(operation):
    """Return the functional model that a model is, or has inside; None for what only its own ``call`` knows."""
    graph = getattr(operation, "_functional", None) or operation
    return graph if getattr(type(graph).call, "__qualname__", "") == "Functional.call" else None


@lru_cache(maxsize=64)
def _traced(model, shape):
    """Return the functional model of a subclassed one, from what its ``call`` makes of a symbolic input."""
    inputs = keras.Input(shape[1:])
    return keras.Model(inputs, model.call(inputs))


def _from_call(model):
    """Return the functional model of a subclassed one; raises ValueError where that cannot be."""
    weights = len(model.weights)
    try:
        graph = model.built and _traced(model, model.get_build_config()["input_shape"])
    except Exception as error:  # whatever a call of somebody's own raises
        raise ValueError(
            f"Cannot look inside of the model {model.name!r}: its call does not work on keras.Input. Build it as "
            f"keras.Model(inputs, outputs). ({error})"
        ) from error
    if not graph or len(model.weights) > weights:
        raise ValueError(
            f"The model {model.name!r} is not built yet: begin it with keras.Input((H, W, C)), or call it on images."
        )
    return graph


def open_model(model):
    """Return the graph of a model with one input of images.

    Raises ValueError, with a way out, for what is no model, is not built, has several inputs, has its channels first,
    or does not let anybody look inside.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"Need a Keras model, but this is {type(model).__name__}.")
    graph = graph_of(model) or _from_call(model)
    if len(graph.inputs) != 1:
        names = ", ".join(tensor.name for tensor in graph.inputs)
        raise ValueError(
            f"The model {model.name!r} has {len(graph.inputs)} inputs ({names}), but explanations need one, of images. "
            "Make a model of the images alone, such as keras.Model(images, model([images, other])), where the other "
            "inputs are constants or come from the images."
        )
    if layer := _channels_first(graph):
        raise ValueError(CHANNELS_FIRST.format(model=model.name, layer=layer))
    return graph


@lru_cache(maxsize=64)
def _channels_first(graph) -> str | None:
    first = (step.path for step in steps(graph) if getattr(step.operation, "data_format", None) == "channels_first")
    return next(first, None)


@lru_cache(maxsize=64)
def steps(graph, index: int | None = None) -> tuple[Step, ...]:
    """Return the steps that lead to an output, or to all, in an order in which they can be computed.

    Those of models inside stand one by one.
    """
    return tuple(_steps(graph, graph.outputs if index is None else [graph.outputs[index]], (), ""))


def _steps(graph, outputs, way, path):
    for node in _nodes(graph.inputs, outputs):
        name, inner = path + node.operation.name, inner_graph(node)
        if inner:
            yield from _steps(inner, inner.outputs, (*way, node), f"{name}/")
        else:
            shape = tuple(node.outputs[0].shape) if len(node.outputs) == 1 else ()
            yield Step(name, (*way, node), node.operation, shape)


def inner_graph(node):
    """Return the graph of a model that is called at a node; None for a layer, or where it cannot be seen."""
    if not isinstance(node.operation, keras.Model):
        return None
    graph, given = graph_of(node.operation), [tuple(tensor.shape) for tensor in node.input_tensors]
    if graph is None and len(given) == 1:
        with suppress(Exception):  # whatever a call of somebody's own raises
            graph = _traced(node.operation, given[0])
    return graph if graph and [*map(len, given)] == [len(tensor.shape) for tensor in graph.inputs] else None


def node_of(tensor):
    """Return the node that made a symbolic tensor."""
    operation, number, _ = tensor._keras_history
    return operation._inbound_nodes[number]


def _nodes(inputs, outputs) -> list:
    """Return the nodes that lead from inputs to outputs, in order."""
    known, found, waiting = {id(tensor) for tensor in inputs}, [], [*reversed(outputs)]
    while waiting:
        node = node_of(waiting[-1])
        missing = [tensor for tensor in node.input_tensors if id(tensor) not in known]
        if id(waiting[-1]) in known:
            waiting.pop()
        elif missing:
            waiting += reversed(missing)
        else:
            found.append(node)
            known |= {id(tensor) for tensor in node.outputs}
    return found


# --- running ---


def run_graph(graph, images, outputs=None, until=None, bare=None, see=lambda way, result: result) -> list:
    """Return what a graph makes of images; to be called in `Running`.

    Parameters
    ----------
    outputs : symbolic tensors of the graph, its outputs by default
    until : the way of a step: what that one returns is returned instead
    bare : the way of a step that goes without its activation; one of `NOTHING_ELSE` is left out
    see : is called with the way and the result of each step
    """
    return _run(graph, [images], outputs, until, bare, see, ())


def _run(graph, given, outputs, until, bare, see, way):
    tensors = {id(tensor): value for tensor, value in zip(graph.inputs, given, strict=True)}
    last = until and until[len(way)]
    for node in [*_nodes(graph.inputs, last.input_tensors), last] if last else _nodes(graph.inputs, outputs):
        args, kwargs = node.arguments.fill_in(tensors)
        inner, here = inner_graph(node), (*way, node)
        if inner:
            deeper = until if node is last else None
            values = [tensors[id(tensor)] for tensor in node.input_tensors]
            result = _run(inner, values, inner.outputs, deeper, bare, see, here)
        else:
            result = see(here, _call(node.operation, args, kwargs, here == bare))
        if node is last:
            return result
        tensors |= zip(map(id, node.outputs), keras.tree.flatten(result), strict=True)
    return [tensors[id(tensor)] for tensor in outputs]


def _call(operation, args, kwargs, bare):
    """Call a layer or an operation as in prediction; if bare, without its activation, or not at all."""
    if getattr(operation, "_call_has_training_arg", False):
        kwargs = {**kwargs, "training": False}
    if not bare:
        return operation(*args, **kwargs)
    if type(operation).__name__ in NOTHING_ELSE:
        return args[0]
    with without_activation(operation):
        return operation(*args, **kwargs)


@contextmanager
def without_activation(layer):
    """Leave out the activation of a layer, if it has one, while this holds."""
    if not hasattr(layer, "activation"):
        yield
        return
    before = layer.activation
    layer.activation = lambda x, *_, **__: x
    try:
        yield
    finally:
        layer.activation = before


@contextmanager
def in_float32(graph):
    """Let layers of mixed precision compute in float32 while this holds: in half of it, small gradients would be 0."""
    mixed = [layer for layer in graph._flatten_layers() if layer.dtype_policy.name.startswith("mixed_")]
    before = [layer.dtype_policy for layer in mixed]
    try:
        for layer in mixed:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in zip(mixed, before, strict=True):
            layer.dtype_policy = policy


class Running(keras.Layer):
    """A frame for `run_graph`: layers in it, and layers in those, know that this is no training."""

    def __init__(self, graph, run):
        super().__init__(autocast=False)
        self.run = lambda images: self._in_float32(graph, run, images)

    @staticmethod
    def _in_float32(graph, run, images):
        with in_float32(graph):
            return run(images)

    def call(self, images, training=False):
        """Return what the function makes of images."""
        return self.run(images)
