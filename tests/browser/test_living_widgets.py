"""The widgets of the site that live without a kernel say and compute what Python does, with the keyboard alone."""

import base64
import json
import math
import random
import re
import zlib

from helpers.gabor import Responder
from helpers.layers import LAYER_KINDS, LayerSpec, stack_so_far
from helpers.lessons import find_lesson
from helpers.widgets.gabor import FIELD, GaborResponse

import numpy as np
import pytest
from playwright.sync_api import expect
from site_tools import LAPTOP, PHONE, ROOT, SOME, check, load_make_site, site_of

load_make_site()
from living import LIVING, PICTURES, described, lessons_of_widgets, script  # noqa: E402 - a script beside make_site.py

HOW_OFTEN = 200
FIRST = "layer-calculator"  # on a page that `make test` has anyway

NUMBERS = {
    "layer-calculator": "r => r.rows.map(row => [row.kind, row.shape, row.parameters, row.multiplications, row.field])",
    "convolution-stepper": "r => [r.map, r.patch, r.kernel, r.products, [r.total, r.row, r.col, r.top, r.left]]",
    "dropout-explorer": """r => [r.rate, ...[r.curves, r.ends].flatMap(curves => ["training", "val"].map(
        part => curves[part].map(point => [point.mean, point.low, point.high])))]""",
    "gabor-explorer": "r => [r.kernel, r.places, r.wave, r.bell, r.spectrum]",
    "gabor-response": "r => [r.kernel, r.mean, r.most, Array.from(r.magnitude).filter((_, i) => i % 97 === 0)]",
    "cost-explorer": "r => [r.inside, r.cheapest, r.shares, r.ways.map(w => [w.name, w.weights, w.multiplyAdds])]",
}
"""JavaScript that makes the result of a page into lists."""


@pytest.fixture
def living(page, tmp_path_factory, chromium):
    """A function that opens the page of a widget from the disk; no script fails, and nothing is asked for elsewhere."""
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))

    def open_page(name):
        site = site_of(SOME if name == FIRST else None, tmp_path_factory)
        page.goto(f"file://{site}/notebooks/{find_lesson(lessons_of_widgets()[name]).stem}.html")
        return page.locator(f".cnn-{name} > .cnn-live")

    yield open_page
    assert not problems


def some_of(control, rng):
    """Return a value that this control can have."""
    said = described(control)
    if "options" in said:
        return rng.choice(said["options"])[1]
    if "min" in said:
        steps = round((said["max"] - said["min"]) / said["step"])
        return type(said["value"])(round(said["min"] + rng.randint(0, steps) * said["step"], 6))
    return rng.random() < 0.5


def layers_of(rng, twin, controls):
    """Return a random stack, and what Python says of it."""
    layers = [
        LayerSpec(rng.choice(LAYER_KINDS), rng.choice((1, 8, 32, 100)), rng.randint(1, 7), rng.randint(1, 3), padding)
        for padding in rng.choices(("valid", "same"), k=rng.randint(1, 8))
    ]
    shape = some_of(controls["input"], rng)
    rows, problem = stack_so_far(shape, layers)
    return {"input": shape, "layers": [*map(vars, layers)]}, [list(row) for row in rows], problem or twin.describe(rows)


def step_of(rng, twin, controls):
    """Return a random kernel with settings and step, and what Python says of it."""
    settings = {name: some_of(controls[name], rng) for name in ("flip", "stride", "padding", "dilation")}
    under = rng.choice((1, 1, 2, 9, 16, 273, 10**6))
    kernel = np.array([[rng.randint(-9, 9) / under for _ in range(3)] for _ in range(3)])
    for name, value in settings.items():
        controls[name].value = value
    twin._set_kernel(kernel)
    twin.slider.value = place = rng.randint(0, twin.slider.max)
    step = twin._step()
    numbers = [twin.feature_map, step.patch, step.kernel, step.products, (step.total, *step[:4])]
    return {**settings, "kernel": kernel.tolist(), "step": place}, numbers, twin.describe(step)


def spreads(runs, place, metric):
    """Return mean, lowest and highest of both curves at each place."""
    groups = runs.groupby(place)
    return [groups[f"{part}_{metric}"].agg(["mean", "min", "max"]).to_numpy().tolist() for part in ("training", "val")]


RESULTS = {
    "dropout-explorer": lambda twin, result: [
        result.rate,
        *spreads(result.runs, "epoch", result.metric),
        *spreads(twin.ends, "rate", result.metric),
    ],
    "gabor-explorer": lambda _, view: [view.kernel.real, view.places, view.wave, view.bell, view.spectrum],
    "gabor-response": lambda _, result: [result[2].real, result[3].mean(), result[3].max(), result[3].ravel()[::97]],
    "cost-explorer": lambda _, result: [
        result.inside,
        result.cheapest,
        result.shares,
        [[way.name, way.weights, way.multiply_adds] for way in result.ways],
    ],
}
"""The results of Python in the same form, for widgets of sliders above pictures."""


def settings_of(rng, twin, controls):
    """Return random settings of such a widget, and what Python says of them."""
    settings = {name: some_of(control, rng) for name, control in controls.items()}
    if isinstance(twin, GaborResponse):  # which has six digits for its pictures
        twin.responders[settings["image"]] = Responder(twin.images[settings["image"]], FIELD)
    result = twin.compute(**settings)
    numbers = RESULTS[twin.title.lower().replace(" ", "-")](twin, result)
    return settings, numbers, twin.describe(result)


CASES = {"layer-calculator": layers_of, "convolution-stepper": step_of}


def agree(page, python):
    """Tell whether lists of the page are those of Python, numbers to 9 digits."""
    if isinstance(python, np.ndarray):
        return np.shape(page) == python.shape and np.allclose(page, python, rtol=1e-9, atol=1e-9)
    if isinstance(python, (list, tuple)):
        return len(page) == len(python) and all(map(agree, page, python))
    if isinstance(python, str) or python is None:
        return page == python
    return page is not None and math.isclose(page, python, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.matrix][name == FIRST :]) for name in LIVING])
def test_a_page_computes_what_python_does(living, name):
    twin, controls, _ = LIVING[name][1]()
    rng = random.Random(name)
    cases = [CASES.get(name, settings_of)(rng, twin, controls) for _ in range(HOW_OFTEN)]
    ask = f"""(el, all) => all.map(settings => {{
        el.explorer.set(settings);
        return [({NUMBERS[name]})(el.explorer.result), el.querySelector(".cnn-status").textContent];
    }})"""
    answers = living(name).evaluate(ask, [settings for settings, _, _ in cases])
    assert len({text for _, _, text in cases}) > 9, "cases are too much alike to say anything"
    wrong = [
        (settings, said, text)
        for (settings, numbers, text), (got, said) in zip(cases, answers, strict=True)
        if said != text or not agree(got, numbers)
    ]
    assert wrong == []


def test_what_differs_is_noticed():
    assert agree([[1, "a"], None], [(1.0, "a"), None])
    for other in ([[1, "b"], None], [[1, "a"], 0], [[1.001, "a"], None], [[1, "a"]]):
        assert not agree(other, [(1.0, "a"), None])


def test_the_calculator_works_by_keyboard(living):
    el = living(FIRST)
    status = el.locator(".cnn-status")
    start = status.inner_text()
    el.get_by_label("Size of layer 1", exact=True).focus()
    el.page.keyboard.press("ArrowUp")
    el.page.keyboard.press("Tab")
    expect(status).not_to_have_text(start)
    el.get_by_label("Remove layer 1", exact=True).press("Enter")
    assert el.page.evaluate("document.activeElement.ariaLabel") == "Remove layer 1"
    el.get_by_label("Kind of layer 2", exact=True).select_option("Dense")
    expect(status).to_contain_text("multiplications per image")
    el.get_by_role("button", name="Reset").press("Enter")
    expect(status).to_have_text(start)
    assert status.get_attribute("aria-live") == "polite"


def test_the_still_stays_on_paper_and_without_scripts(living, browser):
    el = living(FIRST)
    still = el.page.locator(f".cnn-{FIRST} > img")
    assert el.is_visible() and not still.is_visible()
    el.page.emulate_media(media="print")
    assert still.is_visible() and not el.is_visible()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(el.page.url)
    assert page.locator(f".cnn-{FIRST} > img").is_visible()
    context.close()


@pytest.mark.matrix
def test_the_stepper_works_by_keyboard(living):
    el = living("convolution-stepper")
    status, step = el.locator(".cnn-status"), el.get_by_label("Step", exact=True)
    for key, said in (("Home", "Step 1 of 676"), ("ArrowRight", "Step 2 of 676"), ("End", "Step 676 of 676")):
        step.press(key)
        expect(status).to_contain_text(said)
    cell = el.get_by_label("kernel row 0, column 1", exact=True)
    cell.fill("x")
    cell.press("Tab")
    expect(status).to_have_text("“x” is not a number: write 2, -0.5 or 1/9.")
    cell.fill("1/9")
    cell.press("Tab")
    assert el.evaluate("el => el.explorer.result.kernel[0][1]") == 1 / 9
    el.get_by_role("combobox", name="Kernel", exact=True).select_option("identity")
    assert cell.input_value() == "0"
    el.get_by_role("button", name="Reset").press("Enter")
    expect(status).to_contain_text("Step 243 of 676 (row 9, column 8): 9 products sum to 33.")


# --- explorers that need Keras ---


@pytest.fixture
def alone(page, tmp_path, chromium):
    """A function that opens a bare page, from the disk, with nothing but the still and the script of a widget."""
    asked, problems = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or asked.append(request.url))

    def open_page(name):
        (tmp_path / "widget.js").write_text(script(name), encoding="utf-8")
        style = (ROOT / "docs" / "site" / "static" / "site.css").read_text(encoding="utf-8")
        (tmp_path / "page.html").write_text(
            f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>{style}</style>
            <main><h1>{name}</h1><div class="cnn-widget cnn-{name}"><img alt="A still." src="data:,"></div></main>
            <script defer src="widget.js"></script></html>""",
            encoding="utf-8",
        )
        page.goto((tmp_path / "page.html").as_uri())
        return page.locator(f".cnn-{name} > .cnn-live")

    yield open_page
    assert not asked and not problems


def stored(name) -> tuple[dict, dict]:
    """Return what is stored of an explorer, and its frames."""
    data = json.loads((PICTURES / f"{name}.json").read_text(encoding="utf-8"))
    return data, json.loads(zlib.decompress(base64.b64decode(data["frames"])))


PICTURED = sorted(path.stem for path in PICTURES.glob("*.json"))


@pytest.mark.parametrize("name", PICTURED)
def test_pictures_follow_the_controls(alone, name):
    data, frames = stored(name)
    el = alone(name)
    first = data["controls"][data["moving"][0]]
    keys = random.Random(name).sample([*frames], 30)
    values = {str(value): value for control in data["controls"].values() for _, value in control.get("options", ())}
    settings = [
        {one: values.get(part, part) for one, part in zip(data["moving"], key.split("|"), strict=True)} for key in keys
    ]
    ask = """(el, all) => all.map(settings => {
        el.explorer.set(settings);
        const shown = [...el.querySelectorAll("figure")].map(figure => [
            figure.querySelector("figcaption").textContent, figure.querySelectorAll("image").length]);
        return [el.querySelector(".cnn-status").textContent, shown];
    })"""
    for key, (text, shown) in zip(keys, el.evaluate(ask, settings), strict=True):
        assert text == frames[key]["text"]
        pictures = [
            [title, marks.count("<image") + (pixels is not None)]
            for title, _, _, marks, pixels, _ in frames[key]["pictures"]
        ]
        assert shown == pictures
    el.evaluate("""el => Promise.all([...el.querySelectorAll("image")].map(
        shown => Object.assign(new Image(), { src: shown.href.baseVal }).decode()))""")
    assert el.locator(".cnn-note").inner_text().startswith(first["label"])
    for size in (LAPTOP, PHONE):
        el.page.set_viewport_size(size)
        check(el.page)


def test_pictures_move_by_keyboard(alone):
    _, frames = stored("augmentation-explorer")
    el = alone("augmentation-explorer")
    status = el.locator(".cnn-status")
    layer, strength = el.get_by_role("combobox", name="Layer"), el.get_by_role("slider", name="Strength")
    expect(status).to_have_text(frames["RandomRotation|5"]["text"])
    strength.press("End")
    expect(status).to_have_text(frames["RandomRotation|10"]["text"])
    strength.press("ArrowLeft")
    expect(status).to_have_text(frames["RandomRotation|9"]["text"])
    layer.focus()
    el.page.keyboard.press("ArrowUp")
    expect(status).to_have_text(frames["RandomFlip|1"]["text"])  # in the middle, as in JupyterLab
    assert strength.get_attribute("max") == "2" and el.get_by_role("slider", name="Image").is_disabled()
    el.get_by_role("button", name="Reset").press("Enter")
    expect(status).to_have_text(frames["RandomRotation|5"]["text"])
    assert status.get_attribute("aria-live") == "polite"


@pytest.mark.matrix
@pytest.mark.parametrize("name", PICTURED)
def test_pictures_take_the_place_of_the_still(living, name):
    el = living(name)
    expect(el.locator(".cnn-status")).to_have_text(re.compile(r".{40}"))
    assert not el.page.locator(f".cnn-{name} > img").is_visible()
