"""The layer calculator of lesson 03, used by keyboard."""

import re

from helpers.widgets.calculator import STACKS

from known_totals import TOTALS
from pages.base import Widget
from playwright.sync_api import expect


class Calculator(Widget):
    """A layer calculator, number ``place`` of a notebook, used by keyboard; it has no sliders."""

    selector = ".cnn-calculator"

    def check(self) -> None:
        """Choose each network of a layer calculator, change, add and remove layers, and read the parameters."""
        root, status, preset = self.root, self.status, self.lab.dropdown(self.root, "Start from")
        expect(status).to_have_text(re.compile(r"^[\d,]+ parameters, .* multiplications per image, output \S+\.$"))

        assert set(STACKS) == set(TOTALS)
        self.lab.choose(preset, "Home")
        for name in STACKS:
            expect(status).to_contain_text(f"{TOTALS[name]:,} parameters")
            expect(preset.locator("option:checked")).to_have_text(name)
            self.lab.choose(preset, "ArrowDown")

        self.lab.choose(preset, "Home", *["ArrowDown"] * list(STACKS).index("Digits, flatten"))
        expect(status).to_contain_text("93,322 parameters")
        kernels = root.locator(".cnn-filters input").first
        kernels.click()
        for text, parameters in (("16", 83_946), ("24", 88_634)):  # conv 10·k, next conv (9·k + 1)·64, and 74,506 above
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
            self.page.keyboard.press("Enter")
            expect(status).to_contain_text(f"{parameters:,} parameters")
        self.page.keyboard.press("ArrowUp")  # the field still has the focus
        expect(status).to_contain_text(f"{25 * 10 + (9 * 25 + 1) * 64 + 74_506:,} parameters")
        now = 25 * 10 + (9 * 25 + 1) * 64 + 74_506
        root.get_by_role("button", name="Add layer").press("Enter")
        expect(status).to_contain_text(f"{now + 110:,} parameters")  # ten units on ten
        root.locator("button.cnn-remove").last.press("Enter")
        expect(status).to_contain_text(f"{now:,} parameters")
        root.locator("button.cnn-insert").nth(4).press("Enter")
        expect(status).to_contain_text(f"{now + 4_160:,} parameters")  # 36,928 more, and 64 numbers to flatten, not 576
        self.lab.choose(root.locator(".cnn-kind select").first, "End", "ArrowUp")  # global average pooling, first
        expect(status).to_contain_text("Layer 2 (MaxPooling2D) needs (height, width, channels)")
        root.get_by_role("button", name="Reset").press("Enter")
        expect(status).to_contain_text("multiplications per image")
        assert self.lab.errors() == []


PAGES = (Calculator,)
