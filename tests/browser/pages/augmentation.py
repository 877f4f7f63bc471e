"""The augmentation explorer of lesson 05, used by keyboard."""

import io

from helpers.datasets import load_dataset
from helpers.widgets.augmentation import AUGMENTATIONS

import numpy as np
from pages.base import Explorer, agrees, chosen, wait_until
from PIL import Image
from playwright.sync_api import expect


class Augmentation(Explorer):
    """An augmentation explorer of lesson 05, used by keyboard; it shows the training critters from number 10 on."""

    selector = ".cnn-augmentation"
    wording = (
        r"(?P<layer>\w+)\((?P<options>.*?)\) (?P<meaning>[a-z].+?)\. "
        r"(A pixel changes by (?P<change>\d+) of 255 on average|The first label becomes (?P<label>.+))\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.layers = lab.dropdown(self.root, "Layer")
        critters = load_dataset("critters")
        self.critters, self.names = critters.train, critters.class_names

    def shown(self) -> list[np.ndarray]:
        """Return the pixels of the image, and of the sheet with eight others."""
        files = (io.BytesIO(self.lab.png(picture)) for picture in self.pictures.all())
        return [np.asarray(Image.open(file).convert("RGB"), int) for file in files]

    def answers(self) -> bool:
        """status and pictures belong to the layer, the strength and the image that the controls say"""
        stated, name = self.stated(), chosen(self.layers)
        if not stated or stated["layer"] != name:
            return False
        value = AUGMENTATIONS[name].values[int(self.sliders["strength"].value)]
        wanted = ", ".join(f"{key}={it!r}" for key, it in AUGMENTATIONS[name].arguments(value).items())
        image, sheet = self.shown()
        number = 10 + int(self.sliders["image"].value)
        if stated["options"] != wanted or not np.array_equal(image, self.critters.images[number]):
            return False
        if AUGMENTATIONS[name].mixes:
            return self.names[self.critters.labels[number]] in stated["label"]
        eight = sheet.reshape(2, 64, 4, 64, 3).swapaxes(1, 2)
        return agrees(stated["change"], np.abs(eight - image).mean())

    def check(self) -> None:
        """Try each layer, weak and strong; another draw gives other images, Reset the first ones."""
        start = self.status.inner_text()
        drawn = self.drawn()
        self.sliders["draw"].press("ArrowRight")
        wait_until(self.page, lambda: self.changed(drawn) > 0)
        wait_until(self.page, self.answers)
        self.lab.choose(self.layers, "Home")
        for name in AUGMENTATIONS:
            expect(self.layers.locator("option:checked")).to_have_text(name)
            wait_until(self.page, self.answers)  # the kernel has set the strength to the middle
            for key in ("Home", "End"):
                self.sliders["strength"].press(key)
                assert self.sliders["strength"].value == (len(AUGMENTATIONS[name].values) - 1) * (key == "End")
                wait_until(self.page, self.answers)
            assert self.stated().get("change") != "0", f"{name} at its strongest changes nothing"
            self.lab.choose(self.layers, "ArrowDown")
        self.check_reset(start)


PAGES = (Augmentation,)
