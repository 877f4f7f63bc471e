"""The Grad-CAM explorer of lesson 07, used by keyboard."""

from helpers.datasets import load_dataset, load_photo, resize_photo

import numpy as np
from pages.base import Explorer, agrees, chosen, known_model, wait_until
from playwright.sync_api import expect


class GradCam(Explorer):
    """A Grad-CAM explorer of lesson 07, used by keyboard: of critters, or of photographs (with a list of sizes)."""

    selector = ".cnn-gradcam"
    wording = (
        r"(?P<image>.+): the network says (?P<guess>\w+) \((?P<sure>\d+)%\)\. (Heat for (?P<label>\w+) "
        r"\((?P<share>\d+)%\) in (?P<layer>\w+): most at row (?P<row>\d+), column (?P<column>\d+); (?P<warm>\d+)% of "
        r"the image have more than half of that\.( The hottest place is (?P<where>on|beside) the object; overlap "
        r"(?P<overlap>\d+)%\.)?|Nothing in (?P<nothing>\w+) speaks for (?P<nobody>\w+): there is no heat\.)"
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.images, self.labels, self.layers = (lab.dropdown(self.root, name) for name in ("Image", "Class", "Layer"))
        self.size = lab.dropdown(self.root, "Longer side")
        self.of_photos = self.size.count() > 0
        self.uploaded = {}  # photographs by name, as the widget should read them
        self.answers()  # loads the network, which takes a while, before anything is waited for

    def pixels(self, name: str) -> np.ndarray:
        """Return the image of this name as the network gets it."""
        if not self.of_photos:
            return load_dataset("critters").test.images[int(name.split(":")[0])]
        photo = self.uploaded[name] if name in self.uploaded else load_photo(name)
        return resize_photo(photo, int(chosen(self.size)))

    def answers(self) -> bool:
        """the status line states what `helpers.explain` computes here for these settings"""
        from helpers import explain
        from helpers.datasets import critters
        from helpers.models import CLASS_NAMES

        stated, name, layer, label = self.stated(), *map(chosen, (self.images, self.layers, self.labels))
        which = "photos" if self.of_photos else "critters"
        names, model = CLASS_NAMES[which], known_model(which)
        if not stated or stated["image"] != name:
            return False
        image = self.pixels(name)[np.newaxis]
        probabilities = explain.predict(model, image)[0]
        index = int(probabilities.argmax()) if label not in names else names.index(label)
        right = stated["guess"] == names[probabilities.argmax()] and agrees(stated["sure"], 100 * probabilities.max())
        heat = explain.grad_cam(model, image, index, layer)
        if heat.max() <= 0:
            return right and (stated.get("nothing"), stated.get("nobody")) == (layer, names[index])
        if not right or (stated.get("layer"), stated.get("label")) != (layer, names[index]):
            return False
        there = heat[0, int(stated["row"]), int(stated["column"])]
        right = there >= 0.999 * heat.max() and agrees(stated["share"], 100 * probabilities[index])
        right = right and abs(int(stated["warm"]) - 100 * np.mean(heat > 0.5 * heat.max())) < 1
        if self.of_photos:
            return right
        mask = critters.critter("test", int(name.split(":")[0])).mask[np.newaxis]
        hit = "on" if explain.pointing_game(heat, mask)[0] else "beside"
        return (
            right and stated["where"] == hit and abs(int(stated["overlap"]) - 100 * explain.overlap(heat, mask)[0]) < 1
        )

    def check(self) -> None:
        """Choose every class, every layer, the last image and the ends of the opacity."""
        start = self.status.inner_text()
        for select in (self.labels, self.layers):
            self.lab.choose(select, "Home")
            for name in select.locator("option").all_inner_texts():
                expect(select.locator("option:checked")).to_have_text(name)
                wait_until(self.page, self.answers, seconds=60)  # a layer is compiled when it is first chosen
                self.lab.choose(select, "ArrowDown")
        drawn = self.drawn()
        self.sliders["opacity"].press("Home")
        wait_until(self.page, lambda: self.changed(drawn) == 1)  # only the heat over the image
        self.lab.choose(self.images, "End")
        wait_until(self.page, self.answers)
        if self.of_photos:
            for key in ("Home", "End"):
                self.lab.choose(self.size, key)
                wait_until(self.page, self.answers)
        self.check_reset(start)


PAGES = (GradCam,)
