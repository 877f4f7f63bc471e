"""What all widgets are for a learner at the keyboard: a page object each; and how to read what one writes."""

import re
import time
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
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


@cache
def known_model(name: str):
    """Return a trained network."""
    from helpers.models import load_model

    return load_model(name)


class Widget:
    """A widget of the lessons, number ``place`` of a notebook, used by keyboard.

    A subclass has the ``selector`` of its widget, says whether the widget ``answers`` what its controls say, and has a
    ``check`` that uses all of them.
    """

    selector = ""

    def __init__(self, lab, place: int = 0):
        self.lab, self.page = lab, lab.page
        self.root = lab.widgets(self.selector).nth(place)
        self.root.scroll_into_view_if_needed()
        self.status = self.root.locator(".cnn-status")
        self.sliders = {self.name_of(slider): slider for slider in lab.sliders(self.root)}

    @staticmethod
    def name_of(slider) -> str:
        """Return the name of a slider in ``sliders``: its label."""
        return slider.label

    def check_all_sliders(self) -> int:
        """Each slider goes to both its ends and back; each time the numbers are right. Returns how many there are."""
        for slider in self.sliders.values():
            start = slider.value
            for key in ("End", "Home"):
                slider.press(key)
                assert slider.value == slider.end(key)
                wait_until(self.page, self.answers)
            slider.go(start)
            assert slider.value == start
            wait_until(self.page, self.answers)
        return len(self.sliders)


class Explorer(Widget):
    """An explorer of the lessons: sliders above pictures.

    A subclass says what its status line looks like (``wording``), and what it has to state (``expected``).
    """

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.pictures = self.root.locator("img.cnn-pixels")

    @staticmethod
    def name_of(slider) -> str:
        """Return the first word of its label."""
        return slider.label.split()[0].lower()

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

    def check_each_slider(self) -> None:
        """An arrow moves each slider by one step; numbers and pictures follow, there and back."""
        for slider in self.sliders.values():
            wait_until(self.page, self.answers)
            before, drawn = slider.value, self.drawn()
            there, back = ("ArrowRight", "ArrowLeft") if before < slider.end("End") else ("ArrowLeft", "ArrowRight")
            slider.press(there)
            assert slider.value != before
            wait_until(self.page, self.answers)
            wait_until(self.page, lambda drawn=drawn: self.changed(drawn) > 1)
            slider.press(back)
            assert slider.value == before
            wait_until(self.page, lambda drawn=drawn: self.drawn() == drawn)

    def check_reset(self, start: str) -> None:
        """Reset brings back the first status line, and nothing went wrong until then."""
        self.reset()
        expect(self.status).to_have_text(start)
        wait_until(self.page, self.answers)
        assert self.lab.errors() == []
