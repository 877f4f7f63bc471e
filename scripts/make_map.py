"""Draw docs/map.png, the picture of the lessons in the README: `.venv/bin/python scripts/make_map.py`."""

import textwrap
from itertools import pairwise
from pathlib import Path

from helpers import plots
from helpers.activations import activations, best_inputs
from helpers.convolution import KERNELS, convolve
from helpers.datasets import (
    load_benchmark_runs,
    load_dataset,
    load_photo,
    load_recipe_runs,
    load_runs,
    load_transfer_runs,
)
from helpers.explain import grad_cam
from helpers.gabor import gabor_kernel
from helpers.lessons import SERIES
from helpers.models import load_model
from helpers.pixels import ACCENT, colorize, heat_over
from helpers.raw_tensorflow import UPDATE_RULES
from helpers.widgets.augmentation import augment
from helpers.widgets.dropout import chart

import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def curves() -> np.ndarray:
    """Return training and validation accuracy of a network that memorizes, as uint8 RGB."""
    runs = load_runs()

    def draw(ax):
        plots.plot_runs(runs[runs["variant"] == "dropout 0.0"], ax=ax)
        ax.get_legend().remove()
        ax.set(xlabel="", ylabel="", xticks=[], yticks=[], ylim=(0, 1.05))

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def learned() -> np.ndarray:
    """Return what training made of nine kernels of the digits network, as uint8 RGB."""
    first = next(layer for layer in load_model("digits").layers if hasattr(layer, "kernel"))
    kernels = np.moveaxis(np.asarray(first.kernel)[:, :, 0], 2, 0)
    slopes = np.argsort(np.abs(kernels.sum(axis=(1, 2))) / np.abs(kernels).sum(axis=(1, 2)))[:9]
    tiles = [np.pad(colorize(kernels[k].repeat(20, 0).repeat(20, 1)), ((2, 2), (2, 2), (0, 0))) for k in slopes]
    return np.vstack([np.hstack(tiles[row : row + 3]) for row in (0, 3, 6)])


def variants() -> np.ndarray:
    """Return a critter and what eight layers make of it, as uint8 RGB."""
    image = load_dataset("critters").train.images[9:10]
    names = ("RandomZoom", "RandomRotation", "RandomHue", "RandomTranslation", "RandomFlip", "RandomShear")
    names += ("RandomErasing", "RandomGaussianBlur")
    made = [augment(image, np.eye(10)[:1], name, 0 if name == "RandomFlip" else 3, seed=3).images[0] for name in names]
    made.insert(4, image[0])
    return np.vstack([np.hstack(made[row : row + 3]) for row in (0, 3, 6)])


def caricatures() -> np.ndarray:
    """Return what nine channels of the critters network like best, as uint8 RGB."""
    model, images = load_model("critters"), load_dataset("critters").train.images[:200]
    liveliest = np.argsort(-activations(model, images, "conv4").mean(axis=(0, 1, 2)))[:9]
    made, _ = best_inputs(model, "conv4", liveliest, size=48, variation=0.01)
    return np.vstack([np.hstack(made[row : row + 3]) for row in (0, 3, 6)])


def heat() -> np.ndarray:
    """Return a critter under its Grad-CAM, as uint8 RGB."""
    image = load_dataset("critters").test.images[1:2]
    return heat_over(image[0], grad_cam(load_model("critters"), image)[0], 0.5)


def worth() -> np.ndarray:
    """Return the accuracy for 10, 20 and 50 images of each class, each way to train a line, as uint8 RGB."""
    means = load_transfer_runs().pivot_table("test_accuracy", "images_per_class", "way", sort=False)

    def draw(ax):
        ax.plot(means, marker="o", linewidth=3)
        ax.set(xscale="log", xticks=[], yticks=[])
        ax.minorticks_off()

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def blocks() -> np.ndarray:
    """Return weights and multiply-adds of the five blocks of VGG16 as bars, uint8 RGB."""
    kernels = [[3, 64, 64], [64, 128, 128], [128, *[256] * 3], [256, *[512] * 3], [512] * 4]
    weights = np.array([9 * sum(a * b for a, b in pairwise(depths)) for depths in kernels])
    work = weights * np.array([224, 112, 56, 28, 14]) ** 2

    def draw(ax):
        ax.bar(np.arange(5) - 0.2, weights / weights.sum(), 0.4, color=ACCENT)
        ax.bar(np.arange(5) + 0.2, work / work.sum(), 0.4, color="0.65")
        ax.set(xticks=[], yticks=[])

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def back() -> np.ndarray:
    """Return the gradient for the pixels of a digit where few errors come from the map, as uint8 RGB."""
    error = np.zeros((26, 26))
    error[[4, 9, 17, 20, 12], [6, 18, 8, 19, 12]] = 1, -1, -0.8, 0.7, 0.5
    stamp = gabor_kernel(0.12, 0.6, 3.0).real
    return colorize(convolve(error, stamp, padding=len(stamp) // 2, flip=True))


def ways() -> np.ndarray:
    """Return the ways that momentum and Adam take down a valley, as uint8 RGB."""

    def draw(ax):
        for name, rate in (("momentum", 0.006), ("Adam", 0.5)):
            places, memory = [np.array([-8.0, 1.6])], {}
            for _ in range(40):
                places.append(places[-1] + UPDATE_RULES[name](np.array([1.0, 30.0]) * places[-1], memory, rate))
            ax.plot(*np.transpose(places), marker=".")
        ax.set(xticks=[], yticks=[])

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def race() -> np.ndarray:
    """Return accuracy against the clock on CIFAR-10, a line for each training, as uint8 RGB."""
    runs = load_benchmark_runs(quiet=True)

    def draw(ax):
        for _, curve in runs.groupby("name"):
            ax.plot(curve["seconds"], curve["val_accuracy"], linewidth=3)
        ax.set(xscale="log", xticks=[], yticks=[])
        ax.minorticks_off()

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def less() -> np.ndarray:
    """Return what each piece of the recipe is worth on CIFAR-10, in the order of that, as uint8 RGB."""
    runs = load_recipe_runs()
    last = runs[runs["epoch"] == runs["epoch"].max()].pivot_table("val_accuracy", "seed", "piece")
    points = last.sub(last["whole recipe"], axis=0).drop(columns="whole recipe").mean().sort_values()

    def draw(ax):
        ax.barh(np.arange(len(points)), points, color=[ACCENT if value < 0 else "0.65" for value in points])
        ax.axvline(0, color="0.3")
        ax.set(xticks=[], yticks=[])

    return chart(draw, (192, 192), (0.05, 0.05, 0.9, 0.9))[0]


def thumbnails() -> dict[str, np.ndarray]:
    """Return a picture for some lessons, as uint8 RGB."""
    photo = load_photo("camera")[40:296, 110:366]
    digits = load_dataset("digits").train.images[:16, :, :, 0]
    settings = [(theta, sigma) for sigma in (2, 4, 6, 8) for theta in np.pi * np.arange(4) / 4]
    kernels = [gabor_kernel(0.5 / sigma, theta, sigma).real for theta, sigma in settings]
    kernels = [colorize(np.pad(kernel, (49 - len(kernel)) // 2)) for kernel in kernels]
    return {
        "01": colorize(convolve(photo, KERNELS["Sobel x"])),
        "02": np.vstack([np.hstack(kernels[row : row + 4]) for row in range(0, 16, 4)]),
        "03": colorize(255 - np.vstack([np.hstack(digits[row : row + 4]) for row in range(0, 16, 4)])),
        "03b": learned(),
        "04": curves(),
        "05": variants(),
        "06": caricatures(),
        "07": heat(),
        "08": worth(),
        "09": blocks(),
        "10": back(),
        "10b": ways(),
        "11": race(),
        "11b": less(),
    }


def draw():
    """Return the figure: a tile for each lesson, in color where the lesson is there."""
    plots.set_style()
    fig, axes = plt.subplots(3, 5, figsize=(8.4, 6.3))
    pictures = thumbnails()
    for ax, lesson in zip(axes.flat, SERIES, strict=True):
        if lesson.ready and lesson.id in pictures:
            ax.imshow(pictures[lesson.id], aspect="equal")
        else:
            ax.imshow(np.full((10, 10, 3), 245, np.uint8))
            ax.text(4.5, 4.5, lesson.id, ha="center", va="center", size=26, color="0.75")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set(visible=True, color=ACCENT if lesson.ready else "0.8", linewidth=2.5 if lesson.ready else 1)
        name = textwrap.fill(lesson.title, 17)  # in two lines, so that all pictures are of one height
        name += "" if "\n" in name else "\n"
        ax.set_title(f"{lesson.id} {name}", size=10, color="k" if lesson.ready else "0.5")
    return fig


if __name__ == "__main__":
    draw().savefig(ROOT / "docs" / "map.png", dpi=96)
