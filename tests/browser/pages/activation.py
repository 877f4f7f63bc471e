"""The activation explorer of lesson 06, used by keyboard."""

from functools import cache

from helpers.datasets import load_dataset

import numpy as np
from pages.base import Explorer, agrees, chosen, known_model, wait_until
from playwright.sync_api import expect


class Activation(Explorer):
    """The activation explorer of lesson 06, used by keyboard; it shows the first sixty test critters."""

    selector = ".cnn-activation"
    wording = (
        r"(?P<layer>\w+), channel (?P<channel>\d+) of (?P<count>\d+), (?P<height>\d+) × (?P<width>\d+): largest "
        r"(?P<largest>\S+) at row (?P<row>\d+), column (?P<column>\d+); (?P<zeros>\d+)% of it is 0 or less\. By its "
        r"largest value, image (?P<image>\d+) is number (?P<rank>\d+) of 60\. The network says (?P<guess>\w+) "
        r"\((?P<sure>\d+)%\), and it is (?P<truth>\w+)\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.layers, self.order = (lab.dropdown(self.root, label) for label in ("Layer", "Images"))
        self.answers()  # loads the network, which takes a while, before anything is waited for

    def answers(self) -> bool:
        """the status line states what the network, loaded here once more, does at these settings"""
        stated, layer, channel = self.stated(), chosen(self.layers), int(self.sliders["channel"].value)
        if not stated or (stated["layer"], stated["channel"]) != (layer, str(channel)):
            return False
        critters, maps = load_dataset("critters"), known_maps(layer)
        peaks = maps[..., channel].max(axis=(1, 2))
        ranked = np.argsort(-peaks, kind="stable")
        place = int(self.sliders["image"].value)
        image = place if chosen(self.order) == "as they come" else int(ranked[place])
        shown, probabilities = maps[image, :, :, channel], known_probabilities()[image]
        names = critters.class_names
        return (
            (int(stated["image"]), int(stated["count"])) == (image, maps.shape[3])
            and int(stated["rank"]) == list(ranked).index(image) + 1
            and agrees(stated["largest"], float(shown.max()))
            and shown[int(stated["row"]), int(stated["column"])] == shown.max()
            and agrees(stated["zeros"], 100 * np.mean(shown <= 0))
            and (stated["guess"], stated["truth"])
            == (names[probabilities.argmax()], names[critters.test.labels[image]])
            and agrees(stated["sure"], 100 * probabilities.max())
        )

    def check(self) -> None:
        """Choose every layer, go to the ends of its channels, put the strongest images first."""
        start, layers = self.status.inner_text(), self.layers.locator("option").all_inner_texts()
        self.lab.choose(self.layers, "Home")
        for name in layers:
            expect(self.layers.locator("option:checked")).to_have_text(name)
            for key in ("End", "Home"):
                self.sliders["channel"].press(key)
                wait_until(self.page, self.answers)
            self.lab.choose(self.layers, "ArrowDown")
        self.lab.choose(self.order, "End")
        self.sliders["image"].press("Home")
        wait_until(self.page, self.answers)
        assert self.stated()["rank"] == "1"
        self.check_reset(start)


@cache
def known_maps(layer: str) -> np.ndarray:
    """Return the maps of a layer for the first sixty test critters, by Keras alone."""
    import keras

    model = known_model("critters")
    part = keras.Model(model.input, model.get_layer(layer).output)
    return part.predict(load_dataset("critters").test.images[:60], verbose=0)


@cache
def known_probabilities() -> np.ndarray:
    """Return what the network says of the first sixty test critters."""
    return known_model("critters").predict(load_dataset("critters").test.images[:60], verbose=0)


PAGES = (Activation,)
