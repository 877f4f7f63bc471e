"""Each lesson in JupyterLab: all cells run, and a learner at the keyboard gets the right numbers from its widgets."""

import io
import re

from helpers.datasets import load_dataset, load_photo, open_photo, resize_photo
from helpers.lessons import LESSONS

import numpy as np
import pytest
from learner import KNOWN, check_all_sliders, pages_in
from pages.base import wait_until
from pages.gabor import Gabor, Response
from pages.gradcam import GradCam
from pages.stepper import Stepper
from PIL import Image
from playwright.sync_api import expect

IMPORTS = """from helpers.datasets import load_dataset, load_photo
from helpers.widgets.gabor import GaborExplorer, GaborResponse
from helpers.widgets.stepper import ConvolutionStepper"""


WITH_WIDGETS = [lesson for lesson in LESSONS if lesson.widgets]


@pytest.mark.parametrize("lesson", WITH_WIDGETS, ids=lambda lesson: f"{lesson.stem}.ipynb")
def test_lesson(lab, lesson):
    """All cells run without an error or a line on stderr, and the widgets answer the keyboard.

    In lesson 01 they still do when all other cells have run a second time: a widget does not depend on what a notebook
    names. In the others, where that takes minutes, the cells up to the last widget run once; nbval runs all of them.
    """
    lab.open(f"{lesson.stem}.ipynb")
    short = lesson.id < "02"
    if short:
        lab.run_all()
    else:
        lab.run_to_last_widget()
    assert lab.errors() == []
    assert {type(widget) for widget in pages_in(lab)} == {kind for name in lesson.widgets for kind in KNOWN[name]}
    check_all_sliders(lab)
    for widget in pages_in(lab):
        widget.check()
    if short:
        lab.run_others()
        assert lab.errors() == []
        check_all_sliders(lab)
        for widget in pages_in(lab):
            if not widget.sliders:
                widget.check()


def test_stepper_on_a_large_photograph(lab):
    """The last pixel of 512 × 512 is reached, and the numbers there are right."""
    lab.write("photo.ipynb", IMPORTS, 'ConvolutionStepper(load_photo("camera"), "Sobel x")')
    stepper = Stepper(lab)
    assert stepper.size(stepper.map_title) == (510, 510)
    stepper.press("End")
    stepper.expect_step(510 * 510, 510 * 510)
    photo = load_photo("camera")
    assert stepper.table("pixels").tolist() == photo[-3:, -3:].ravel().tolist()
    assert stepper.total() == (photo[-3:, -3:].astype(int) * [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]).sum()
    assert lab.errors() == []


def test_gabor_response_on_a_photograph(lab):
    """Each control of the Gabor widgets works, and after 50 moves over 256 × 256 pixels the last one is shown."""
    lab.write("gabor.ipynb", IMPORTS, "GaborExplorer()", "GaborResponse()")
    check_all_sliders(lab)
    for widget in pages_in(lab):
        widget.check()
    response = Response(lab)
    slider = response.sliders["frequency"]
    slider.press("Home")
    wait_until(lab.page, response.answers)
    for _ in range(50):
        slider.press("ArrowRight")
    assert slider.value == 0.5
    wait_until(lab.page, response.answers)
    assert lab.errors() == []


SLOW = """import time

class Slow(GaborResponse):
    calls = 0

    def compute(self, **settings):
        self.calls += 1
        time.sleep(0.2)
        return super().compute(**settings)

    def _say(self, message, bad=False):
        super()._say(f"Drawing {self.calls}. {message}", bad)

Slow()"""


PHOTOS = """from helpers.datasets import load_photo
from helpers.models import CLASS_NAMES, load_model
from helpers.widgets.gradcam import GradCamExplorer
GradCamExplorer(load_model("photos"), {"chelsea": load_photo("chelsea")}, CLASS_NAMES["photos"], sizes=True)"""


def photo_files(folder) -> dict:
    """Write image files as learners have them; return their paths."""
    photo, files = Image.fromarray(load_photo("coffee")), {}
    upright = Image.Exif()
    upright[0x0112] = 6  # the camera was held upright: turn by 90°
    files["upright.jpg"] = {"exif": upright}
    files["large.png"] = {}
    for name, options in files.items():
        image = photo.resize((3000, 2000)) if name == "large.png" else photo
        image.save(folder / name, **options)
    (folder / "notes.jpg").write_text("This is no image.")
    (folder / "half.jpg").write_bytes((folder / "upright.jpg").read_bytes()[:5000])
    return {path.name: path for path in folder.iterdir()}


def test_own_photographs(lab, tmp_path):
    """A photograph can be uploaded, upright or large; what is no image is refused with a reason, nothing is lost."""
    files = photo_files(tmp_path)
    lab.write("photos.ipynb", PHOTOS)
    widget = GradCam(lab)
    for name in ("upright.jpg", "notes.jpg", "large.png", "half.jpg"):
        good = name in ("upright.jpg", "large.png")
        before = (widget.status.inner_text(), widget.drawn())
        with lab.page.expect_file_chooser() as chooser:
            widget.root.get_by_role("button", name="Your photograph").press("Enter")
        chooser.value.set_files(files[name])
        if good:
            widget.uploaded[name] = open_photo(files[name].read_bytes())
            expect(widget.images.locator("option:checked")).to_have_text(name)
            wait_until(lab.page, widget.answers, seconds=30)
        else:
            expect(widget.status).to_have_text(
                f"{name} was not used: it cannot be read as an image: use a JPEG or PNG file."
            )
            assert widget.drawn() == before[1]
            lab.choose(widget.labels, "ArrowDown")
            wait_until(lab.page, widget.answers, seconds=30)
    assert widget.uploaded["upright.jpg"].shape[0] > widget.uploaded["upright.jpg"].shape[1]
    assert lab.errors() == []


def large_files(folder) -> dict:
    """Write photographs of more bytes than a server lets through, and one that no browser reads; return their paths."""
    random = np.random.default_rng(0)
    upright = Image.Exif()
    upright[0x0112] = 6
    for name, (high, wide), options in (
        ("12 MB.png", (1900, 2300), {}),
        ("40 MB.png", (3400, 4200), {}),
        ("upright.jpg", (3000, 2250), {"exif": upright, "quality": 100, "subsampling": 0}),
    ):
        pixels = random.integers(0, 120, (high, wide, 3), np.uint8)
        pixels[: high // 2, :, 0] += 130  # the upper half is red
        Image.fromarray(pixels).save(folder / name, **options)
    (folder / "raw.jpg").write_bytes(random.bytes(12_000_000))
    return {path.name: path for path in folder.iterdir()}


def test_large_photographs(lab, tmp_path):
    """The page reduces what no server would let through; what it cannot read is refused with a sentence."""
    files = large_files(tmp_path)
    sizes = {name: path.stat().st_size for name, path in files.items()}
    assert min(sizes.values()) > 10_500_000 and sizes["40 MB.png"] > 40_000_000
    lab.write("photos.ipynb", PHOTOS)
    widget = GradCam(lab)
    for name in ("12 MB.png", "40 MB.png", "raw.jpg", "upright.jpg"):
        with lab.page.expect_file_chooser() as chooser:
            widget.root.get_by_role("button", name="Your photograph").press("Enter")
        chooser.value.set_files(files[name])
        if name == "raw.jpg":
            said = "raw.jpg was not used: it has 12 MB, and this browser cannot read it to make it smaller. Save it as"
            expect(widget.status).to_contain_text(said, timeout=60_000)
            continue
        expect(widget.status).to_contain_text(f"{name}: the network says", timeout=60_000)
        expect(widget.images.locator("option:checked")).to_have_text(name)
        shown = np.asarray(Image.open(io.BytesIO(lab.png(widget.pictures.first))).convert("RGB")).astype(int)
        expected = resize_photo(open_photo(files[name].read_bytes()), 64).astype(int)
        assert shown.shape == expected.shape
        assert np.abs(shown - expected).mean() < 6
    assert lab.errors() == []


def test_moves_faster_than_the_drawing_are_dropped(lab):
    """While one position is drawn, later ones are passed over, but never the last one."""
    lab.write("slow.ipynb", IMPORTS, SLOW)
    response = Response(lab)
    response.wording = r"Drawing (?P<calls>\d+)\. " + response.wording
    before, slider = int(response.stated()["calls"]), response.sliders["frequency"]
    for _ in range(30):
        slider.press("ArrowRight")
    assert slider.value == 0.4
    wait_until(lab.page, response.answers, seconds=20)
    wait_until(lab.page, response.shows_magnitude)
    lab.page.wait_for_timeout(500)  # nothing comes after the last position
    assert response.answers()
    assert 1 <= int(response.stated()["calls"]) - before <= 15
    assert lab.errors() == []


TOO_WIDE = """output => [...output.querySelectorAll('*')].filter(part => {
    const {right, width} = part.getBoundingClientRect();
    return width > 0 && right > output.getBoundingClientRect().right + 1;
}).map(part => part.tagName + '.' + part.getAttribute('class'))"""


def test_gabor_widgets_fit_a_narrow_window(lab):
    """In a window of 1024 pixels, with the list of files open, nothing reaches beyond the output area."""
    lab.page.set_viewport_size({"width": 1024, "height": 768})
    lab.write("narrow.ipynb", IMPORTS, "GaborExplorer(0.25, 60)", "GaborResponse()")
    for kind in (Gabor, Response):
        output = lab.page.locator(".jp-OutputArea-output", has=lab.page.locator(kind.selector))
        assert output.bounding_box()["width"] < 800
        assert output.evaluate(TOO_WIDE) == []
        assert output.evaluate("output => output.scrollWidth <= output.clientWidth + 1")
    assert lab.errors() == []


def test_two_steppers_do_not_mix(lab):
    """Two widgets in one notebook are independent, and show the pixels of their own image."""
    cell = 'digits = load_dataset("digits")\nConvolutionStepper(digits.train.images[{}, :, :, 0], "{}")'
    lab.write("two.ipynb", IMPORTS, cell.format(0, "Sobel x"), cell.format(1, "emboss"))
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
    lab.write("wrong.ipynb", slider, "import sys\nprint('oh no', file=sys.stderr)")
    assert [problem for problem in lab.errors() if "oh no" in problem]
    assert not [problem for problem in lab.errors() if "ZeroDivisionError" in problem]
    lab.slider(lab.page, "Danger").press("ArrowRight")
    wait_until(lab.page, lambda: [problem for problem in lab.errors() if "ZeroDivisionError" in problem])
