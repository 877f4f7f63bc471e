"""The training step explorer once more: its network by TensorFlow, and what its status line has to state."""

import re
from functools import cache

from helpers.datasets import load_dataset
from helpers.engine import tf

import numpy as np

NAMES = ("conv kernels", "conv bias", "dense weights", "dense bias")
PARTS = ("batch", "forward", "loss", "gradient", "step", "metric")
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
STEPS = 30
SEED = 3

# --- the network ---


@cache
def known_batch():
    """The images (16, 12, 12, 1) and labels: the first digit of each class, then the first others."""
    train = load_dataset("digits").train
    firsts = np.unique(train.labels, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(train.labels)), firsts)[:6]
    chosen = np.sort(np.concatenate([firsts, others]))
    images = tf.constant(train.images[chosen].astype(float) / 255)
    return tf.nn.avg_pool2d(tf.image.central_crop(images, 24 / 28), 2, 2, "VALID").numpy(), train.labels[chosen]


def known_forward(variables, images):
    """Maps after ReLU, pooled maps and logits, by `tf.nn`."""
    kernels, conv_bias, weights, bias = map(tf.convert_to_tensor, variables)
    maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, kernels, 1, "VALID"), conv_bias))
    pooled = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    return maps, pooled, tf.reshape(pooled, (len(images), -1)) @ weights + bias


def known_step(variables, images, labels):
    """Logits, losses and gradients by a `tf.GradientTape`, as arrays."""
    variables = [tf.Variable(variable) for variable in variables]
    with tf.GradientTape() as tape:
        logits = known_forward(variables, images)[-1]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    return logits.numpy(), losses.numpy(), [part.numpy() for part in tape.gradient(loss, variables)]


@cache
def known_training(rate: float, seed: int = SEED):
    """For each state of a training: variables, logits, losses, gradients."""
    random, (images, labels), states = np.random.default_rng(seed), known_batch(), []
    variables = [
        random.normal(0, (2 / 9) ** 0.5, (3, 3, 1, 4)),
        np.zeros(4),
        random.normal(0, (2 / 100) ** 0.5, (100, 10)),
        np.zeros(10),
    ]
    for _ in range(STEPS + 2):
        states.append((variables, *known_step(variables, images, labels)))
        variables = [variable - rate * part for variable, part in zip(variables, states[-1][-1], strict=True)]
    return states


# --- the status line ---

NUMBER = r"−?\d+(?:\.\d+)?(?:e[+−]\d+)?"
WORDINGS = [
    r"the same 16 images in each step, 16 × 12 × 12 × 1, from 0 to 1\. Image (?P<image>\d+) is a (?P<label>\d)\. "
    r"Steps so far: (?P<steps>\d+), at rate (?P<rate>N)\. "
    r"(?P<variable>\w+ \w+): (?P<shape>[\d ×]+), (?P<count>\S+) numbers, length (?P<length>N)\.",
    r"16 × 12 × 12 × 1 → 16 × 10 × 10 × 4 → 16 × 5 × 5 × 4 → 16 × 100 → 16 × 10\. Logits of image (?P<image>\d+): "
    + ", ".join(rf"(?P<logit{place}>N)" for place in range(10))
    + r"; the largest says (?P<answer>\d)\.",
    r"image (?P<image>\d+) is a (?P<label>\d) with probability p = (?P<chance>N), −ln p = (?P<one_loss>N)\. "
    r"Mean of 16 images: (?P<loss>N); guessing: ln 10 = (?P<guessing>N)\.",
    r"its length is (?P<norm0>N) for (?P<variable>\w+ \w+), (?P<norm1>N) for (?P<name1>\w+ \w+), "
    r"(?P<norm2>N) for (?P<name2>\w+ \w+), (?P<norm3>N) for (?P<name3>\w+ \w+)\. "
    r"(?:Largest number: (?P=variable)\[(?P<where>[\d, ]+)\], (?P<gradient>N)\."
    r"|(?P=variable): (?P<zero>0) everywhere, nothing moves\.)",
    r"(?P<variable>\w+ \w+)\[(?P<where>[\d, ]+)\]: (?P<old>N) − (?P<rate>N) × (?P<gradient>N) = (?P<new>N)\. "
    r"Length of the change: (?P=rate) × (?P<norm0>N) = (?P<change>N); "
    r"of (?P=variable): (?P<length>N) → (?P<new_length>N)\.",
    r"loss of the same 16 images (?P<loss>N) → (?P<new_loss>N), right answers (?P<right>\d+) → (?P<new_right>\d+)\. "
    r"Image (?P<image>\d+), a (?P<label>\d): says (?P<answer>\d) → (?P<new_answer>\d), "
    r"probability (?P<chance>N) → (?P<new_chance>N)\.",
]


def read_status(text: str) -> dict[str, str]:
    """What a status line states, by name; nothing if it is worded in another way."""
    for part, wording in enumerate(WORDINGS, 1):
        pattern = f"(?P<part>{part}) {PARTS[part - 1]}: " + wording.replace("N)", f"{NUMBER})")
        if match := re.fullmatch(pattern, text):
            return {name: found for name, found in match.groupdict().items() if found is not None}
    return {}


def expected_status(part: int, image: int, variable: str, rate: float, steps: int) -> dict:
    """All that a status line of this part may state: numbers, and texts that are no numbers."""
    (old, logits, losses, gradients), (new, new_logits, new_losses, _) = known_training(rate)[steps : steps + 2]
    place, (_, labels) = NAMES.index(variable), known_batch()
    label, others = labels[image], [name for name in NAMES if name != variable]
    gradient = gradients[place]
    where = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    norm = np.linalg.norm
    stated = {
        "part": part,
        "image": image,
        "label": label,
        "steps": steps,
        "rate": rate,
        "variable": variable,
        "shape": " × ".join(map(str, old[place].shape)),
        "count": f"{old[place].size:,}",
        "length": norm(old[place]),
        "new_length": norm(new[place]),
        **{f"logit{index}": logit for index, logit in enumerate(logits[image])},
        "answer": logits[image].argmax(),
        "new_answer": new_logits[image].argmax(),
        "chance": np.exp(-losses[image]),
        "new_chance": np.exp(-new_losses[image]),
        "one_loss": losses[image],
        "loss": losses.mean(),
        "new_loss": new_losses.mean(),
        "guessing": np.log(10),
        "norm0": norm(gradient),
        **{f"norm{index}": norm(gradients[NAMES.index(name)]) for index, name in enumerate(others, 1)},
        **{f"name{index}": name for index, name in enumerate(others, 1)},
        "where": ", ".join(map(str, where)),
        "old": old[place][where],
        "gradient": gradient[where],
        "new": new[place][where],
        "change": rate * norm(gradient),
        "right": (logits.argmax(axis=1) == labels).sum(),
        "new_right": (new_logits.argmax(axis=1) == labels).sum(),
    }
    return stated if gradient.any() else {**stated, "zero": 0}
