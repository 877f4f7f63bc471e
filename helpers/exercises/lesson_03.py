"""The exercises of lesson 03, building a CNN: what is right, which mistakes are typical, and the hints."""

from helpers.exercises.anew import drawn
from helpers.exercises.arithmetic import field, two_layers
from helpers.exercises.judges import Exercise, NotYet, Wrong, choice, choices, is_stub
from helpers.exercises.networks import (
    graph_of,
    kinds_of_layers,
    no_network,
    outputs,
    parameters_of,
    stand_in,
    without_softmax,
)
from helpers.exercises.quizzes import quiz

import numpy as np

SHAPE, CLASSES, ALLOWED = (48, 48, 3), 7, 20_000
"""Of the network that exercise 4 asks for: its images, its classes, and how many parameters it may have."""


def _built(model) -> None:
    """Judge a network that is built, and need not be trained: shapes, layers, parameters, probabilities."""
    if is_stub(model) or isinstance(model, type) or not (hasattr(model, "count_params") and hasattr(model, "layers")):
        raise NotYet(f"build a model of Keras, and give it: check(4, color_cnn).{no_network(model)}")
    if sum(kind.endswith("Conv2D") for kind in kinds_of_layers(model)) < 2:
        raise Wrong("it has fewer than two Conv2D layers.")
    images = 4 * np.random.default_rng(0).random((20, *SHAPE), np.float32)  # of some use as whole numbers, too
    outputs(model, images, CLASSES, trained=False)
    if (parameters := parameters_of(model, SHAPE)) > ALLOWED:
        raise Wrong(f"it has {parameters:,} parameters; at most {ALLOWED:,} are allowed.")
    if without_softmax(model, images):
        raise Wrong("what it answers are no probabilities: they are positive, with sum 1.")
    if not _bends(model):
        raise Wrong("its convolutions have no activation. Give them one: without it, two in a row do no more than one.")


def _bends(model) -> bool:
    """Tell whether a model applies an activation to maps that come from a convolution, in whatever way it is written.

    TensorFlow says which operations it consists of. Where it cannot, the model is given the benefit of the doubt.
    """
    if not callable(model):
        return "ReLU" in kinds_of_layers(model)
    if (graph := graph_of(model, SHAPE)) is None:
        return True
    convolved = set()
    for operation in graph.get_operations():
        kind = operation.type
        if kind.endswith("PartitionedCall"):  # a function of TensorFlow by itself
            return True
        if "Conv2" in kind or "Conv2d" in kind or convolved.intersection(each.op.name for each in operation.inputs):
            convolved.add(operation.name)
            maps = [each.op.name in convolved and each.shape.rank == 4 for each in operation.inputs]
            if (any(maps) and kind not in _LINEAR) or (kind == "Mul" and len(maps) == 2 and all(maps)):
                return True
    return False


_LINEAR = {
    *("Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "BiasAdd", "MatMul", "Einsum", "BatchMatMulV2"),
    *("Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Neg", "FusedBatchNormV3", "Identity", "Cast", "StopGradient"),
    *("MaxPool", "AvgPool", "Max", "Mean", "Sum", "Pad", "PadV2", "MirrorPad", "Reshape", "Squeeze", "ExpandDims"),
    *("Transpose", "ConcatV2", "Split", "SplitV", "Slice", "StridedSlice", "GatherV2", "Pack", "Shape", "Tile"),
    *("SpaceToBatchND", "BatchToSpaceND", "SpaceToDepth", "DepthToSpace", "ResizeBilinear", "ResizeNearestNeighbor"),
    "Softmax",
}
"""Operations of TensorFlow that are no activation: they sum, move and choose; and the softmax, which comes last."""


def _network(**more):
    """Return something with the face of a network that exercise 4 asks for, but for what ``more`` says."""

    def predict(images, verbose=0):
        return np.eye(CLASSES)[np.arange(len(images)) % CLASSES]

    return stand_in(**{"kinds": "Conv2D Conv2D ReLU Dense", "predict": predict, **more})


_FIELD_HINTS = (
    "Go from layer to layer: each adds (size − 1) × the product of all strides before it. Pooling is a layer, too.",
    "The first convolution sees its own size. A pooling of p × p adds p − 1, and multiplies all later steps by p.",
)

_CHOSEN, _LEARNED = "you set it before training, and training leaves it as it is.", "training changes it in each step."

EXERCISES: dict[int, Exercise] = {
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
    2: two_layers(14, 32, 64, 5, 10).exercise(
        "51,264 + 64,010: again the dense layer after Flatten is the expensive one.",
        (
            "A Conv2D layer has (kernel height × kernel width × input channels + 1) × kernels parameters.",
            "Valid padding leaves 14 − 5 + 1 places along an axis.",
            "Flatten gives 10 × 10 × 64 numbers; each goes to each of the 10 units, and each unit has a bias.",
        ),
        another=drawn(
            two_layers,
            (
                "A Conv2D layer has (kernel height × kernel width × input channels + 1) × kernels parameters.",
                "Valid padding leaves size − kernel + 1 places along an axis. Flatten gives height × height × kernels "
                "numbers; each goes to each of the units, and each unit has a bias.",
            ),
            size=range(10, 30),
            channels=(8, 16, 24, 32),
            kernels=(12, 20, 48, 64),
            kernel=(3, 5, 7),
            units=(5, 10, 20),
        ),
    ),
    3: Exercise(
        choices(
            {
                "weights": "l",
                "bias": "l",
                "kernels": "h",
                "kernel_size": "h",
                "stride": "h",
                "learning_rate": "h",
                "epochs": "h",
            },
            {
                "weights": {"h": f"you choose how many there are; their values are learned: {_LEARNED}"},
                "bias": {"h": f"a bias is a weight as well: {_LEARNED}"},
                "kernels": {"l": "what is *in* the kernels is learned; how many there are, you choose."},
                "kernel_size": {"l": f"the 9 numbers of a 3 × 3 kernel are learned. Its size is not: {_CHOSEN}"},
                "stride": {"l": f"no number in a kernel says how far it moves: {_CHOSEN}"},
                "learning_rate": {"l": f"it says how long the steps of learning are: {_CHOSEN}"},
                "epochs": {"l": f"training cannot know when you want to end it: {_CHOSEN}"},
            },
        ),
        "All that `get_weights()` gives is learned. All that you write into the code is chosen.",
        (
            "Which of these could you read in the code before any training?",
            "`count_params()` counts what is learned: two of the seven.",
        ),
    ),
    4: Exercise(
        _built,
        "It fits its images, its classes and its budget. It knows nothing yet: lesson 3b trains such networks.",
        (
            'Begin with keras.Input((48, 48, 3)), end with Dense(7, activation="softmax").',
            "What goes into the first dense layer sets its cost: pool twice or more, or take GlobalAveragePooling2D.",
            "Conv 16 – pool – conv 32 – pool – conv 32 – GlobalAveragePooling2D – Dense 7 is one that fits.",
        ),
        [
            (_network(kinds="Conv2D Flatten Dense"), "it has fewer than two Conv2D layers."),
            (
                _network(count_params=lambda: 295_623),
                "it has 295,623 parameters; at most 20,000 are allowed.",
            ),
            (
                _network(predict=lambda images, verbose=0: np.eye(10)[np.arange(len(images)) % 10]),
                "for each image it must give 7 numbers, but the shape of its answer is (20, 10).",
            ),
            (
                _network(predict=lambda images, verbose=0: images.reshape(20, 48 * 48)[:, :7]),
                "it cannot take images of shape (48, 48, 3): begin with keras.Input((48, 48, 3)).",
            ),
            (
                _network(predict=lambda images, verbose=0: 3 * np.eye(CLASSES)[np.arange(len(images)) % CLASSES]),
                "what it answers are no probabilities: they are positive, with sum 1.",
            ),
            (
                _network(kinds="Conv2D Conv2D Dense"),
                "its convolutions have no activation. Give them one: without it, two in a row do no more than one.",
            ),
        ],
        patience=6,
    ),
    5: Exercise(
        choices(
            {"A": "a", "B": "c", "C": "b", "D": "a"},
            {
                "A": {
                    "b": "for that they would have to bend: sums of sums are sums.",
                    "c": "they see more, and so does one larger kernel.",
                },
                "B": {
                    "a": "where its input is positive, its slope is 1, and that comes back as it is.",
                    "b": "its slope at 0 is 1. It gets flat at both ends only.",
                },
                "C": {
                    "a": "the mean of the map of eyes still says whether there are any.",
                    "c": "the mean of a map says just that: how much of it there is.",
                },
                "D": {
                    "b": "a maximum needs no weights: there is nothing to learn in it.",
                    "c": "a kernel has as many weights as before: it does not care how large the map is.",
                },
            },
        ),
        "Activations make depth worth it, and a head decides what is remembered.",
        (
            "A: what do kernels do, one after the other, with nothing in between? B: the right figure of activations.",
            "C: which number is left of each map? D: which layer costs more, the larger the maps are?",
        ),
    ),
    6: field(5, 3, 3, 2, 3).exercise(
        "5, then 7 after the pooling, 13, and 25: more than a quarter of a photograph of 48 × 48 pixels.",
        _FIELD_HINTS,
        another=drawn(
            field, _FIELD_HINTS, first=(3, 5, 7), pool=(2, 3, 4), second=(3, 5, 7), stride=(2, 3), third=(3, 5)
        ),
    ),
    7: quiz("03"),
}
