"""Look at the network of lesson 06 through other images, halves, starts and floors: data/channel_runs.csv.

Run `.venv/bin/python scripts/make_channel_runs.py`; nothing is trained. A seed is a draw of critters; seed 0 are the
ones of the lesson. Receptive field, parts at peaks and silencing are stated as in the cells of lesson 06.
"""

import sys
from functools import partial

from helpers.activations import best_inputs
from helpers.datasets import critters
from helpers.datasets.measured import make
from helpers.engine import keras, tf
from helpers.models import load_model
from helpers.training import set_seed

import numpy as np
from scipy import stats

TESTED, SEEN, DRAWN, HALVES = 300, 400, 5000, 40
NAMES = ("background", *critters.PARTS)
LAYERS = [f"conv{k}" for k in (1, 2, 3, 4, 5)]


def drawn(split: str, number: int, seed: int) -> list:
    """Return critters of one split; seed 0 gives the first ones of the dataset."""
    return [critters.critter(split, index, seed=seed) for index in range(number)]


def pictures(scenes) -> np.ndarray:
    """Return their images, (N, 64, 64, 3)."""
    return np.stack([scene.image for scene in scenes])


def maps_of(model, images) -> dict[str, np.ndarray]:
    """Return the maps of all convolutions, (N, h, w, C) each."""
    outputs = {layer.name: layer.output for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    every = keras.Model(model.inputs[0], outputs)
    parts = [every(images[start : start + 100].astype("float32")) for start in range(0, len(images), 100)]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in outputs}


def receptive_field(model, layer_name: str) -> tuple[int, int, int]:
    """Return size, step and start: number k of a map sees the pixels from start + k · step on."""
    size, step, start = 1, 1, 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            start -= (layer.kernel_size[0] // 2) * step if layer.padding == "same" else 0
            size += (layer.kernel_size[0] - 1) * step
        elif isinstance(layer, keras.layers.MaxPooling2D):
            size, step = size + (layer.pool_size[0] - 1) * step, step * layer.pool_size[0]
        if layer.name == layer_name:
            return size, step, start
    raise ValueError(f"The network has no layer {layer_name!r}.")


def named_parts(scenes) -> np.ndarray:
    """Return which part each pixel shows, (N, H, W): an index into `NAMES`."""
    return np.array([sum(k * mask for k, mask in enumerate(scene.parts.values(), 1)) for scene in scenes], int)


def parts_at_peaks(maps, named, step: int, count: int = 40, middle: bool = False) -> np.ndarray:
    """Return for each channel on which part its highest peaks are, shares (channels, parts); NaN for dead channels.

    The part of a number is what covers most of its square of step × step pixels, or the pixel in the middle of it.
    """
    table = np.full((maps.shape[3], len(NAMES)), np.nan)
    for channel in range(maps.shape[3]):
        found = maps[..., channel]
        lively = np.flatnonzero(found.max(axis=(1, 2)))
        if len(lively):
            table[channel] = 0
        for index in lively[np.argsort(-found.max(axis=(1, 2))[lively])][:count]:
            row, col = np.unravel_index(found[index].argmax(), found[index].shape)
            square = named[index, row * step : (row + 1) * step, col * step : (col + 1) * step]
            part = square[step // 2, step // 2] if middle else np.bincount(square.ravel()).argmax()
            table[channel, part] += 1 / min(count, len(lively))
    return table


# --- the experiments ---


def silence(seed: int) -> dict:
    """R06a: how many images are right without a half or a quarter of conv3, at random and in two chosen orders."""
    model, scenes = load_model("critters"), drawn("test", TESTED, seed)
    images, labels = pictures(scenes), critters.labels(TESTED)
    middle, named = maps_of(model, images)["conv3"], named_parts(scenes)
    later = model.layers[model.layers.index(model.get_layer("conv3")) + 1 :]
    count, random = middle.shape[3], np.random.default_rng(seed)

    def right_without(channels) -> float:
        maps = middle * ~np.isin(np.arange(count), channels)
        for layer in later:
            maps = layer(maps, training=False)
        return float(np.mean(np.argmax(maps, axis=1) == labels))

    eyes = np.nan_to_num(parts_at_peaks(middle, named, receptive_field(model, "conv3")[1])[:, NAMES.index("eyes")])
    heights = maps_of(model, pictures(drawn("train", SEEN, seed)))["conv3"].max(axis=(1, 2)).mean(axis=0)
    orders = {"highest peaks first": np.argsort(-heights), "eyes first": np.argsort(-eyes, kind="stable")}
    both = set(orders["eyes first"][: count // 2]) & set(orders["highest peaks first"][: count // 2])
    found = {("all", "accuracy"): right_without([]), ("without channel 15", "accuracy"): right_without([15])}
    for number in (count // 4, count // 2):
        band = [right_without(random.permutation(count)[:number]) for _ in range(HALVES)]
        found |= {(f"random, {name}", "accuracy", number): value for name, value in spread(band).items()}
        found |= {(name, "accuracy", number): right_without(order[:number]) for name, order in orders.items()}
    found["eyes and heights", "channels in both halves"] = len(both)
    found["eyes and heights", "rank correlation"] = stats.spearmanr(eyes, heights).statistic
    return found


def spread(values) -> dict[str, float]:
    """Return the least value, the median and the largest."""
    return {"least": min(values), "median": float(np.median(values)), "largest": max(values)}


def field(seed: int) -> dict:
    """R06b: which share of a channel's highest peak stays when all but a square around it is gray."""
    model, images, found = load_model("critters"), pictures(drawn("train", SEEN, seed)), {}
    all_maps = maps_of(model, images)
    for name in LAYERS[1:]:
        maps, (size, step, start) = all_maps[name], receptive_field(model, name)
        peaks = [np.unravel_index(maps[..., k].argmax(), maps.shape[:3]) for k in range(maps.shape[3])]
        for side in (8, 16, 24, 40, 56):
            cut = np.full((len(peaks), *images.shape[1:]), 127, np.uint8)
            for k, (index, *place) in enumerate(peaks):
                first = [p * step + start + size // 2 - side // 2 for p in place]
                box = tuple(slice(max(0, low), max(0, low + side)) for low in first)
                cut[k][box] = images[index][box]
            again = maps_of(model, cut)[name]
            pairs = [(again[k, *place, k], maps[index, *place, k]) for k, (index, *place) in enumerate(peaks)]
            found[name, "share of the peak", side] = np.mean([after / before for after, before in pairs if before > 0])
    return found


def parts(seed: int) -> dict:
    """R06c: the best channel for eyes and snout in each layer: trained, untrained, and a floor without a network.

    Untrained networks have new weights, in the first layer as the card of the network says, or drawn as usual. The
    floor is the place of largest contrast: where a window of 5 × 5 gray pixels has the largest deviation.
    """
    scenes, trained = drawn("test", TESTED, seed), load_model("critters")
    images, named = pictures(scenes), named_parts(scenes)
    set_seed(seed)
    usual = keras.models.clone_model(trained)
    kernel, bias = usual.get_layer("conv1").get_weights()
    usual.get_layer("conv1").set_weights([keras.initializers.GlorotUniform(seed)(kernel.shape).numpy(), bias])
    networks = {
        "trained": trained,
        "untrained": usual,
        "untrained, as the card says": keras.models.clone_model(trained),
    }
    found = {}
    for case, network in networks.items():
        for name, maps in maps_of(network, images).items():
            for way in ("square", "pixel"):
                table = parts_at_peaks(maps, named, receptive_field(trained, name)[1], middle=way == "pixel")
                for part in ("eyes", "snout", "ears"):
                    shares = table[:, NAMES.index(part)]
                    found[case, f"{name}, best for {part}, by the {way}"] = np.nanmax(shares)
                    found[case, f"{name}, mean for {part}, by the {way}"] = np.nanmean(shares)
    windows = np.lib.stride_tricks.sliding_window_view(images.mean(axis=3), (5, 5), axis=(1, 2)).std(axis=(3, 4))
    peaks = [np.unravel_index(window.argmax(), window.shape) for window in windows]
    at_peaks = np.array([named[k, row + 2, col + 2] for k, (row, col) in enumerate(peaks)])
    strongest = np.argsort(-windows.max(axis=(1, 2)))[:40]
    for part in ("eyes", "snout", "ears"):
        found["largest contrast", f"on {part}"] = np.mean(at_peaks[strongest] == NAMES.index(part))
        found["any pixel", f"on {part}"] = np.mean(named == NAMES.index(part))
    return found


def dead(seed: int) -> dict:
    """R06d: how many channels are silent in all of so many critters on training backgrounds."""
    model, live, found = load_model("critters"), dict.fromkeys(LAYERS, False), {}
    for start in range(0, DRAWN, 200):
        scenes = [critters.critter("train", index, seed=seed) for index in range(start, start + 200)]
        for name, maps in maps_of(model, pictures(scenes)).items():
            live[name] = live[name] | (maps.max(axis=(0, 1, 2)) > 0)
            if start + 200 in (400, 1000, 2000, 3000, DRAWN):
                found[name, "silent channels", start + 200] = int(np.sum(~live[name]))
    return found


def classes(seed: int, untrained: bool = False) -> dict:
    """R06e: the share of the commonest class among the images where a channel is strongest, and among random ones."""
    images, labels = pictures(drawn("train", SEEN, seed)), critters.labels(SEEN)
    random, found, model = np.random.default_rng(seed), {}, load_model("critters")
    if untrained:
        set_seed(seed)
        model = keras.models.clone_model(model)
    for name, maps in maps_of(model, images).items():
        peaks = maps.max(axis=(1, 2))
        live = np.flatnonzero((peaks > 0).sum(axis=0) >= 40)
        best = [np.bincount(labels[np.argsort(-peaks[:, k])[:40]]).max() / 40 for k in live]
        chance = [np.bincount(random.permutation(labels)[:40]).max() / 40 for _ in live]
        found[f"{name}, strongest", "share of the commonest class"] = np.mean(best)
        found[f"{name}, at random", "share of the commonest class"] = np.mean(chance)
    return found


WAYS = {
    "plain": {"jitter": 0, "blur": 0.0},
    "with jitter": {"blur": 0.0},
    "and blur": {},
    "and total variation": {"variation": 0.03},
}


def roughness(images) -> float:
    """Return the mean difference of neighboring pixels, in gray levels."""
    images = images.astype(float)
    return (np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean()) / 2


def ascent(seed: int, steps: int = 60) -> dict:
    """R06f: four ways of gradient ascent from another start, for the eight channels of conv4 that respond most."""
    model, images, found = load_model("critters"), pictures(drawn("train", SEEN, seed)), {}
    layer, maps = model.get_layer("conv4"), maps_of(model, images)["conv4"]
    channels = np.argsort(-maps.mean(axis=(0, 1, 2)))[:8]
    before = keras.Model(model.inputs[0], layer.input)(images)
    kernel, bias = layer.get_weights()
    sums = tf.nn.convolution(before, kernel[..., channels], padding="SAME").numpy() + bias[channels]
    best_mean, best_number = sums.mean(axis=(1, 2)).max(axis=0), sums.max(axis=(0, 1, 2))
    for way, options in WAYS.items():
        made, reached = best_inputs(model, "conv4", channels, steps=steps, seed=seed, **options)
        highest = maps_of(model, made)["conv4"][np.arange(len(channels)), :, :, channels].max(axis=(1, 2))
        found[way, "activation"] = float(np.mean(reached))
        found[way, "roughness"] = roughness(made)
        found[way, "mean, times the best image"] = float(np.mean(reached / best_mean))
        found[way, "largest number, times the best image"] = float(np.mean(highest / best_number))
    return found


def fooled(seed: int, number: int = 100) -> dict:
    """R06g: images that are right after a change of at most 8: noise, exercise 4, and its changes at other places."""
    model, random = load_model("critters"), np.random.default_rng(seed)
    start, labels = pictures(drawn("test", number, seed)).astype("float32"), critters.labels(number)
    changed, targets = tf.Variable(start), (labels - 1) % 10
    for _ in range(40):  # as in exercise 4
        with tf.GradientTape() as tape:
            goal = tf.reduce_sum(tf.math.log(tf.gather(model(changed), targets, batch_dims=1) + 1e-12))
        changed.assign_add(tf.sign(tape.gradient(goal, changed)))
        changed.assign(tf.clip_by_value(tf.clip_by_value(changed, start - 8, start + 8), 0, 255))
    change = changed.numpy() - start
    moved = np.stack([random.permutation(one.reshape(-1, 3)).reshape(one.shape) for one in change])
    shown = {
        "as they are": start,
        "uniform noise": start + random.uniform(-8, 8, start.shape),
        "noise of ±8": start + random.choice([-8, 8], start.shape),
        "exercise 4": start + change,
        "exercise 4, places shuffled": start + moved,
    }
    said = {name: model.predict(x.clip(0, 255), verbose=0).argmax(axis=1) for name, x in shown.items()}
    found = {(name, "accuracy"): float(np.mean(answers == labels)) for name, answers in said.items()}
    return found | {(name, "says the target"): float(np.mean(answers == targets)) for name, answers in said.items()}


EXPERIMENTS = {
    "silence": silence,
    "field": field,
    "parts": parts,
    "dead": dead,
    "classes": classes,
    "classes, untrained": partial(classes, untrained=True),
    "ascent": ascent,
    "fooled": fooled,
}
JUDGED = [
    ("silence", "accuracy", "all", "without channel 15"),
    *(
        ("silence", "accuracy", case, other, number)
        for number in (16, 32)
        for case, other in (
            ("eyes first", "random, median"),
            ("eyes first", "random, least"),
            ("highest peaks first", "random, median"),
            ("eyes first", "highest peaks first"),
        )
    ),
    *(("field", "share of the peak", "conv4", "conv5", side) for side in (16, 24, 40)),
    *(
        ("parts", f"{layer}, best for {part}, by the square", "trained", other)
        for part in ("eyes", "snout")
        for layer in LAYERS
        for other in ("untrained", "untrained, as the card says")
    ),
    *(("dead", "silent channels", "conv5", "conv5", places) for places in ((400, 3000), (3000, 5000))),
    *(("classes", "share of the commonest class", f"{name}, strongest", f"{name}, at random") for name in LAYERS),
    *(("ascent", "activation", case, other) for case, other in zip(list(WAYS)[1:], list(WAYS), strict=False)),
    *(("ascent", "roughness", case, other) for case, other in zip(list(WAYS)[1:], list(WAYS), strict=False)),
    ("ascent", "mean, times the best image", "plain", "and total variation"),
    ("fooled", "accuracy", "as they are", "noise of ±8"),
    ("fooled", "accuracy", "exercise 4, places shuffled", "exercise 4"),
]

if __name__ == "__main__":
    make("channel_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])
