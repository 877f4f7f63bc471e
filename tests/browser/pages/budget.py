"""The budget explorer of lesson 11, used by keyboard."""

from pages.base import Explorer, agrees, chosen, number, wait_until

IMAGES = 45_000
SECONDS = {"s": 1, "min": 60, "h": 3600}


class Budget(Explorer):
    """The budget explorer of lesson 11, used by keyboard."""

    selector = ".cnn-budget"
    wording = (
        r"Stages (?P<width>\d+)-(?P<second>\d+)-(?P<third>\d+), (?P<epochs>\d+) epochs? in batches of (?P<batch>\d+): "
        r"(?P<steps>[\d,]+) steps, (?P<parameters>[\d,]+) parameters, (?P<operations>[\d.]+) trillion operations\. "
        r"At (?P<speed>\d+) billion a second the floor is (?P<floor>[\d.]+) (?P<unit>s|min|h)\. "
        r"A step keeps about (?P<memory>[\d,]+) MB\."
    )

    def __init__(self, lab, place: int = 0):
        super().__init__(lab, place)
        self.batch = lab.dropdown(self.root, "Batch")

    def stated(self) -> dict[str, str]:
        """Return the numbers of the status line without commas."""
        return {name: text.replace(",", "") for name, text in super().stated().items()}

    def parts(self) -> list[tuple[int, int, int]]:
        """Return operations, parameters and numbers that are kept, of each part of the network, counted by hand."""
        width, depth = (int(self.settings()[name]) for name in ("width", "depth"))
        parts, before = [(2 * 31 * 31 * 24 * 12, 2 * 2 * 3 * 24, 2 * 31 * 31 * 24)], 24
        for side, filters in ((31, width), (15, 2 * width), (7, 4 * width)):
            first, more, half = 9 * before * filters, (depth - 1) * 9 * filters**2, side // 2
            operations = 2 * side**2 * first * (2 if side == 31 else 3) + 6 * half**2 * more
            numbers = (side**2 + 3 * depth * half**2) * filters
            parts.append((operations, first + more + 3 * depth * filters, numbers))
            before = filters
        return [*parts, (6 * before * 10, before * 10 + 10, before + 10)]

    def expected(self) -> dict[str, float]:
        """Return the numbers that the status line has to state, but for the floor and the speed of this computer."""
        settings, batch = self.settings(), int(chosen(self.batch))
        operations, parameters, numbers = map(sum, zip(*self.parts(), strict=True))
        width, epochs = settings["width"], settings["epochs"]
        return {
            **{"width": width, "second": 2 * width, "third": 4 * width, "epochs": epochs, "batch": batch},
            **{"steps": IMAGES // batch * epochs, "parameters": parameters},
            "operations": operations * IMAGES * epochs / 1e12,
            "memory": 4 * (batch * numbers + 3 * parameters) / 1e6,
        }

    def answers(self) -> bool:
        """the status line states the numbers that the controls say, and operations by speed is the floor"""
        stated = self.stated()
        if not stated:
            return False
        speed, floor, unit = number(stated.pop("speed")), number(stated.pop("floor")), SECONDS[stated.pop("unit")]
        expected = self.expected()
        seconds = expected["operations"] * 1000 / speed
        rounded = (0.06 if unit == 3600 or floor < 10 else 0.6) * unit + seconds / speed
        return (
            abs(floor * unit - seconds) <= rounded
            and stated.keys() == expected.keys()
            and all(agrees(stated[name], expected[name]) for name in stated)
        )

    def draws(self) -> bool:
        """the bars are as long as the operations of the parts"""
        bars = self.root.locator(".cnn-overlay svg > rect[height='22']").all()
        counts = [operations for operations, _, _ in self.parts()]
        lengths = [max(150 * count / max(counts), 1) for count in counts]
        found = [float(bar.get_attribute("width")) for bar in bars]
        return len(found) == 5 and all(abs(a - b) < 0.1 for a, b in zip(found, lengths, strict=True))

    def check(self) -> None:
        """Use every control of a budget explorer, to both ends; the bars agree with the numbers."""
        start = self.status.inner_text()
        wait_until(self.page, self.answers)
        wait_until(self.page, self.draws)
        assert self.check_all_sliders() == 3
        wait_until(self.page, self.draws)
        for name in ("width", "depth", "epochs"):
            self.sliders[name].press("End")
            wait_until(self.page, self.answers)
            wait_until(self.page, self.draws)
        self.lab.choose(self.batch, "Home")
        for _ in range(self.batch.locator("option").count()):
            wait_until(self.page, self.answers)
            self.lab.choose(self.batch, "ArrowDown")
        wait_until(self.page, self.answers)
        self.check_reset(start)


PAGES = (Budget,)
