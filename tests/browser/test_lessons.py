"""Each lesson in JupyterLab: all cells run, and a learner at the keyboard gets the right numbers from its widgets."""

import re
import time
from fractions import Fraction
from pathlib import Path

from helpers.datasets import load_dataset, load_photo
from helpers.widgets import STACKS

import nbformat
import numpy as np
import pytest
from known_totals import TOTALS
from playwright.sync_api import expect

LESSONS = sorted(path.name for path in (Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def number(text: str) -> float:
    """Return what a widget writes as a number: "−2", "1/9", "1,234"."""
    return float(Fraction(text.replace("−", "-").replace(",", "")))


def wait_until(page, condition, seconds: float = 10) -> None:
    """Return once ``condition()`` is true; fail with what it is about if that takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not true after {seconds} s: {condition.__doc__ or condition}"
        page.wait_for_timeout(50)


class Stepper:
    """The convolution stepper number ``place`` of a notebook, used by keyboard."""

    def __init__(self, lab, place: int = 0):
        self.lab, self.page = lab, lab.page
        self.root = lab.widgets(".cnn-stepper").nth(place)
        self.status = self.root.locator(".cnn-status")
        self.map_title = self.root.locator(".cnn-map-title")
        self.handle = lab.slider(self.root, "Step")
        self.preset = lab.dropdown(self.root, "Kernel")
        self.fields = self.root.locator(".cnn-kernel input[type=text]")
        self.root.scroll_into_view_if_needed()

    def press(self, *keys: str) -> None:
        """Press keys on the handle of the slider Step."""
        for key in keys:
            self.handle.press(key)

    def expect_step(self, step: int, last: int) -> None:
        """Wait until the status line says that this step is shown."""
        expect(self.status).to_contain_text(f"Step {step:,} of {last:,} (")

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

    def expect_sum(self, kernel) -> None:
        """Wait until the status states the sum of the products of the shown pixels with ``kernel``, as written."""

        def stated():
            """the status line states the sum of pixels × kernel"""
            expected = float(self.table("pixels") @ np.ravel(kernel))
            return np.isclose(self.total(), expected, rtol=0.006, atol=0.006)

        wait_until(self.page, stated)


def check_steps(stepper) -> None:
    """Home, End and the arrows reach the first, the last and the next pixel."""
    rows, cols = stepper.size(stepper.map_title)
    last = rows * cols
    for keys, step in ((["Home"], 1), (["End"], last), (["ArrowLeft"], last - 1), (["Home", "ArrowRight"], 2)):
        stepper.press(*keys)
        stepper.expect_step(step, last)
    stepper.press(*["PageUp"] * 5)  # to the middle, where the image is not empty
    wait_until(
        stepper.page, lambda: int(re.search(r"Step ([\d,]+)", stepper.status.inner_text())[1].replace(",", "")) > 2
    )


def check_kernel_cells(stepper) -> None:
    """A typed kernel is applied; what is no number is answered, and changes nothing."""
    stepper.expect_sum(stepper.kernel())
    stepper.type(1, "2.5")
    stepper.type(2, "-1/4", "Enter")
    assert stepper.kernel()[1:3].tolist() == [2.5, -0.25]
    stepper.expect_sum(stepper.kernel())
    count = stepper.fields.count()
    for place in range(count):
        stepper.type(place, "1" if place == count // 2 else "0")
    wait_until(stepper.page, lambda: stepper.total() == stepper.table("pixels")[count // 2])
    stepper.type(0, "abc")
    expect(stepper.status).to_contain_text("“abc” is not a number")
    stepper.type(0, "3")
    expect(stepper.status).to_contain_text("sum to")
    stepper.expect_sum(stepper.kernel())


def check_presets(stepper) -> None:
    """The list of kernels works by keyboard: its first one leaves the image as it is."""
    stepper.lab.choose(stepper.preset, "Home")
    wait_until(stepper.page, lambda: stepper.kernel().tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0])
    stepper.expect_sum([0, 0, 0, 0, 1, 0, 0, 0, 0])
    stepper.lab.choose(stepper.preset, "ArrowDown")
    wait_until(stepper.page, lambda: np.allclose(stepper.kernel(), 1 / 9))


def check_settings(stepper) -> None:
    """Stride, padding and dilation change the size of the feature map as the formula says, at both ends."""
    image = stepper.size(stepper.root.get_by_text(re.compile(r"^Image \d")).first)
    extent = 3  # of the presets
    settings = {"Stride": (1, 4), "Padding": (0, 3), "Dilation": (1, 3)}
    now = {"Stride": 1, "Padding": 0, "Dilation": 1}
    moves = [(name, key) for name in settings for key in ("End", "Home")]
    moves += [(name, "End") for name in settings] + [(name, "Home") for name in settings]
    for name, key in moves:
        stepper.lab.slider(stepper.root, name).press(key)
        now[name] = settings[name][key == "End"]
        stride, padding, dilation = now.values()
        rows, cols = ((n - (extent - 1) * dilation - 1 + 2 * padding) // stride + 1 for n in image)
        expect(stepper.map_title).to_contain_text(f"Feature map {rows} × {cols}")
        stepper.expect_sum(stepper.table("kernel"))


def check_flip_and_reset(stepper) -> None:
    """Flip turns an asymmetric kernel by 180°; Reset brings back what was there at first."""
    for place in range(9):
        stepper.type(place, str(place + 1))
    stepper.root.get_by_role("checkbox").press("Space")
    wait_until(stepper.page, lambda: stepper.table("kernel").tolist() == list(range(9, 0, -1)))
    assert stepper.kernel().tolist() == list(range(1, 10))
    stepper.expect_sum(np.arange(9, 0, -1))
    stepper.root.get_by_role("button", name="Reset").press("Enter")
    expect(stepper.status).to_contain_text("Step 1 of")
    expect(stepper.root.get_by_role("checkbox")).not_to_be_checked()


def check_stepper(lab, place: int = 0) -> None:
    """Use every control of a stepper whose image is at least 12 × 12 and whose kernel is one of the presets."""
    stepper = Stepper(lab, place)
    start = stepper.kernel()
    check_steps(stepper)
    check_kernel_cells(stepper)
    check_presets(stepper)
    check_settings(stepper)
    check_flip_and_reset(stepper)
    wait_until(lab.page, lambda: np.array_equal(stepper.kernel(), start))
    assert lab.errors() == []


def check_calculator(lab, place: int = 0) -> None:
    """Choose each network of a layer calculator, change, add and remove layers, and read the parameters."""
    root = lab.widgets(".cnn-calculator").nth(place)
    root.scroll_into_view_if_needed()
    status, preset = root.locator(".cnn-status"), lab.dropdown(root, "Start from")
    expect(status).to_have_text(re.compile(r"^[\d,]+ parameters, .* multiplications per image, output \S+\.$"))

    assert set(STACKS) == set(TOTALS)
    lab.choose(preset, "Home")
    for name in STACKS:
        expect(status).to_contain_text(f"{TOTALS[name]:,} parameters")
        expect(preset.locator("option:checked")).to_have_text(name)
        lab.choose(preset, "ArrowDown")

    lab.choose(preset, "Home", *["ArrowDown"] * list(STACKS).index("Digits, flatten"))
    expect(status).to_contain_text("93,322 parameters")
    kernels = root.locator(".cnn-filters input").first
    kernels.click()
    for text, parameters in (("16", 83_946), ("24", 88_634)):  # conv 10·k, next conv (9·k + 1)·64, and 74,506 above
        lab.page.keyboard.press("Control+A")
        lab.page.keyboard.type(text)
        lab.page.keyboard.press("Enter")
        expect(status).to_contain_text(f"{parameters:,} parameters")
    lab.page.keyboard.press("ArrowUp")  # the field still has the focus
    expect(status).to_contain_text(f"{25 * 10 + (9 * 25 + 1) * 64 + 74_506:,} parameters")
    now = 25 * 10 + (9 * 25 + 1) * 64 + 74_506
    root.get_by_role("button", name="Add layer").press("Enter")
    expect(status).to_contain_text(f"{now + 110:,} parameters")  # ten units on ten
    root.locator("button.cnn-remove").last.press("Enter")
    expect(status).to_contain_text(f"{now:,} parameters")
    root.locator("button.cnn-insert").nth(4).press("Enter")
    expect(status).to_contain_text(f"{now + 4_160:,} parameters")  # 36,928 more, and 64 numbers to flatten, not 576
    lab.choose(root.locator(".cnn-kind select").first, "End", "ArrowUp")  # global average pooling, first of all
    expect(status).to_contain_text("Layer 2 (MaxPooling2D) needs (height, width, channels)")
    root.get_by_role("button", name="Reset").press("Enter")
    expect(status).to_contain_text("multiplications per image")
    assert lab.errors() == []


CHECKS = {".cnn-stepper": check_stepper, ".cnn-calculator": check_calculator}
WIDGETS = {"01": {".cnn-stepper"}, "03": {".cnn-calculator"}}


@pytest.mark.parametrize("name", LESSONS)
def test_lesson(lab, name):
    """All cells run without an error or a line on stderr, and the first widget of each kind answers the keyboard."""
    lab.open(name)
    lab.run_all()
    assert lab.errors() == []
    found = {selector for selector in CHECKS if lab.widgets(selector).count()}
    assert found == WIDGETS.get(name[:2], set())
    for selector in sorted(found):
        CHECKS[selector](lab)


def write_notebook(lab, name: str, *cells: str) -> None:
    """Write a notebook with these code cells beside the lessons."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(notebook, lab.server.folder / name)


IMPORTS = "from helpers.datasets import load_dataset, load_photo\nfrom helpers import widgets"
ANSWER_TIME = """handle => new Promise(resolve => {
    const status = handle.closest('.cnn-stepper').querySelector('.cnn-status'), before = status.innerText;
    let pressed;
    const watch = new MutationObserver(() => {
        if (status.innerText !== before) { watch.disconnect(); resolve(performance.now() - pressed); }
    });
    watch.observe(status, {childList: true, characterData: true, subtree: true});
    handle.addEventListener('keydown', () => { pressed = performance.now(); }, {once: true, capture: true});
    window.listening = true;
})"""


def answer_time(stepper, key: str) -> float:
    """Return the milliseconds from a key press to the new text in the status line."""
    page, handle = stepper.page, stepper.handle.element_handle()
    page.evaluate(f"handle => {{ window.answer = ({ANSWER_TIME})(handle); }}", handle)
    stepper.handle.press(key)
    return page.evaluate("() => window.answer")


def test_stepper_on_a_large_photograph(lab, capsys):
    """The last pixel of 512 × 512 is reached, and a step answers at once, though the image is large."""
    write_notebook(lab, "photo.ipynb", IMPORTS, 'widgets.ConvolutionStepper(load_photo("camera"), "Sobel x")')
    lab.open("photo.ipynb")
    lab.run_all()
    stepper = Stepper(lab)
    assert stepper.size(stepper.map_title) == (510, 510)
    stepper.press("End")
    stepper.expect_step(510 * 510, 510 * 510)
    photo = load_photo("camera")
    assert stepper.table("pixels").tolist() == photo[-3:, -3:].ravel().tolist()
    assert stepper.total() == (photo[-3:, -3:].astype(int) * [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]).sum()
    times = [answer_time(stepper, "ArrowLeft") for _ in range(20)]
    slow = float(np.percentile(times, 95))
    with capsys.disabled():
        print(f"\nfrom key press to new numbers: median {np.median(times):.0f} ms, 95th percentile {slow:.0f} ms")
    assert slow < 1000
    assert lab.errors() == []


def test_two_steppers_do_not_mix(lab):
    """Two widgets in one notebook are independent, and show the pixels of their own image."""
    cell = 'digits = load_dataset("digits")\nwidgets.ConvolutionStepper(digits.train.images[{}, :, :, 0], "{}")'
    write_notebook(lab, "two.ipynb", IMPORTS, cell.format(0, "Sobel x"), cell.format(1, "emboss"))
    lab.open("two.ipynb")
    lab.run_all()
    images = load_dataset("digits").train.images[:2, :, :, 0]
    first, second = Stepper(lab, 0), Stepper(lab, 1)
    second.press(*["PageUp"] * 5)
    expect(first.status).to_contain_text("Step 1 of 676 (")
    expect(second.status).not_to_contain_text("Step 1 of")
    row, col = map(int, re.search(r"row (\d+), column (\d+)", second.status.inner_text()).groups())
    assert second.table("pixels").tolist() == images[1, row : row + 3, col : col + 3].ravel().tolist()
    assert lab.errors() == []


def test_an_error_behind_a_widget_is_seen(lab):
    """The tests above could fail: an exception in a callback, and a line on stderr, are found."""
    slider = (
        "import ipywidgets\nw = ipywidgets.IntSlider(description='Danger')\nw.observe(lambda change: 1 / 0, 'value')\nw"
    )
    write_notebook(lab, "wrong.ipynb", slider, "import sys\nprint('oh no', file=sys.stderr)")
    lab.open("wrong.ipynb")
    lab.run_all()
    assert [problem for problem in lab.errors() if "oh no" in problem]
    assert not [problem for problem in lab.errors() if "ZeroDivisionError" in problem]
    lab.slider(lab.page, "Danger").press("ArrowRight")
    wait_until(lab.page, lambda: [problem for problem in lab.errors() if "ZeroDivisionError" in problem])
