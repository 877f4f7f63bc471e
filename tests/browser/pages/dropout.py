"""The dropout explorer of lesson 04, used by keyboard."""

from functools import cache

from helpers.datasets import load_runs

from pages.base import Explorer, wait_until

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

    def check(self) -> None:
        """Use every control of a dropout explorer: the rate, the list of curves, Reset."""
        start = self.status.inner_text()
        self.check_each_slider()
        accuracy = self.drawn()
        self.lab.choose(self.curves, "End")
        wait_until(self.page, lambda: self.changed(accuracy) > 1)
        wait_until(self.page, self.answers)
        self.lab.choose(self.curves, "Home")
        wait_until(self.page, lambda: self.drawn() == accuracy)
        self.sliders["dropout"].press("End")
        wait_until(self.page, self.answers)
        self.check_reset(start)


PAGES = (Dropout,)
