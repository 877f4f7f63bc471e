"""The convolution stepper of lesson 01, used by keyboard."""

import re

import numpy as np
from pages.base import Widget, number, wait_until
from playwright.sync_api import expect


class Stepper(Widget):
    """The convolution stepper number ``place`` of a notebook, used by keyboard."""

    selector = ".cnn-stepper"

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.map_title = self.root.locator(".cnn-map-title")
        self.handle = lab.slider(self.root, "Step")
        self.preset = lab.dropdown(self.root, "Kernel")
        self.fields = self.root.locator(".cnn-kernel input[type=text]")
        self.image_title = self.root.get_by_text(re.compile(r"^Image \d")).first
        self.image = [size - 2 * int(self.sliders["Padding"].value) for size in self.size(self.image_title)]

    def press(self, *keys: str) -> None:
        """Press keys on the handle of the slider Step."""
        for key in keys:
            self.handle.press(key)

    def expect_step(self, step: int, last: int) -> None:
        """Wait until the status line says that this step is shown."""
        expect(self.status).to_contain_text(f"Step {step:,} of {last:,} (")

    def answers(self) -> bool:
        """the stepper states step, place, sizes and sum of what its controls say"""
        step, stride, padding, dilation = (
            int(self.sliders[name].value) for name in ("Step", "Stride", "Padding", "Dilation")
        )
        padded = [size + 2 * padding for size in self.image]
        height = self.root.locator(".cnn-kernel .widget-hbox").count()
        extents = (height, self.fields.count() // height)
        rows, cols = (
            (size - (extent - 1) * dilation - 1) // stride + 1 for size, extent in zip(padded, extents, strict=True)
        )
        row, col = divmod(step, cols)
        return (
            self.status.inner_text().startswith(f"Step {step + 1:,} of {rows * cols:,} (row {row}, column {col}): ")
            and self.size(self.image_title) == tuple(padded)
            and self.size(self.map_title) == (rows, cols)
            and self.sums_to(self.table("kernel"))
        )

    def size(self, title) -> tuple[int, int]:
        """Return the height and width that a title states."""
        rows, cols = re.search(r"(\d+) × (\d+)", title.inner_text()).groups()
        return int(rows), int(cols)

    def table(self, name: str) -> np.ndarray:
        """Return the numbers of one table (pixels, kernel, products), in the order of reading, without its title."""
        return np.array([number(text) for text in self.root.locator(f"g.{name} text").all_text_contents()[1:]])

    def kernel(self) -> np.ndarray:
        """Return the values in the text fields."""
        return np.array([number(field.input_value()) for field in self.fields.all()])

    def total(self) -> float:
        """Return the sum that the status line states."""
        return number(re.search(r"sums? to (\S+)\.$", self.status.inner_text()).group(1))

    def type(self, place: int, text: str, leave: str = "Tab") -> None:
        """Click on a kernel cell, replace its text, and leave it by a key."""
        self.fields.nth(place).click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.page.keyboard.press(leave)

    def sums_to(self, kernel) -> bool:
        """Tell whether the status states the sum of the products of the shown pixels with ``kernel``, as written."""
        return bool(np.isclose(self.total(), self.table("pixels") @ np.ravel(kernel), rtol=0.006, atol=0.006))

    def expect_sum(self, kernel) -> None:
        """Wait until the status states the sum for this kernel."""
        wait_until(self.page, lambda: self.sums_to(kernel))

    def check_steps(self) -> None:
        """Home, End and the arrows reach the first, the last and the next pixel."""
        rows, cols = self.size(self.map_title)
        last = rows * cols
        for keys, step in ((["Home"], 1), (["End"], last), (["ArrowLeft"], last - 1), (["Home", "ArrowRight"], 2)):
            self.press(*keys)
            self.expect_step(step, last)
        self.press(*["PageUp"] * 5)  # to the middle, where the image is not empty
        wait_until(
            self.page, lambda: int(re.search(r"Step ([\d,]+)", self.status.inner_text())[1].replace(",", "")) > 2
        )

    def check_kernel_cells(self) -> None:
        """A typed kernel is applied; what is no number is answered, and changes nothing."""
        self.expect_sum(self.kernel())
        self.type(1, "2.5")
        self.type(2, "-1/4", "Enter")
        assert self.kernel()[1:3].tolist() == [2.5, -0.25]
        self.expect_sum(self.kernel())
        count = self.fields.count()
        for place in range(count):
            self.type(place, "1" if place == count // 2 else "0")
        wait_until(self.page, lambda: self.total() == self.table("pixels")[count // 2])
        self.type(0, "abc")
        expect(self.status).to_contain_text("“abc” is not a number")
        self.type(0, "3")
        expect(self.status).to_contain_text("sum to")
        self.expect_sum(self.kernel())

    def check_presets(self) -> None:
        """The list of kernels works by keyboard: its first one leaves the image as it is."""
        self.lab.choose(self.preset, "Home")
        wait_until(self.page, lambda: self.kernel().tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0])
        self.expect_sum([0, 0, 0, 0, 1, 0, 0, 0, 0])
        self.lab.choose(self.preset, "ArrowDown")
        wait_until(self.page, lambda: np.allclose(self.kernel(), 1 / 9))

    def check_settings(self) -> None:
        """Stride, padding and dilation, one by one and together, change the feature map as the formula says."""
        ends = {"Stride": (1, 4), "Padding": (0, 3), "Dilation": (1, 3)}
        moves = [(name, key) for name in ends for key in ("End", "Home")]
        moves += [(name, "End") for name in ends] + [(name, "Home") for name in ends]
        for name, key in moves:
            self.sliders[name].press(key)
            assert self.sliders[name].value == ends[name][key == "End"]
            wait_until(self.page, self.answers)

    def check_flip_and_reset(self, kernel) -> None:
        """Flip turns an asymmetric kernel by 180°; Reset brings back this one, and what was there at first."""
        reset, flip = self.root.get_by_role("button", name="Reset"), self.root.get_by_role("checkbox")
        reset.press("Enter")
        for turned in (kernel[::-1], kernel):  # answered after the reset, which else would take back what is typed
            flip.press("Space")
            wait_until(self.page, lambda turned=turned: np.array_equal(self.table("kernel"), turned))
        first = self.status.inner_text()
        for place in range(9):
            self.type(place, str(place + 1))
        flip.press("Space")
        wait_until(self.page, lambda: self.table("kernel").tolist() == list(range(9, 0, -1)))
        assert self.kernel().tolist() == list(range(1, 10))
        self.expect_sum(np.arange(9, 0, -1))
        self.press("End")
        expect(self.status).not_to_contain_text(first.split(":")[0])  # under load a click can overtake a slider
        reset.press("Enter")
        expect(self.status).to_have_text(first)
        expect(flip).not_to_be_checked()

    def check(self) -> None:
        """Use every control of a stepper whose image is at least 12 × 12 and whose kernel is one of the presets."""
        start = self.kernel()
        self.check_steps()
        self.check_kernel_cells()
        self.check_presets()
        self.check_settings()
        self.check_flip_and_reset(start)
        wait_until(self.page, lambda: np.array_equal(self.kernel(), start))
        assert self.lab.errors() == []


PAGES = (Stepper,)
