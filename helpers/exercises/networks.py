"""What judges of trained networks share, from lesson 03 on: what is given, what it gets right, and how large it is.

Nothing here needs Keras: a network is what has ``predict`` and ``layers``.
"""

from functools import cache
from types import SimpleNamespace

from helpers.exercises.judges import NotYet, Wrong, is_stub

import numpy as np

# --- what stands for networks and their maps in the lists of typical mistakes ---

LABELS = np.arange(100) % 10
IMAGES = np.full((100, 8, 8, 3), 255, np.uint8)


def stand_in(
    right: float = 1.0, known: float = 1.0, kinds: str = "Conv2D Dense", scale: float = 1.0, classes=10, **more
):
    """Return something with the face of a trained network, so that mistakes with networks can be written down.

    It gets the share ``right`` of `IMAGES` right, and of black images the share ``known``; what ``scale`` makes of its
    probabilities are none; it gives the first ``classes`` only. ``kinds`` are those of its layers, unless ``more`` says
    what these are.
    """

    def predict(images, verbose=0):
        slips = np.arange(len(LABELS)) >= round(100 * (right if images.any() else known))
        return scale * np.eye(10)[(LABELS + slips) % 10][:, :classes]

    layers = [type(kind, (), {"__call__": _noisy})() for kind in kinds.split()]
    return SimpleNamespace(**{"predict": predict, "layers": layers, "count_params": lambda: 10_000, **more})


def _noisy(layer, images, training=False):
    return images + training


def random_maps(*shape: int, seed: int = 0, low: float = -1.0) -> np.ndarray:
    """Return maps as after a ReLU: random numbers from ``low`` to 2, what is below 0 cut off."""
    return np.maximum(np.random.default_rng(seed).uniform(low, 2, shape), 0)


# --- what is given ---

LESSON_NETWORKS = ("critters", "digits", "photos")
"""Names of the networks that come with the lessons: none of these is a learner's own."""


def unpack(
    answer,
    call: str,
    build: str = "train a network",
    given: str = "the trained network and the images",
    has: str = "predict",
    parts: int = 3,
) -> tuple:
    """Return the parts of an answer, a network first; raises NotYet unless all are there.

    ``call`` is how to give them, ``build`` and ``given`` say what is to be done and given; the network ``has`` that.
    """
    network, *data = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(network):
        raise NotYet(f"{build}, then give {call}.")
    if isinstance(network, type) or not hasattr(network, has) or len(data) != parts - 1:
        raise NotYet(f"give {given}: {call}.{no_network(network)}")
    return network, *data


def no_network(thing) -> str:
    """Say what is given in place of a network, if it is easily taken for one: what builds it, or what fit returns."""
    try:
        if isinstance(thing, type) or (callable(thing) and not hasattr(thing, "trainable")):
            return " What builds a network is none yet: call it, and give what it returns."
        if not hasattr(thing, "predict") and (hasattr(thing, "history") or hasattr(thing, "columns")):
            return " What `fit` and `train` return is the history: give the network that they trained."
    except Exception:  # whatever it raises when it is looked at
        pass
    return ""


def unpack_images(answer, call: str, **options) -> tuple:
    """Return network, images (N, H, W, C) and labels (N,) of an answer; raises NotYet unless all are there.

    ``options`` are those of `unpack`.
    """
    network, images, labels = unpack(answer, call, **options)
    try:
        images, labels = np.asarray(images, np.float32), as_labels(labels, len(images))
        if not np.isfinite(images).all():
            raise ValueError
    except Exception:  # whatever it raises when it is read
        raise NotYet(f"give the images and their labels: {call}.") from None
    return network, images, labels


def as_labels(labels, number: int) -> np.ndarray:
    """Return labels (number,) int; one-hot ones as well. Raises ValueError or TypeError for anything else."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] > 1:
        if not np.array_equal(np.sort(labels, axis=1), np.eye(labels.shape[1])[-1:].repeat(len(labels), 0)):
            raise ValueError("neither labels nor one-hot")
        labels = labels.argmax(axis=1)
    whole = np.asarray(labels, int)
    if not whole.size or labels.dtype.kind == "b" or whole.min() < 0 or not np.array_equal(whole, labels):
        raise ValueError("labels are whole numbers")
    return whole.reshape(number)


# --- what it gets right ---

RIGHT_IN_VALIDATION = "it gets {} of the validation images right"


def outputs(model, images, classes: int, trained: bool = True) -> np.ndarray:
    """Return what a learner's model answers to images (N, H, W, C); raises Wrong if it cannot be judged.

    Where it gives the numbers before a softmax, these will do: their order is the same. One that is not ``trained``
    yet gets no advice on training.
    """
    answers = _answers(model, images)
    if answers.shape != (len(images), classes):
        raise Wrong(f"for each image it must give {classes} numbers, but the shape of its answer is {answers.shape}.")
    if not np.isfinite(answers).all():
        went_wrong = ": the training went wrong. Build it anew, and take a smaller learning rate"
        raise Wrong(f"it answers NaN{went_wrong if trained else ', no number'}.")
    if (answers == answers[:, :1]).all():
        went_wrong = ": the training went wrong. Build it anew"
        raise Wrong(f"it gives all classes the same number{went_wrong if trained else ', whatever the image'}.")
    return answers


def _answers(model, images) -> np.ndarray:
    """Return what a model with one output answers, as float64; raises Wrong if it has several, or takes no images."""
    shape = images.shape[1:]
    try:
        try:
            answers = model.predict(np.array(images), verbose=0)  # a copy, which it may change
        except TypeError as error:
            if "verbose" not in str(error):
                raise
            answers = model.predict(np.array(images))  # it is none of Keras
    except Exception as error:
        raise Wrong(f"it cannot take images of shape {shape}: begin with keras.Input({shape}).") from error
    parts = [*answers.values()] if isinstance(answers, dict) else answers
    if isinstance(parts, list | tuple) and parts and all(getattr(part, "ndim", 0) > 1 for part in parts):
        if len(parts) > 1:
            raise Wrong(f"it has {len(parts)} outputs, and one is right: the numbers for the classes.")
        [answers] = parts
    try:
        return np.asarray(answers, float)
    except Exception as error:
        raise Wrong("what it answers are no numbers.") from error


def share_right(model, images, labels, classes: int | None = None) -> float:
    """Return the share of images whose class a learner's model finds; raises Wrong if it cannot be judged.

    Without ``classes`` there are as many as ``labels`` tell.
    """
    answers = outputs(model, images, int(labels.max()) + 1 if classes is None else classes)
    return float(np.mean(answers.argmax(axis=1) == labels))


def without_softmax(model, images) -> bool:
    """Tell whether a model answers images with numbers that are no probabilities."""
    answers = _answers(model, images[:20])
    return not np.allclose(answers.sum(axis=1), 1, atol=1e-3) or answers.min() < 0


def percent(share: float, decimals: int = 0) -> str:
    """Return a share as text, rounded down: what is below a goal must not read like the goal."""
    steps = 10**decimals
    return f"{np.floor(100 * steps * share + 1e-6) / steps:.{decimals}f}%"


def expect_goal(
    share: float,
    goal: float,
    reached: str,
    decimals: int = 0,
    close: float = 1.0,
    untrained: tuple[float, str] = (0.0, ""),
    softmax: bool = True,
) -> None:
    """Raise Wrong if a share is below its goal; the message says what was reached, and the goal.

    Parameters
    ----------
    share, goal : from 0 to 1; NaN reaches no goal
    reached : the message up to the goal, with ``{}`` where the share stands
    decimals : of the percentage that is printed
    close : a share above this one is called close
    untrained : a share, and how the message ends below it, instead of with the goal
    softmax : whether the network gives probabilities; else it may be this that spoiled its training
    """
    if share >= goal:
        return
    said, (least, doubt) = reached.format(percent(share, decimals)), untrained
    if not softmax:
        raise Wrong(
            f'{said}, and its numbers are no probabilities: give the last layer activation="softmax", or train it with '
            "a loss that has from_logits=True."
        )
    if share < least:
        raise Wrong(f"{said}{doubt}")
    raise Wrong(f"{said}. The goal is {goal:.0%}{': close' if share > close else ''}.", generic=True)


def expect_right(
    model, images, labels, goal: float, reached: str = RIGHT_IN_VALIDATION, classes: int | None = None, **options
) -> float:
    """Return the share of images that a model gets right; raises Wrong if it is below the goal, as `expect_goal` does.

    The messages also tell a model without softmax.
    """
    share = share_right(model, images, labels, classes)
    knows = getattr(getattr(model, "loss", None), "from_logits", False)  # it was trained as it has to be
    softmax = share >= goal or knows or not without_softmax(model, images)
    expect_goal(share, goal, reached, softmax=softmax, **options)
    return share


# --- what it is made of ---


def all_layers(model) -> list:
    """Return all layers, also those of models inside the model."""
    return [
        layer for outer in model.layers for layer in (all_layers(outer) if getattr(outer, "layers", None) else [outer])
    ]


def kinds_of_layers(model) -> list[str]:
    """Return the kinds of all layers, such as "Conv2D", also of models and of layers inside the model."""
    return [kind_of(part) for layer in all_layers(model) for part in parts_of(layer)]


def parts_of(layer) -> list:
    """Return a layer, and the layers that it is made of."""
    try:
        return [*layer._flatten_layers()]
    except Exception:  # it is none of Keras
        return [layer]


def kind_of(layer) -> str:
    """Return the name of a layer's class; of a learner's own kind of Conv2D it is "Conv2D"."""
    of_keras = [kind.__name__ for kind in type(layer).__mro__ if kind.__module__.startswith("keras.")]
    return type(layer).__name__ if not of_keras or of_keras[0] == "Layer" else of_keras[0]


def parameters_of(model, shape: tuple[int, ...]) -> int:
    """Return how many parameters a model has that takes images of a shape (H, W, C).

    Raises Wrong if it does not know that, or hides some: what it computes with is read from its graph as well.
    """
    if "Lambda" in kinds_of_layers(model):
        raise Wrong("a Lambda layer does not say how many parameters it has: use other layers of Keras.")
    try:
        if not getattr(model, "built", True) and model.weights:
            model(np.zeros((1, *shape), np.float32))  # a class of the learner's own, around a network
        counted = int(model.count_params())
    except Exception as error:  # Keras: not built yet
        raise Wrong("its parameters cannot be counted: begin with keras.Input(…), and train it.") from error
    if (graph := graph_of(model, shape)) and (used := _numbers_of(graph)) > counted:
        raise Wrong(
            f"it computes with {used:,} numbers, but says that it has {counted:,} parameters. Its layers must be "
            "attributes of it, such as self.body = …, and their weights made by Keras: then Keras counts them."
        )
    return counted


def _numbers_of(graph) -> int:
    """Return how many numbers a graph computes with: those of its variables, and large constants."""
    learned = {id(each): each for each in graph.variables}.values()  # each once
    fixed = [operation.outputs[0] for operation in graph.get_operations() if operation.type == "Const"]
    sizes = [each.shape.num_elements() for each in learned if each.dtype.is_floating]
    constants = [each.shape.num_elements() for each in [*fixed, *graph.internal_captures] if each.dtype.is_floating]
    return sum(sizes) + sum(size for size in constants if size > 100)


def graph_of(model, shape: tuple[int, ...]):
    """Return the graph of TensorFlow of what a model does with an image (H, W, C); None where it cannot be had."""
    if not callable(model):
        return None
    from helpers.engine import tf

    try:
        traced = tf.function(lambda images: model(images, training=False))
        return traced.get_concrete_function(tf.TensorSpec((1, *shape))).graph
    except Exception:  # whatever it raises: it is judged by what it answers
        return None


def _kernels(model) -> list[np.ndarray]:
    """Return the large kernels of a model, also of models inside the model."""
    try:
        return [np.asarray(weight) for weight in model.get_weights() if np.ndim(weight) > 1 and np.size(weight) > 400]
    except Exception:  # it has no weights that can be read
        return []


@cache
def _kernels_that_come_with_the_lessons(name: str) -> list[np.ndarray]:
    from helpers.models import load_model

    return _kernels(load_model(name))


def trained_beforehand(model, *names: str) -> bool:
    """Tell whether weights of networks that come with the lessons are in a model, as they are or little changed.

    The ``names`` are those of `LESSON_NETWORKS`. Whoever has no weights to be read is known by its name.
    """
    if not hasattr(model, "get_weights"):
        return getattr(model, "name", "") in names
    mine = _kernels(model)
    return any(
        known.shape == kernel.shape and np.linalg.norm(known - kernel) < 0.5 * np.linalg.norm(known)
        for name in names
        for kernel in mine
        for known in _kernels_that_come_with_the_lessons(name)
    )


def multiply_adds(model, images=None) -> int:
    """Return how many multiply-adds a model needs for one image: each weight of a kernel, at each place, at each use.

    ``images`` (N, H, W, C) are shown to a model of Keras, and each use of a layer is counted. Without them, or for what
    cannot be called, each layer counts once. Raises ValueError for layers that are neither of Keras nor made of those.
    """
    once = images is None or not callable(model)
    uses = (
        [(layer, layer.output.shape) for layer in all_layers(model) if layer.weights] if once else _uses(model, images)
    )
    return sum(
        int(np.prod(weight.shape)) * int(np.prod(shape[1:-1]))
        for layer, shape in uses
        for weight in layer.weights
        if len(weight.shape) > 1
    )


def _uses(model, images) -> list[tuple]:
    """Return each layer with weights, as often as it is used for these images, and the shape of what it gives."""
    found, layers = [], {id(part): part for layer in all_layers(model) for part in _of_keras(layer) if part.weights}

    def watched(layer, call):
        def watch(*given, **options):
            result = call(*given, **options)
            found.append((layer, result.shape))
            return result

        return watch

    try:
        for layer in layers.values():
            layer.call = watched(layer, layer.call)
        model(np.asarray(images[:1], np.float32), training=False)
    finally:
        for layer in layers.values():
            layer.__dict__.pop("call", None)
    if len({id(layer) for layer, _ in found}) < len(layers):
        raise ValueError("what is done with the weights of a layer that is not called cannot be counted")
    return found


def _of_keras(layer) -> list:
    """Return a layer of Keras as it is, and of another one the layers that it is made of; it has no other weights."""
    if layer.call.__module__.startswith("keras."):
        return [layer]
    inner = [part for part in parts_of(layer)[1:] if not getattr(part, "layers", None)]
    known = {id(weight) for part in inner for weight in part.weights}
    if any(id(weight) not in known for weight in layer.weights):
        raise ValueError("what layers of another kind do with weights of their own cannot be counted")
    return [part for part in inner if part.call.__module__.startswith("keras.")]
