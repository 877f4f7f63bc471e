"""What a learner at the keyboard does with each widget, and whether the numbers that it states are right."""

import io
import math
import re
import time
from decimal import Decimal
from fractions import Fraction
from functools import cache

from helpers.datasets import example_images, load_dataset, load_photo, load_runs, resize_photo
from helpers.explorers import AUGMENTATIONS, MIXING
from helpers.gabor import gabor_kernel, gabor_response
from helpers.widgets import STACKS

import numpy as np
import pytest
from known_totals import TOTALS
from PIL import Image
from playwright.sync_api import expect


def number(text: str) -> float:
    """Return what a widget writes as a number: "−2", "1/9", "1,234"."""
    return float(Fraction(text.replace("−", "-").replace(",", "")))


def agrees(text: str, value: float) -> bool:
    """Tell whether a value, rounded to the digits that a widget wrote, is what it wrote."""
    written = Decimal(text.replace("−", "-"))
    return abs(float(written) - value) <= 0.51 * 10.0 ** written.as_tuple().exponent + 1e-9


def wait_until(page, condition, seconds: float = 10) -> None:
    """Return once ``condition()`` is true; fail with what it is about if that takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            said = page.locator(".cnn-status").all_inner_texts()
            pytest.fail(f"still not true after {seconds} s: {condition.__doc__ or condition}. Status lines: {said}")
        page.wait_for_timeout(50)


def chosen(select) -> str:
    """Return the text of the option that a list shows."""
    return select.locator("option:checked").inner_text().replace("\xa0", " ")  # ipywidgets writes spaces like that


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
        self.image_title = self.root.get_by_text(re.compile(r"^Image \d")).first
        self.sliders = {slider.label: slider for slider in lab.sliders(self.root)}
        self.image = [size - 2 * int(self.sliders["Padding"].value) for size in self.size(self.image_title)]
        self.root.scroll_into_view_if_needed()

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
    """Stride, padding and dilation, one by one and together, change the feature map as the formula says."""
    ends = {"Stride": (1, 4), "Padding": (0, 3), "Dilation": (1, 3)}
    moves = [(name, key) for name in ends for key in ("End", "Home")]
    moves += [(name, "End") for name in ends] + [(name, "Home") for name in ends]
    for name, key in moves:
        stepper.sliders[name].press(key)
        assert stepper.sliders[name].value == ends[name][key == "End"]
        wait_until(stepper.page, stepper.answers)


def check_flip_and_reset(stepper) -> None:
    """Flip turns an asymmetric kernel by 180°; Reset brings back what was there at first."""
    reset = stepper.root.get_by_role("button", name="Reset")
    reset.press("Enter")
    stepper.page.wait_for_timeout(1000)
    first = stepper.status.inner_text()
    for place in range(9):
        stepper.type(place, str(place + 1))
    stepper.root.get_by_role("checkbox").press("Space")
    wait_until(stepper.page, lambda: stepper.table("kernel").tolist() == list(range(9, 0, -1)))
    assert stepper.kernel().tolist() == list(range(1, 10))
    stepper.expect_sum(np.arange(9, 0, -1))
    stepper.press("End")
    expect(stepper.status).not_to_contain_text(first.split(":")[0])  # under load a click can overtake a slider
    reset.press("Enter")
    expect(stepper.status).to_have_text(first)
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


@cache
def known_images() -> dict[str, np.ndarray]:
    """Return the images that the response widget shows unless it is given others."""
    return example_images()


class Explorer:
    """An explorer of the lessons, number ``place`` of a notebook, used by keyboard.

    A subclass says what its status line looks like (``wording``), and what it has to state (``expected``).
    """

    def __init__(self, lab, place: int = 0):
        self.lab, self.page = lab, lab.page
        self.root = lab.widgets(self.selector).nth(place)
        self.status = self.root.locator(".cnn-status")
        self.sliders = {slider.label.split()[0].lower(): slider for slider in lab.sliders(self.root)}
        self.pictures = self.root.locator("img.cnn-pixels")
        self.root.scroll_into_view_if_needed()

    def stated(self) -> dict[str, str]:
        """Return the numbers of the status line, as written."""
        match = re.fullmatch(self.wording, self.status.inner_text())
        return {name: text for name, text in match.groupdict().items() if text is not None} if match else {}

    def settings(self) -> dict[str, float]:
        """Return where the sliders stand."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def answers(self) -> bool:
        """the status line states the numbers that the controls say"""
        stated, expected = self.stated(), self.expected()
        return stated.keys() == expected.keys() and all(agrees(stated[name], expected[name]) for name in stated)

    def drawn(self) -> list:
        """Return all that is drawn: the files of the pictures, and the SVG."""
        files = [self.lab.png(picture) for picture in self.pictures.all()]
        return files + [svg.inner_html() for svg in self.root.locator(".cnn-overlay svg").all()]

    def changed(self, drawn) -> int:
        """Return how many of the drawings are no longer what `drawn` gave."""
        return sum(old != new for old, new in zip(drawn, self.drawn(), strict=True))

    def reset(self) -> None:
        """Press Reset."""
        self.root.get_by_role("button", name="Reset").press("Enter")


class Gabor(Explorer):
    """A Gabor explorer, number ``place`` of a notebook, used by keyboard."""

    selector = ".cnn-gabor"
    wording = (
        r"Frequency (?P<frequency>\S+) cycles/pixel: (one wave is (?P<wave>\S+) pixels|no wave, only the bell)\. "
        r"Theta (?P<theta>\S+)°, sigma (?P<sigma>\S+) pixels, phase (?P<phase>\S+)°: "
        r"(?P<rows>\d+) × (?P<cols>\d+) weights with the sum (?P<sum>\S+)\."
    )

    def kernel(self, **options) -> np.ndarray:
        """Return the kernel of these settings."""
        angles = {"theta", "phase"}
        settings = {name: math.radians(at) if name in angles else at for name, at in self.settings().items()}
        return gabor_kernel(**settings, **options)

    def expected(self) -> dict[str, float]:
        """Return the numbers that the status line has to state."""
        kernel, frequency = self.kernel(), self.sliders["frequency"].value
        rows, cols = kernel.shape
        wave = {"wave": float(f"{1 / frequency:.3g}")} if frequency else {}
        return {**self.settings(), **wave, "rows": rows, "cols": cols, "sum": round(kernel.real.sum(), 3)}


class Response(Gabor):
    """A Gabor response widget, number ``place`` of a notebook, used by keyboard."""

    selector = ".cnn-gabor-response"
    wording = (
        r"(?P<image>.+): frequency (?P<frequency>\S+) cycles/pixel, theta (?P<theta>\S+)°, sigma (?P<sigma>\S+) "
        r"pixels, (?P<rows>\d+) × (?P<cols>\d+) weights \(orange frame\)(?P<zero>, sum 0)?\. Mean magnitude "
        r"(?P<mean>\S+), largest (?P<largest>\S+) at row (?P<row>\d+), column (?P<column>\d+)\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.images, self.zero = lab.dropdown(self.root, "Image"), self.root.get_by_label("Sum 0")

    def name(self) -> str:
        """Return the name of the image that is chosen; on the page its spaces are such that do not break."""
        return chosen(self.images)

    def magnitude(self) -> np.ndarray | None:
        """Return the magnitude of the response that the controls say; None for an image of the lesson itself."""
        image = known_images().get(self.name())
        if image is None:
            return None
        return np.abs(gabor_response(image, self.kernel(zero_mean=self.zero.is_checked())))

    def answers(self) -> bool:
        """the status line states the numbers of the response that the controls say"""
        stated, magnitude = self.stated(), self.magnitude()
        if not stated or stated["image"] != self.name() or ("zero" in stated) != self.zero.is_checked():
            return False
        rows, cols = self.kernel().shape
        expected = {**self.settings(), "rows": rows, "cols": cols}
        if magnitude is not None:
            expected |= {"mean": magnitude.mean(), "largest": magnitude.max()}
            place = int(stated["row"]), int(stated["column"])
            if not agrees(stated["largest"], magnitude[place]):
                return False
        return all(agrees(stated[name], value) for name, value in expected.items())

    def shows_magnitude(self) -> bool:
        """the last picture is the magnitude, from 0 (black) to its largest value (white)"""
        magnitude = self.magnitude()
        shown = np.asarray(Image.open(io.BytesIO(self.lab.png(self.pictures.last))), float) / 255
        return shown.shape == magnitude.shape and np.allclose(shown, magnitude / magnitude.max(), atol=0.01)


def check_each_slider(widget) -> None:
    """An arrow moves each slider by one step; numbers and pictures follow, there and back."""
    for slider in widget.sliders.values():
        wait_until(widget.page, widget.answers)
        before, drawn = slider.value, widget.drawn()
        there, back = ("ArrowRight", "ArrowLeft") if before < slider.end("End") else ("ArrowLeft", "ArrowRight")
        slider.press(there)
        assert slider.value != before
        wait_until(widget.page, widget.answers)
        wait_until(widget.page, lambda drawn=drawn: widget.changed(drawn) > 1)
        slider.press(back)
        assert slider.value == before
        wait_until(widget.page, lambda drawn=drawn: widget.drawn() == drawn)


def check_reset(widget, start: str) -> None:
    """Reset brings back the first status line, and nothing went wrong until then."""
    widget.reset()
    expect(widget.status).to_have_text(start)
    wait_until(widget.page, widget.answers)
    assert widget.lab.errors() == []


def check_gabor(lab, place: int = 0) -> None:
    """Use every control of a Gabor explorer; the frequency 0 has no wave."""
    widget = Gabor(lab, place)
    start = widget.status.inner_text()
    check_each_slider(widget)
    widget.sliders["frequency"].press("Home")
    expect(widget.status).to_contain_text("no wave, only the bell")
    widget.sliders["phase"].press("PageUp")
    wait_until(lab.page, widget.answers)
    check_reset(widget, start)


def check_gabor_response(lab, place: int = 0) -> None:
    """Use every control of a Gabor response: sliders, list of images, Sum 0, Reset."""
    widget = Response(lab, place)
    start = widget.status.inner_text()
    check_each_slider(widget)
    lab.choose(widget.images, "Home")
    for _ in range(widget.images.locator("option").count()):
        wait_until(lab.page, widget.answers)
        if widget.name() in known_images():
            wait_until(lab.page, widget.shows_magnitude)
        lab.choose(widget.images, "ArrowDown")
    for _ in range(2):
        before = widget.zero.is_checked()
        widget.zero.press("Space")
        assert widget.zero.is_checked() != before
        wait_until(lab.page, widget.answers)
    widget.zero.press("Space")
    widget.sliders["sigma"].press("PageUp")
    wait_until(lab.page, widget.answers)
    check_reset(widget, start)


known_runs = cache(load_runs)  # the trainings that the dropout explorer shows


class Dropout(Explorer):
    """A dropout explorer, number ``place`` of a notebook, used by keyboard."""

    selector = ".cnn-dropout"
    wording = (
        r"Dropout (?P<rate>\S+), after (?P<epochs>\d+) epochs, mean of (?P<runs>\d+) runs: (?P<training>\d+)% of the "
        r"training images right, (?P<validation>\d+)% of the validation images \((?P<low>\d+)% to (?P<high>\d+)%\), "
        r"a gap of (?P<gap>\d+) points\. Validation loss (?P<loss>\S+)\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.curves = lab.dropdown(self.root, "Curves")

    def expected(self) -> dict[str, float]:
        """Return the numbers that the status line has to state, computed from the file of the runs."""
        rate, runs = self.sliders["dropout"].value, known_runs()
        last = runs[(runs["variant"] == f"dropout {rate:.1f}") & (runs["epoch"] == 14)]
        training, validation = 100 * last["training_accuracy"], 100 * last["val_accuracy"]
        return {
            **{"rate": rate, "epochs": 14, "runs": 5, "training": training.mean(), "validation": validation.mean()},
            **{"low": validation.min(), "high": validation.max(), "gap": training.mean() - validation.mean()},
            "loss": last["val_crossentropy"].mean(),
        }


def check_dropout(lab, place: int = 0) -> None:
    """Use every control of a dropout explorer: the rate, the list of curves, Reset."""
    widget = Dropout(lab, place)
    start = widget.status.inner_text()
    check_each_slider(widget)
    accuracy = widget.drawn()
    lab.choose(widget.curves, "End")
    wait_until(lab.page, lambda: widget.changed(accuracy) > 1)
    wait_until(lab.page, widget.answers)
    lab.choose(widget.curves, "Home")
    wait_until(lab.page, lambda: widget.drawn() == accuracy)
    widget.sliders["dropout"].press("End")
    wait_until(lab.page, widget.answers)
    check_reset(widget, start)


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
        if name in MIXING:
            return self.names[self.critters.labels[number]] in stated["label"]
        eight = sheet.reshape(2, 64, 4, 64, 3).swapaxes(1, 2)
        return agrees(stated["change"], np.abs(eight - image).mean())


def check_augmentation(lab, place: int = 0) -> None:
    """Try each layer, weak and strong; another draw gives other images, Reset the first ones."""
    widget = Augmentation(lab, place)
    start = widget.status.inner_text()
    drawn = widget.drawn()
    widget.sliders["draw"].press("ArrowRight")
    wait_until(lab.page, lambda: widget.changed(drawn) > 0)
    wait_until(lab.page, widget.answers)
    lab.choose(widget.layers, "Home")
    for name in AUGMENTATIONS:
        expect(widget.layers.locator("option:checked")).to_have_text(name)
        wait_until(lab.page, widget.answers)  # the kernel has set the strength to the middle
        for key in ("Home", "End"):
            widget.sliders["strength"].press(key)
            assert widget.sliders["strength"].value == (len(AUGMENTATIONS[name].values) - 1) * (key == "End")
            wait_until(lab.page, widget.answers)
        assert widget.stated().get("change") != "0", f"{name} at its strongest changes nothing"
        lab.choose(widget.layers, "ArrowDown")
    check_reset(widget, start)


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


@cache
def known_model(name: str):
    """Return a trained network."""
    from helpers.models import load_model

    return load_model(name)


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


def check_activation(lab, place: int = 0) -> None:
    """Choose every layer, go to the ends of its channels, put the strongest images first."""
    widget = Activation(lab, place)
    start, layers = widget.status.inner_text(), widget.layers.locator("option").all_inner_texts()
    lab.choose(widget.layers, "Home")
    for name in layers:
        expect(widget.layers.locator("option:checked")).to_have_text(name)
        for key in ("End", "Home"):
            widget.sliders["channel"].press(key)
            wait_until(lab.page, widget.answers)
        lab.choose(widget.layers, "ArrowDown")
    lab.choose(widget.order, "End")
    widget.sliders["image"].press("Home")
    wait_until(lab.page, widget.answers)
    assert widget.stated()["rank"] == "1"
    check_reset(widget, start)


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


def check_gradcam(lab, place: int = 0) -> None:
    """Choose every class, every layer, the last image and the ends of the opacity."""
    widget = GradCam(lab, place)
    start = widget.status.inner_text()
    for select in (widget.labels, widget.layers):
        lab.choose(select, "Home")
        for name in select.locator("option").all_inner_texts():
            expect(select.locator("option:checked")).to_have_text(name)
            wait_until(lab.page, widget.answers, seconds=60)  # a layer is compiled when it is first chosen
            lab.choose(select, "ArrowDown")
    drawn = widget.drawn()
    widget.sliders["opacity"].press("Home")
    wait_until(lab.page, lambda: widget.changed(drawn) == 1)  # only the heat over the image
    lab.choose(widget.images, "End")
    wait_until(lab.page, widget.answers)
    if widget.of_photos:
        for key in ("Home", "End"):
            lab.choose(widget.size, key)
            wait_until(lab.page, widget.answers)
    check_reset(widget, start)


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


def check_feature(lab, place: int = 0) -> None:
    """Choose every layer with both poolings, few images and many, and the last image."""
    widget = Feature(lab, place)
    start = widget.status.inner_text()
    wait_until(lab.page, widget.answers)
    assert tuple(widget.layers.locator("option").all_inner_texts()) == CUTS
    for pooling in ("End", "Home"):
        lab.choose(widget.pooling, pooling)
        lab.choose(widget.layers, "Home")
        for cut in CUTS:
            expect(widget.layers.locator("option:checked")).to_have_text(cut)
            wait_until(lab.page, widget.answers)
            lab.choose(widget.layers, "ArrowDown")
    drawn = widget.drawn()
    widget.sliders["asked"].press("ArrowRight")
    wait_until(lab.page, lambda: widget.changed(drawn) == 2)  # the image and the nearest ones, not the bars
    for key in ("Home", "ArrowRight", "PageUp"):
        widget.sliders["images"].press(key)
        wait_until(lab.page, widget.answers)
    widget.sliders["asked"].press("End")
    wait_until(lab.page, widget.answers)
    check_reset(widget, start)


class Cost(Explorer):
    """The cost explorer of lesson 09, used by keyboard."""

    selector = ".cnn-cost"
    wording = (
        r"(?P<kernel>\d+) × (?P=kernel) pixels, (?P<channels>\d+) channels to (?P<maps>\d+) maps of (?P<height>\d+) × "
        r"(?P=height)\. (?P=kernel) × (?P=kernel): (?P<full>\S+) weights, (?P<work>\S+( [mb]illion)?) multiply-adds; "
        r"3 × 3, (once|twice|(?P<times>\d) times): (?P<stack>\S+) \((?P<stack_share>\S+)%\); "
        r"(?P=kernel) × 1 and 1 × (?P=kernel): (?P<cross>\S+) \((?P<cross_share>\S+)%\); "
        r"bottleneck: (?P<bottleneck>\S+) \((?P<bottleneck_share>\S+)%\); "
        r"depthwise separable: (?P<separable>\S+) \((?P<separable_share>\S+)%\)\. "
        r"Cheapest: .+, (?P<least>\S+( [mb]illion)?) multiply-adds\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.bottleneck = lab.dropdown(self.root, "Bottleneck")

    def stated(self) -> dict[str, str]:
        """Return the numbers of the status line with digits alone: "80.3 million" is "80.3e6"."""
        signs = ((",", ""), (" million", "e6"), (" billion", "e9"))
        stated = super().stated()
        for sign, digits in signs:
            stated = {name: text.replace(sign, digits) for name, text in stated.items()}
        return stated

    def expected(self) -> dict[str, float]:
        """Return the numbers that the status line has to state, by the formulas of the lesson."""
        settings = self.settings()
        k, channels, maps = (int(settings[name]) for name in ("kernel", "channels", "maps"))
        inside, times, places = int(maps * Fraction(chosen(self.bottleneck))), (k - 1) // 2, settings["height"] ** 2
        weights = {
            "full": k * k * channels * maps,
            "stack": 9 * channels * maps + (times - 1) * 9 * maps * maps,
            "cross": k * channels * maps + k * maps * maps,
            "bottleneck": channels * inside + k * k * inside * inside + inside * maps,
            "separable": k * k * channels + channels * maps,
        }
        shares = {f"{name}_share": 100 * weights[name] / weights["full"] for name in [*weights][1:]}
        work = {"work": weights["full"] * places, "least": min(weights.values()) * places}
        return {**settings, **weights, **shares, **work, **({"times": times} if times > 2 else {})}

    def draws(self) -> bool:
        """the bars are as long as the prices, up to what rounding does"""
        root = self.root.locator(".cnn-overlay svg")
        bars = [float(bar.get_attribute("width")) for bar in root.locator("> rect[height='24']").all()]
        prices = [value for name, value in self.expected().items() if name.endswith("_share")]
        return np.allclose(bars, np.maximum(np.array([100, *prices]) * max(bars) / max(100, *prices), 2), atol=0.1)


def check_cost(lab, place: int = 0) -> None:
    """Use every control of a cost explorer; the bars agree with the numbers, also where some are beyond 100%."""
    widget = Cost(lab, place)
    start = widget.status.inner_text()
    wait_until(lab.page, widget.answers)
    for slider in widget.sliders.values():
        before, drawn = slider.value, widget.drawn()
        slider.press("ArrowRight")
        assert slider.value > before
        wait_until(lab.page, widget.answers)
        wait_until(lab.page, lambda drawn=drawn: widget.changed(drawn) == 1)
        wait_until(lab.page, widget.draws)
        slider.press("ArrowLeft")
        wait_until(lab.page, lambda drawn=drawn: widget.drawn() == drawn)
    lab.choose(widget.bottleneck, "Home")
    for _ in range(widget.bottleneck.locator("option").count()):
        wait_until(lab.page, widget.answers)
        wait_until(lab.page, widget.draws)
        lab.choose(widget.bottleneck, "ArrowDown")
    lab.choose(widget.bottleneck, "Home")
    for name, key in (("channels", "Home"), ("maps", "End"), ("kernel", "End")):
        widget.sliders[name].press(key)
        wait_until(lab.page, widget.answers)
    assert number(widget.stated()["stack_share"]) > 1000
    wait_until(lab.page, widget.draws)
    check_reset(widget, start)


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


CHECKS = {
    ".cnn-stepper": check_stepper,
    ".cnn-calculator": check_calculator,
    Gabor.selector: check_gabor,
    Response.selector: check_gabor_response,
    Dropout.selector: check_dropout,
    Augmentation.selector: check_augmentation,
    Activation.selector: check_activation,
    GradCam.selector: check_gradcam,
    Feature.selector: check_feature,
    Cost.selector: check_cost,
}
"""What to do with a widget of each kind."""

EXPLORERS = (Gabor, Response, Dropout, Augmentation, Activation, GradCam, Feature, Cost)
WITH_SLIDERS = {".cnn-stepper": Stepper, **{kind.selector: kind for kind in EXPLORERS}}


def check_all_sliders(lab) -> None:
    """Each slider of each widget goes to both its ends and back; each time the numbers are right."""
    moved = 0
    for selector, kind in WITH_SLIDERS.items():
        for place in range(lab.widgets(selector).count()):
            widget = kind(lab, place)
            for slider in widget.sliders.values():
                start = slider.value
                for key in ("End", "Home"):
                    slider.press(key)
                    assert slider.value == slider.end(key)
                    wait_until(lab.page, widget.answers)
                slider.go(start)
                assert slider.value == start
                wait_until(lab.page, widget.answers)
                moved += 1
    assert moved == lab.widgets(".cnn-widget [role=slider]").count(), "a widget with sliders is not in WITH_SLIDERS"
    assert lab.errors() == []
