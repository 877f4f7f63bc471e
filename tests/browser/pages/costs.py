"""The cost explorer of lesson 09, used by keyboard."""

from fractions import Fraction

import numpy as np
from pages.base import Explorer, chosen, number, wait_until


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

    def check(self) -> None:
        """Use every control of a cost explorer; the bars agree with the numbers, also where some are beyond 100%."""
        start = self.status.inner_text()
        wait_until(self.page, self.answers)
        for slider in self.sliders.values():
            before, drawn = slider.value, self.drawn()
            slider.press("ArrowRight")
            assert slider.value > before
            wait_until(self.page, self.answers)
            wait_until(self.page, lambda drawn=drawn: self.changed(drawn) == 1)
            wait_until(self.page, self.draws)
            slider.press("ArrowLeft")
            wait_until(self.page, lambda drawn=drawn: self.drawn() == drawn)
        self.lab.choose(self.bottleneck, "Home")
        for _ in range(self.bottleneck.locator("option").count()):
            wait_until(self.page, self.answers)
            wait_until(self.page, self.draws)
            self.lab.choose(self.bottleneck, "ArrowDown")
        self.lab.choose(self.bottleneck, "Home")
        for name, key in (("channels", "Home"), ("maps", "End"), ("kernel", "End")):
            self.sliders[name].press(key)
            wait_until(self.page, self.answers)
        assert number(self.stated()["stack_share"]) > 1000
        wait_until(self.page, self.draws)
        self.check_reset(start)


PAGES = (Cost,)
