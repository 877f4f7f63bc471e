"""The Gabor explorers of lesson 02, used by keyboard."""

import io
import math
from functools import cache

from helpers.datasets import example_images
from helpers.gabor import gabor_kernel, gabor_response

import numpy as np
from pages.base import Explorer, agrees, chosen, wait_until
from PIL import Image
from playwright.sync_api import expect


@cache
def known_images() -> dict[str, np.ndarray]:
    """Return the images that the response widget shows unless it is given others."""
    return example_images()


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

    def check(self) -> None:
        """Use every control of a Gabor explorer; the frequency 0 has no wave."""
        start = self.status.inner_text()
        self.check_each_slider()
        self.sliders["frequency"].press("Home")
        expect(self.status).to_contain_text("no wave, only the bell")
        self.sliders["phase"].press("PageUp")
        wait_until(self.page, self.answers)
        self.check_reset(start)


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

    def check(self) -> None:
        """Use every control of a Gabor response: sliders, list of images, Sum 0, Reset."""
        start = self.status.inner_text()
        self.check_each_slider()
        self.lab.choose(self.images, "Home")
        for _ in range(self.images.locator("option").count()):
            wait_until(self.page, self.answers)
            if self.name() in known_images():
                wait_until(self.page, self.shows_magnitude)
            self.lab.choose(self.images, "ArrowDown")
        for _ in range(2):
            before = self.zero.is_checked()
            self.zero.press("Space")
            assert self.zero.is_checked() != before
            wait_until(self.page, self.answers)
        self.zero.press("Space")
        self.sliders["sigma"].press("PageUp")
        wait_until(self.page, self.answers)
        self.check_reset(start)


PAGES = (Gabor, Response)
