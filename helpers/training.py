"""Around ``model.fit``: the same start every time, progress with growing curves, and the history as a table."""

import time
from pathlib import Path

from helpers.engine import keras, tf
from helpers.files import readable, written_whole

import pandas as pd


def set_seed(seed: int) -> None:
    """Start the random numbers of Python, NumPy and TensorFlow from ``seed``, an int from 0 to 2³² − 1.

    The same machine then trains the same network again; another processor may differ in the last digits.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an int from 0 to 2**32 - 1, but it is {seed!r}.")
    keras.utils.set_random_seed(seed)


def history_frame(history) -> pd.DataFrame:
    """Return what ``model.fit`` returned as a DataFrame: a row per epoch (index from 1), a column per metric."""
    values = history.history if hasattr(history, "history") else history
    frame = pd.DataFrame(values)
    epochs = getattr(history, "epoch", None) or range(len(frame))
    frame.index = pd.Index([epoch + 1 for epoch in epochs], name="epoch")
    return frame


def save_history(frame: pd.DataFrame, path) -> Path:
    """Save a history as CSV: written beside, then moved, so that a file there is always whole. Returns the path."""
    with written_whole(path) as partial:
        frame.to_csv(partial)
    return Path(path)


def load_history(path) -> pd.DataFrame:
    """Load a history that `save_history` saved.

    Raises FileNotFoundError if there is none, and `helpers.files.DamagedFileError` for one that is not whole.
    """
    path = Path(path)
    path.stat()
    with readable(path, "Remove it, and train again."):
        if not path.read_text(encoding="utf-8").endswith("\n"):
            raise ValueError("its last line is cut off")
        text = pd.read_csv(path, index_col="epoch", dtype=str)  # numbers that an older pandas reads lose last digits
        return text.set_axis(text.index.astype("int64")).astype(float)


def one_after_the_other(batches):
    """Return a ``tf.data.Dataset`` that does one thing at a time, as it is written: for measuring what speeds it up.

    On its own, tf.data tunes a pipeline while it runs, and prepares batches ahead. Here only a ``prefetch`` that stands
    in it does (lesson 05).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_optimization.inject_prefetch = False
    return batches.with_options(options)


def in_notebook() -> bool:
    """Tell whether this runs in a Jupyter kernel, where widgets can be shown."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


class LiveCurves(keras.callbacks.Callback):
    """Show a progress bar, and the learning curves as they grow, while ``model.fit`` runs.

    Use it as ``model.fit(…, verbose=0, callbacks=[LiveCurves()])``. In JupyterLab it is a widget; elsewhere a
    line of text with a bar (tqdm). Each curve is drawn by `helpers.plots.plot_history`.

    Parameters
    ----------
    notebook : bool, optional
        Choose by hand; by default whether this runs in a Jupyter kernel.
    """

    def __init__(self, notebook: bool | None = None):
        super().__init__()
        self.notebook = in_notebook() if notebook is None else notebook

    def on_train_begin(self, logs=None):
        self.total = self.params["epochs"]
        self.rows, self.epochs, self.started = [], [], time.perf_counter()
        self.told = self.drawn = 0.0  # when the bar and the curves were last brought up to date
        self.pause = 3.0  # seconds until the curves are drawn again
        self.bar = WidgetBar(self.total) if self.notebook else _TextBar(self.total)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if now - self.told > 0.2:  # a message per batch would slow the training down
            self.told = now
            share = (batch + 1) / (self.params.get("steps") or batch + 1)
            self.bar.update(self.epoch + share, f"epoch {self.epoch + 1} of {self.total}")

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(dict(logs))
        self.epochs.append(epoch + 1)
        numbers = ", ".join(f"{name} {value:.3f}" for name, value in logs.items() if name != "learning_rate")
        seconds = time.perf_counter() - self.started
        self.bar.update(epoch + 1, f"epoch {epoch + 1} of {self.total}: {numbers} ({seconds:.0f} s)")
        if time.perf_counter() - self.drawn > self.pause:  # so would curves after each short epoch
            self._draw()

    def _draw(self):
        started = time.perf_counter()
        self.bar.draw(pd.DataFrame(self.rows, index=pd.Index(self.epochs, name="epoch")))
        self.drawn = time.perf_counter()
        self.pause = max(3.0, 20 * (self.drawn - started))  # drawing takes at most a twentieth of the time

    def on_train_end(self, logs=None):
        if self.rows:
            self._draw()
        self.bar.close()


class _TextBar:
    def __init__(self, total):
        from tqdm import tqdm

        self.bar = tqdm(total=total, bar_format="{bar:20} {desc}")

    def update(self, done, text):
        self.bar.n = done
        self.bar.set_description_str(text)

    def draw(self, frame):
        """Text has no curves."""

    def close(self):
        self.bar.close()


class WidgetBar:
    """A progress bar with a line of text, and a picture that grows, as a widget of JupyterLab.

    ``total`` is where the bar ends; ``instead`` stands where no kernel runs.
    """

    def __init__(self, total, instead=None):
        import ipywidgets
        from IPython.display import display
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(9.2, 3.2), dpi=80, layout="none")  # a fixed layout draws faster
        self.figure.subplots_adjust(left=0.07, right=0.99, bottom=0.16, top=0.9, wspace=0.18)
        self.bar = ipywidgets.FloatProgress(max=total, layout={"width": "180px"})
        self.text = ipywidgets.Label("starting …")
        self.curves = ipywidgets.Image(format="png", layout={"display": "none", "max_width": "740px"})
        box = ipywidgets.VBox([ipywidgets.HBox([self.bar, self.text]), self.curves])
        bundle = box._repr_mimebundle_()
        instead = instead or f"Training for {total} epochs. (Run the cell to watch.)"
        display({**bundle, "text/plain": instead}, raw=True)

    def update(self, done, text):
        """Move the bar to ``done``, and write a line beside it."""
        self.bar.value, self.text.value = done, text

    def draw(self, frame, plot=None):
        """Show a picture of ``frame``, drawn by ``plot(frame, fig=...)``: curves of a history, if nothing is given."""
        from io import BytesIO

        from helpers.plots import plot_history

        buffer = BytesIO()
        (plot or plot_history)(frame, fig=self.figure).savefig(buffer, format="png")
        self.curves.value = buffer.getvalue()
        self.curves.layout.display = None

    def close(self):
        """Color the bar as finished."""
        self.bar.bar_style = "success"
