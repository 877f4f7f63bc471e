"""How fast `helpers.explain` makes its maps, beside tf-keras-vis, a tape, and the network alone: `make bench`.

All get the same network, images, classes and layer, with the scores before the softmax. They take turns, call by call,
so that other work of the machine slows all of them. Also how far the maps agree, and why they do not where they do not.

    python benchmarks/explain.py [--weights FILE] [--calls 20] [--steps 10]

FILE holds weights for ``keras.applications.MobileNetV2(weights=None, classes=1001)``; without it, and without the
environment variable MOBILENET_WEIGHTS, the weights are random, with a fixed seed.
"""

import argparse
import os
import platform
import sys
import time
import warnings
from functools import partial
from importlib.metadata import version

from helpers import explain
from helpers.activations import best_inputs
from helpers.engine import keras, tf

import numpy as np
import skimage.data
import skimage.transform

with warnings.catch_warnings():  # it takes `zoom` from a module of SciPy that will go away
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        from tf_keras_vis.activation_maximization import ActivationMaximization
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.saliency import Saliency
        from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer, ReplaceToLinear
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError as error:
        sys.exit(f"{error}. There is nothing to compare with: `make bench` installs it.")

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")  # in color, inside scikit-image
SEED = 7
FIRST_CALLS = 3  # each with a network of its own
FILTERS = 16
THEIRS, EAGER, OURS = "tf-keras-vis", "tape without tf.function", "this project"
FLOOR = "the network's own compiled forward and backward pass"


# --- networks and images ---


def mobilenet(weights: str | None = None) -> keras.Model:
    """Return MobileNetV2 for pixels from 0 to 255, in one piece: tf-keras-vis does not look inside an inner model."""
    keras.utils.set_random_seed(SEED)
    network = partial(keras.applications.MobileNetV2, weights=None, classes=1001 if weights else 1000)
    plain, pixels = network(), keras.Input((224, 224, 3))
    if weights:
        plain.load_weights(weights)
    scaled = network(input_tensor=keras.layers.Rescaling(1 / 127.5, -1)(pixels))
    scaled.set_weights(plain.get_weights())
    if not weights:  # with random weights the signal would fade away: normalize by the photographs
        for layer in scaled.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0
        scaled(photos(224), training=True)
    return scaled


def small_network() -> keras.Model:
    """Return a small CNN, functional: ReplaceToLinear of tf-keras-vis fails with Sequential models of Keras 3."""
    keras.utils.set_random_seed(SEED)
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for number, channels in enumerate((16, 32, 64), 1):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def photos(size: int) -> np.ndarray:
    """Return the `PHOTOS`, the square in the middle of each, as float32 (N, size, size, 3)."""
    images = []
    for name in PHOTOS:
        image = getattr(skimage.data, name)()
        side = min(image.shape[:2])
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        square = image[top : top + side, left : left + side]
        images.append(skimage.transform.resize(square, (size, size), anti_aliasing=True, preserve_range=True))
    return np.array(images, np.float32)


def duplicate(model) -> keras.Model:
    """Return the same network as a new object, for which nothing is compiled yet."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


# --- the ways: each takes a model of its own and a layer, and returns a function of an image (1, H, W, 3), a class ---


def their_grad_cam(model, layer, modifier=ReplaceToLinear, **others):
    """Return tf-keras-vis's Grad-CAM, made once, for this layer, and not for the last convolution before it."""
    made = Gradcam(model, model_modifier=modifier and modifier())
    options = {"penultimate_layer": layer, "seek_penultimate_conv_layer": False, "normalize_cam": False} | others
    return lambda image, index: made(CategoricalScore(index), image, **options)


def eager_grad_cam(model, layer):
    """Return Grad-CAM as tutorials write it: a model with two outputs, made once, and a tape in a plain function."""
    model.layers[-1].activation = keras.activations.linear
    both = keras.Model(model.inputs, [model.get_layer(layer).output, model.output])

    def make(image, index):
        with tf.GradientTape() as tape:
            maps, scores = both([image])
            score = scores[:, index]
        weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(maps * weights, axis=3, keepdims=True))
        return tf.image.resize(heat, image.shape[1:3]).numpy()[..., 0]

    return make


def our_grad_cam(model, layer):
    """Return `helpers.explain.grad_cam`."""
    return lambda image, index: explain.grad_cam(model, image, index, layer=layer)


def their_saliency(model, _):
    """Return tf-keras-vis's saliency, made once, not smoothed."""
    made = Saliency(model, model_modifier=ReplaceToLinear())
    return lambda image, index: made(CategoricalScore(index), image, normalize_map=False)


def eager_saliency(model, _):
    """Return saliency with a tape in a plain function."""
    model.layers[-1].activation = keras.activations.linear

    def make(image, index):
        pixels = tf.constant(image)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            score = model(pixels)[:, index]
        return tf.reduce_max(tf.abs(tape.gradient(score, pixels)), axis=3).numpy()

    return make


def our_saliency(model, _):
    """Return `helpers.explain.saliency`."""
    return lambda image, index: explain.saliency(model, image, index)


def compiled_pass(model, layer):
    """Return a compiled function that is no explanation: the gradient of the score alone, of maps or pixels."""
    model.layers[-1].activation = keras.activations.linear
    start = model.get_layer(layer).output if layer else model.inputs[0]
    both = keras.Model(model.inputs, [start, model.output])

    @tf.function(input_signature=[tf.TensorSpec([None, *model.input_shape[1:]]), tf.TensorSpec([], tf.int32)])
    def run(images, index):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            found, scores = both([images], training=False)
            score = scores[:, index]
        return tape.gradient(score, found if layer else images)

    compiled = run.get_concrete_function()
    return lambda image, index: compiled(tf.constant(image), tf.constant(index)).numpy()


WAYS = {
    "Grad-CAM": {THEIRS: their_grad_cam, EAGER: eager_grad_cam, FLOOR: compiled_pass, OURS: our_grad_cam},
    "saliency": {
        THEIRS: their_saliency,
        EAGER: eager_saliency,
        FLOOR: lambda model, _: compiled_pass(model, None),
        OURS: our_saliency,
    },
}


# --- times ---


def milliseconds(function, *arguments) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return 1000 * (time.perf_counter() - start)


def call_times(model, images, classes, layer, ways, calls) -> dict[str, dict[str, list[float]]]:
    """Return the milliseconds of first calls, with what is made once, and of repeated calls, for each way."""
    times = {"first": {way: [] for way in ways}, "repeated": {way: [] for way in ways}}
    for _ in range(FIRST_CALLS):
        made = {}
        for way, prepare in ways.items():
            copy = duplicate(model)

            def first(way=way, prepare=prepare, copy=copy, made=made):
                made[way] = prepare(copy, layer)
                made[way](images[:1], classes[0])

            times["first"][way].append(milliseconds(first))
    for way in ways:
        made[way](images[:1], classes[0])
    for call in range(calls):
        which = call % len(images)
        for way in ways:
            times["repeated"][way].append(milliseconds(made[way], images[which : which + 1], classes[which]))
    return times


def slowest(times) -> float:
    """Return the 95th percentile."""
    return float(np.percentile(times, 95))


def time_row(name: str, times, statistic) -> str:
    """Return one line of the table of times: how many times as fast as others, times the floor, all numbers."""
    theirs, eager, floor, ours = (statistic(times[way]) for way in (THEIRS, EAGER, FLOOR, OURS))
    numbers = " | ".join(f"{number:.1f} ms" for number in (theirs, eager, floor, ours))
    return f"| {name} | **{theirs / ours:.1f}×** | {eager / ours:.1f}× | **{ours / floor:.2f}** | {numbers} |"


# --- agreement ---


def scaled(heat) -> np.ndarray:
    """Return a map scaled to 0 to 1."""
    return (heat - heat.min()) / (heat.max() - heat.min())


def agreement(name: str, pairs) -> str:
    """Return one line of the table of agreement. ``pairs`` are two maps (H, W) each."""
    correlations, differences, empty, odd = [], [], 0, 0
    for one, other in pairs:
        flat = [float(np.ptp(heat)) == 0 for heat in (one, other)]
        if any(flat):
            empty, odd = empty + all(flat), odd + (not all(flat))
            continue
        correlations.append(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        differences.append(np.abs(scaled(one) - scaled(other)).max())
    left_out = f"{empty} empty in both" + (f", {odd} in one" if odd else "")
    if not correlations:
        return f"| {name} | 0 ({left_out}) | – | – | – |"
    numbers = f"{min(correlations):.4f} | {np.median(correlations):.4f} | {max(differences):.2g}"
    return f"| {name} | {len(correlations)} ({left_out}) | {numbers} |"


def agreement_rows(model, images, classes, layers, name) -> list[str]:
    """Return the lines of agreement for one network: of our maps with those of the others, image by image."""
    pairs = {}

    def compare(title, layer, ours, other, enlarge=False):
        for image, index in zip(images[:, np.newaxis], classes, strict=True):
            heat = other(image, index)
            heat = explain.resize(heat, *images.shape[1:3]) if enlarge else heat
            pairs.setdefault(f"{name}, {title}", []).append((ours(model, layer)(image, index)[0], heat[0]))

    for layer in layers:
        small = partial(their_grad_cam, model, layer, expand_cam=False)
        compare(f"Grad-CAM, {THEIRS}", layer, our_grad_cam, their_grad_cam(model, layer))
        compare(f"Grad-CAM, {THEIRS} with our `resize` for its zoom", layer, our_grad_cam, small(), True)
        compare(
            f"Grad-CAM, {THEIRS}, so resized, without ReplaceToLinear: softmax",
            layer,
            our_grad_cam,
            small(modifier=None),
            True,
        )
        if not isinstance(model.get_layer(layer), keras.layers.Conv2D):
            seek = small(seek_penultimate_conv_layer=True)
            compare(
                f"Grad-CAM, {THEIRS}, so resized, its default: the convolution before the layer",
                layer,
                our_grad_cam,
                seek,
                True,
            )
        compare(f"Grad-CAM, {EAGER}", layer, our_grad_cam, eager_grad_cam(duplicate(model), layer))
    compare(f"saliency, {THEIRS}", None, our_saliency, their_saliency(model, None))
    compare(f"saliency, {EAGER}", None, our_saliency, eager_saliency(duplicate(model), None))
    return [agreement(*item) for item in pairs.items()]


# --- images for filters ---


def mean_activation(model, layer, channels, images) -> float:
    """Return how strongly filters answer to their images, (K, H, W, 3): the mean over the positions and the filters."""
    inner = keras.Model(model.inputs, model.get_layer(layer).output)
    maps = inner([np.asarray(images, np.float32)]).numpy()
    return float(np.mean([maps[place, :, :, channel].mean() for place, channel in enumerate(channels)]))


def compiled_ascent(model, layer):
    """Return a compiled function that is no ascent: the gradient of what filters answer, and no more."""
    inner = keras.Model(model.inputs, model.get_layer(layer).output)

    @tf.function(input_signature=[tf.TensorSpec([None, *model.input_shape[1:]]), tf.TensorSpec([None], tf.int32)])
    def run(images, channels):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            means = tf.reduce_mean(inner([images], training=False), axis=(1, 2))
            score = tf.gather(means, channels, batch_dims=1)
        return tape.gradient(score, images)

    compiled = run.get_concrete_function()
    return lambda images, channels: compiled(tf.constant(images), tf.constant(channels)).numpy()


def filters(model, layer, steps, name) -> list[str]:
    """Return the lines on images that filters of a layer answer to most, all `FILTERS` in one batch.

    Each way has its own settings, also the noise that it starts from. Both are measured twice, in turn, after a call
    with a single step.
    """
    size, channels = model.input_shape[1], list(range(FILTERS))
    start = np.random.default_rng(SEED).uniform(0, 255, (FILTERS, size, size, 3)).astype(np.float32)
    results = {}

    def theirs(steps):
        made = results.setdefault("made", ActivationMaximization(model, ExtractIntermediateLayer(layer), clone=False))
        results[THEIRS] = np.asarray(made(CategoricalScore(channels), seed_input=tf.constant(start), steps=steps))

    def ours(steps):
        results[OURS] = np.asarray(best_inputs(model, layer, channels, steps=steps, size=size)[0])

    def floor(steps):
        run = results.get(FLOOR) or results.setdefault(FLOOR, compiled_ascent(model, layer))
        for _ in range(steps + 1):  # ours looks at the finished images, too
            run(start, channels)

    ways = {THEIRS: theirs, FLOOR: floor, OURS: ours}
    first = {way: milliseconds(make, 1) / 1000 for way, make in ways.items()}
    again = {way: [] for way in ways}
    for _ in range(2):
        for way, make in ways.items():
            again[way].append(milliseconds(make, steps) / 1000)
    values = {way: f"{mean_activation(model, layer, channels, results[way]):.3g}" for way in (THEIRS, OURS)}
    title = f"{name}, {FILTERS} filters of `{layer}`, {size} × {size}"
    rows = []
    for what, times in ("first call, 1 step", first), (f"{steps} steps", {way: np.mean(again[way]) for way in ways}):
        seconds = " | ".join(f"{times[way]:.1f} s" for way in ways)
        ratios = f"**{times[THEIRS] / times[OURS]:.1f}×** | **{times[OURS] / times[FLOOR]:.2f}**"
        rows.append(f"| {title}, {what} | {ratios} | {seconds} |")
    noise = mean_activation(model, layer, channels, start)
    title = f"mean activation afterwards (noise that {THEIRS} starts from: {noise:.3g})"
    return [*rows, f"| {title} | | | {values[THEIRS]} | | {values[OURS]} |"]


def show(*lines: str) -> None:
    """Print lines now: a run takes minutes."""
    print(*lines, sep="\n", flush=True)


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", default=os.environ.get("MOBILENET_WEIGHTS"), help="for MobileNetV2, 1001 classes")
    parser.add_argument("--calls", type=int, default=20, help="repeated calls of each way")
    parser.add_argument("--steps", type=int, default=10, help="steps for the images of filters")
    options = parser.parse_args()
    if options.weights and not os.path.exists(options.weights):
        parser.error(f"there is no file {options.weights}")
    warnings.filterwarnings("ignore", message="The structure of `inputs`")  # tf-keras-vis always gives a list
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{os.cpu_count()} cores{load}, Python {platform.python_version()}, TensorFlow {tf.__version__}, ", end="")
    print(f"Keras {keras.__version__}, tf-keras-vis {version('tf-keras-vis')}, ", end="")
    print(f"MobileNetV2 with {'the weights of a file' if options.weights else 'random weights'}\n", flush=True)

    networks = {  # the layers for agreement; the last one is the one that is timed; then the one for filters
        "small CNN": (small_network(), ("conv1", "conv2", "conv3"), "conv3"),
        "MobileNetV2": (
            mobilenet(options.weights),
            ("block_6_expand_relu", "block_13_expand_relu", "Conv_1", "out_relu"),
            "block_6_expand_BN",
        ),
    }
    images = {name: photos(model.input_shape[1]) for name, (model, *_) in networks.items()}
    classes = {}
    for name, (model, *_) in networks.items():
        classes[name] = [int(index) for index in explain.predict(model, images[name]).argmax(axis=1)]
    for ways in WAYS.values():  # what TensorFlow does once in a process belongs to none of them
        for prepare in ways.values():
            prepare(small_network(), "conv3")(images["small CNN"][:1], 0)

    targets = ["| target | measured | reached |", "|---|---|---|"]
    show(f"| | ratio to {THEIRS} | to the tape | times the floor | {THEIRS} | {EAGER} | floor | {OURS} |")
    show("|---|---|---|---|---|---|---|---|")
    for name, (model, layers, _) in networks.items():
        for method, ways in WAYS.items():
            times = call_times(model, images[name], classes[name], layers[-1], ways, options.calls)
            repeated, title = times["repeated"], f"{name}, {method}, repeated call, median of {options.calls}"
            show(time_row(title, repeated, np.median), time_row("the same, 95th percentile", repeated, slowest))
            show(time_row(f"first call, median of {FIRST_CALLS}", times["first"], np.median))
            floor = np.median(repeated[OURS]) / np.median(repeated[FLOOR])
            target = f"{method}, repeated call on {name}, at most 1.3 times {FLOOR}"
            targets.append(f"| {target} | {floor:.2f} | {'yes' if floor <= 1.3 else '**no**'} |")
            if name == "MobileNetV2":
                ratio = np.median(repeated[THEIRS]) / np.median(repeated[OURS])
                target = f"{method}, repeated call on {name}, ten times as fast as {THEIRS}"
                targets.append(f"| {target} | {ratio:.1f}× | {'yes' if ratio >= 10 else '**no**'} |")
    show("", *targets)
    show("", "| this project and … | maps | least correlation | median | largest difference |", "|---|---|---|---|---|")
    for name, (model, layers, _) in networks.items():
        show(*agreement_rows(model, images[name], classes[name], layers, name))
    show("", f"| | ratio | times the floor | {THEIRS} | floor | {OURS} |", "|---|---|---|---|---|---|")
    for name, (model, _, layer) in networks.items():
        show(*filters(model, layer, options.steps, name))


if __name__ == "__main__":
    main()
