"""The training step explorer of lesson 10, used by keyboard."""

import numpy as np
from pages.base import Explorer, agrees, chosen, number, wait_until
from playwright.sync_api import expect
from training_step_tools import NAMES, PARTS, RATES, expected_status, known_batch, known_training, read_status

PICTURES = (1, 2, 3, 3, 0, 4, 5, 6)  # the part with which each picture comes; 0: it is always there


class TrainingStep(Explorer):
    """The training step explorer of lesson 10, used by keyboard; it starts from the seed that it has by itself."""

    selector = ".cnn-training-step"

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.variable = lab.dropdown(self.root, "Variable")
        for rate in RATES:
            known_training(rate)  # takes a while, so before anything is waited for

    def settings(self) -> dict:
        """Return what the controls say; sliders over names stand at the number of a name, from 0 on."""
        at = {name: int(slider.value) for name, slider in self.sliders.items()}
        return {
            "part": at["part"] + 1,
            "image": at["image"],
            "variable": chosen(self.variable),
            "rate": RATES[at["rate"]],
            "steps": at["steps"],
        }

    def stated(self) -> dict[str, str]:
        """Return what the status line states, as written."""
        return read_status(self.status.inner_text())

    def answers(self) -> bool:
        """status and pictures state what TensorFlow computes here for these settings, and what can be added up"""
        stated, expected = self.stated(), expected_status(**self.settings())
        right = stated and all(
            text == expected[name] if isinstance(expected[name], str) else agrees(text, expected[name])
            for name, text in stated.items()
        )
        return bool(right) and self.adds_up(stated) and self.shows()

    def adds_up(self, stated) -> bool:
        """Tell whether the numbers that are written fit each other, up to their last digits."""
        values = {name: number(text) for name, text in stated.items() if name in ("old", "rate", "gradient", "new")}
        if len(values) < 4:
            return True
        change = values["rate"] * values["gradient"]
        return abs(values["old"] - change - values["new"]) <= 1e-3 * (abs(values["old"]) + abs(change))

    def shows(self) -> bool:
        """Tell whether pictures of later parts are not there yet, and the others show probabilities and answers."""
        settings, pictures = self.settings(), self.root.locator(".cnn-overlay svg").all()
        empty = [picture.locator("rect.later").count() for picture in pictures]
        if empty != [int(part > settings["part"]) for part in PICTURES]:
            return False
        states, labels = known_training(settings["rate"])[settings["steps"] :][:2], known_batch()[1]
        logits, after = states[0][1], states[1][1]
        if settings["part"] >= 3:
            powers = np.exp(logits[settings["image"]] - logits[settings["image"]].max())
            shares = [text.rstrip("%") for text in pictures[2].locator("text").all_text_contents()[1:20:2]]
            points = pictures[3].locator("polyline").get_attribute("points").split()
            if len(points) != settings["steps"] + 1 or not all(map(agrees, shares, 100 * powers / powers.sum())):
                return False
        if settings["part"] == 6:
            answers = [f"{old} → {new}" for old, new in zip(logits.argmax(axis=1), after.argmax(axis=1), strict=True)]
            frames = pictures[7].locator("rect[stroke='#fff']").count()
            written = pictures[7].locator("text").all_text_contents()[:-1]
            return written == answers and frames == (after.argmax(axis=1) == labels).sum()
        return True

    def check(self) -> None:
        """Go through all parts, variables and rates; parts that were seen stay as they are."""
        start = self.status.inner_text()
        assert len(PICTURES) == self.root.locator(".cnn-overlay svg").count()
        self.sliders["part"].press("Home")
        wait_until(self.page, self.answers)
        for part, name in enumerate(PARTS[1:], 2):
            drawn = self.drawn()
            self.sliders["part"].press("ArrowRight")
            expect(self.root.locator(".widget-slider .widget-readout").first).to_have_text(f"{part} {name}")
            wait_until(self.page, self.answers)
            assert self.changed(drawn) == (1 if part in (2, 5) else 2)  # others stay, but for a frame, and the curve
        self.lab.choose(self.variable, "Home")
        for name in NAMES:
            expect(self.variable.locator("option:checked")).to_have_text(name)
            wait_until(self.page, self.answers)
            self.lab.choose(self.variable, "ArrowDown")
        self.sliders["rate"].press("Home")
        for rate in RATES:
            wait_until(self.page, self.answers)
            assert self.settings()["rate"] == rate
            self.sliders["rate"].press("ArrowRight")
        for name, key in (("steps", "End"), ("image", "End"), ("steps", "ArrowLeft"), ("image", "ArrowLeft")):
            drawn = self.drawn()
            self.sliders[name].press(key)
            wait_until(self.page, self.answers)
            wait_until(self.page, lambda drawn=drawn: self.changed(drawn) > 0)
        assert number(self.stated()["loss"]) > 2.2  # at the largest rate the maps die out, and nothing is learned
        self.check_reset(start)


PAGES = (TrainingStep,)
