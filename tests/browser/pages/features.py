"""The feature explorer of lesson 08, used by keyboard."""

from functools import cache

from helpers.datasets import load_dataset

import numpy as np
from pages.base import Explorer, agrees, chosen, known_model, wait_until
from playwright.sync_api import expect

CUTS = ("conv1_relu", "add2", "conv3_relu", "add3", "conv4_relu", "add4")  # of the photos network, in lesson 08


class Feature(Explorer):
    """The feature explorer of lesson 08, used by keyboard; it asks for the first validation critters."""

    selector = ".cnn-feature"
    wording = (
        r"(?P<layer>\w+), (?P<pooling>maximum|mean) of each map, (?P<images>\d+) images? of each class: a linear head "
        r"gets (?P<right>\d+)% of (?P<count>\d+) right, the nearest image (?P<same>\d+)%\. "
        r"Image (?P<asked>\d+): (?P<truth>\w+); nearest: (?P<nearest>\w+(, \w+)*)\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.layers, self.pooling = (lab.dropdown(self.root, label) for label in ("Layer", "Pooling"))
        self.count = int(self.sliders["asked"].end("End")) + 1
        known_features(self.count)  # takes a while, so before anything is waited for

    def answers(self) -> bool:
        """status and bars state what Keras and scikit-learn compute here for these settings"""
        stated, layer, pooling = self.stated(), chosen(self.layers), chosen(self.pooling).split()[0]
        images, asked = (int(self.sliders[name].value) for name in ("images", "asked"))
        wanted = (layer, pooling, str(images), str(asked), str(self.count))
        if not stated or tuple(stated[name] for name in ("layer", "pooling", "images", "asked", "count")) != wanted:
            return False
        names, (_, labels, labels_asked) = load_dataset("critters").class_names, known_features(self.count)
        nearest, right = described(layer, pooling, images, self.count)
        bars = self.root.locator(".cnn-overlay svg").last.locator("text").all_text_contents()
        heads = [described(cut, pooling, images, self.count)[1] for cut in CUTS]
        return (
            stated["truth"] == names[labels_asked[asked]]
            and stated["nearest"].split(", ") == [names[label] for label in labels[nearest[asked]]]
            and agrees(stated["right"], 100 * right)
            and agrees(stated["same"], 100 * np.mean(labels[nearest[:, 0]] == labels_asked))
            and tuple(bars[:-1:2]) == CUTS
            and all(agrees(text.rstrip("%"), 100 * head) for text, head in zip(bars[1::2], heads, strict=True))
        )

    def check(self) -> None:
        """Choose every layer with both poolings, few images and many, and the last image."""
        start = self.status.inner_text()
        wait_until(self.page, self.answers)
        assert tuple(self.layers.locator("option").all_inner_texts()) == CUTS
        for pooling in ("End", "Home"):
            self.lab.choose(self.pooling, pooling)
            self.lab.choose(self.layers, "Home")
            for cut in CUTS:
                expect(self.layers.locator("option:checked")).to_have_text(cut)
                wait_until(self.page, self.answers)
                self.lab.choose(self.layers, "ArrowDown")
        drawn = self.drawn()
        self.sliders["asked"].press("ArrowRight")
        wait_until(self.page, lambda: self.changed(drawn) == 2)  # the image and the nearest ones, not the bars
        for key in ("Home", "ArrowRight", "PageUp"):
            self.sliders["images"].press(key)
            wait_until(self.page, self.answers)
        self.sliders["asked"].press("End")
        wait_until(self.page, self.answers)
        self.check_reset(start)


@cache
def known_features(count: int) -> tuple:
    """Return {(cut, pooling): features of training and asked images} of lesson 08, and the labels of both."""
    import keras

    critters = load_dataset("critters", limit=4_000)
    train, validation = critters.train, critters.validation
    order = np.random.default_rng(0).permutation(len(train))
    some = np.concatenate([order[train.labels[order] == label][:20] for label in range(len(critters.class_names))])
    photos = known_model("photos")
    part = keras.Model(photos.inputs[0], [photos.get_layer(cut).output for cut in CUTS])
    found = {}
    for images in (train.images[some], validation.images[:count]):
        pieces = [part.predict(images[start : start + 50], verbose=0) for start in range(0, len(images), 50)]
        for cut, maps in zip(CUTS, map(np.concatenate, zip(*pieces, strict=True)), strict=True):
            found.setdefault((cut, "maximum"), []).append(maps.max(axis=(1, 2)))
            found.setdefault((cut, "mean"), []).append(maps.mean(axis=(1, 2)))
    return found, train.labels[some], validation.labels[:count]


@cache
def described(cut: str, pooling: str, images: int, count: int) -> tuple:
    """Return the five nearest training images of each asked one, and what a linear head gets right, by scikit-learn."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    features, labels, labels_asked = known_features(count)
    some = np.arange(len(labels)) % 20 < images  # they are in order of their classes, twenty of each
    known, asked = features[cut, pooling]
    scaler = StandardScaler().fit(known[some].astype(float))
    known, asked = (scaler.transform(part.astype(float)) for part in (known[some], asked))
    nearest = NearestNeighbors(n_neighbors=5).fit(known).kneighbors(asked, return_distance=False)
    head = RidgeClassifier(alpha=100.0).fit(known, labels[some])
    return np.flatnonzero(some)[nearest], head.score(asked, labels_asked)


PAGES = (Feature,)
