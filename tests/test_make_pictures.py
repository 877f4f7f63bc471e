"""Pictures of explorers that need Keras: they are what these draw and say today, and small enough for a page."""

import base64
import hashlib
import io
import json
import random
import re
import zlib
from functools import cache

from helpers.lessons import find_lesson

import numpy as np
import pytest
from PIL import Image
from site_tools import NOWHERE, load_script, said_by, shown_in

make_pictures, make_site = load_script("make_pictures"), load_script("make_site")
from living import LIVING, PICTURES, lessons_of_widgets, script  # noqa: E402 - a script beside make_pictures.py

NAMES = tuple(make_pictures.RECIPES)
HOW_MANY = 6  # settings in `make test`; `make test-all` tries all


@cache
def stored(name):
    return json.loads((PICTURES / f"{name}.json").read_text(encoding="utf-8"))


@cache
def frames_of(name):
    return json.loads(zlib.decompress(base64.b64decode(stored(name)["frames"])))


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


@cache
def pixels_of(name, place):
    return opened(base64.b64decode(stored(name)["images"][place]))


@pytest.fixture(scope="module", params=NAMES)
def explorer(request):
    """The name of a recipe, and the explorer that it makes."""
    return request.param, make_pictures.RECIPES[request.param].make()


def differences(name, twin, settings) -> list:
    """Return in what the stored frame of these settings is not what the explorer draws and says now."""
    seen = []

    def place(pixels):
        seen.append(pixels)
        return len(seen) - 1

    now = make_pictures.frame_of(twin, settings, place)
    then = frames_of(name)[make_pictures.key_of(make_pictures.RECIPES[name].moving, settings)]
    found = [(now["text"], then["text"])] * (now["text"] != then["text"])
    places = []
    for one, other in zip(now["pictures"], then["pictures"], strict=True):
        same = [[*part[:3], re.sub(r'href="#\d+"', "", part[3]), part[5]] for part in (one, other)]
        if same[0] != same[1]:
            found.append(tuple(same))
        places += [*map(int, re.findall(r'href="#(\d+)"', other[3]))] + [other[4]] * (other[4] is not None)
    for pixels, number in zip(seen, places, strict=True):
        today = opened(make_pictures.webp(pixels, make_pictures.RECIPES[name].quality))
        kept = pixels_of(name, number)
        error = np.abs(today - kept).mean() if today.shape == kept.shape else np.inf
        if error > 1:  # another release of WebP, or another processor, may change some pixels a little
            found.append((settings, error))
    return found


def test_each_explorer_has_its_file_and_the_card_its_checksum():
    listed = re.findall(r"\| `([\w.-]+)` \| (\d+) \| `(\w+)` \|", make_pictures.CARD.read_text(encoding="utf-8"))
    files = {path.name: path.read_bytes() for path in PICTURES.glob("*.json")}
    assert sorted(files) == sorted(f"{name}.json" for name in NAMES)
    assert sorted(listed) == sorted((n, str(len(c)), hashlib.sha256(c).hexdigest()) for n, c in files.items())


def test_the_site_finds_the_boxes_of_all_of_them(tmp_path):
    lessons = lessons_of_widgets()
    assert lessons.keys() == {*LIVING, *NAMES}
    for lesson in {make_pictures.RECIPES[name].lesson for name in NAMES}:
        (tmp_path / lesson).mkdir()
        pages = make_site.Pages(tmp_path / lesson, [find_lesson(lesson)], NOWHERE)
        pages.notebook(pages.notebooks[0])
        assert sorted(pages.widgets.values()) == sorted(name for name in NAMES if lessons[name] == lesson)


@pytest.mark.parametrize("name", NAMES)
def test_a_widget_has_at_most_2_mb(name):
    code = script(name)
    assert len(code.encode()) < 2_020_000 and (PICTURES / f"{name}.json").stat().st_size <= make_pictures.MOST
    assert not re.search(r"(?m)^(import|export) |https?://(?!www\.w3\.org)", code)


def test_a_twin_is_what_the_lesson_makes(explorer):
    name, twin = explorer
    assert said_by(twin.still()) in shown_in(make_pictures.RECIPES[name].lesson)
    assert stored(name)["title"] == twin.title


def test_controls_are_those_of_the_explorer(explorer):
    name, twin = explorer
    moving = make_pictures.RECIPES[name].moving
    assert stored(name)["moving"] == [*moving] and stored(name)["lesson"] == make_pictures.RECIPES[name].lesson
    assert stored(name)["controls"] == json.loads(json.dumps(make_pictures.controls_of(twin, moving)))
    assert stored(name)["reach"] == json.loads(json.dumps(make_pictures.reach_of(twin, moving)))
    keys = [make_pictures.key_of(moving, settings) for settings in make_pictures.settings_of(twin, moving)]
    twin._reset()
    assert [*frames_of(name)] == keys and make_pictures.key_of(moving, twin.settings()) in keys
    assert len(keys) == len(set(keys)) > 50


def test_frames_are_what_python_draws_and_says(explorer):
    name, twin = explorer
    some = random.Random(name).sample([*make_pictures.settings_of(twin, make_pictures.RECIPES[name].moving)], HOW_MANY)
    twin._reset()
    assert [found for settings in [twin.settings(), *some] if (found := differences(name, twin, settings))] == []


@pytest.mark.matrix
def test_all_frames_are_what_python_draws_and_says(explorer):
    name, twin = explorer
    every = [*make_pictures.settings_of(twin, make_pictures.RECIPES[name].moving)]
    twin._reset()
    assert [found for settings in every if (found := differences(name, twin, settings))] == []


def test_another_frame_is_noticed(explorer, monkeypatch):
    name, twin = explorer
    frames = frames_of(name)
    turned = dict(zip(frames, [*frames.values()][1:] + [*frames.values()][:1], strict=True))
    monkeypatch.setitem(globals(), "frames_of", lambda _: turned)
    every = [*make_pictures.settings_of(twin, make_pictures.RECIPES[name].moving)]
    twin._reset()
    assert any(differences(name, twin, settings) for settings in random.Random(1).sample(every, 3))


def test_few_colors_stay_exact():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    kept = [opened(make_pictures.webp(pixels, 75)) for pixels in (gray, noise)]
    assert (kept[0] == gray[..., np.newaxis]).all() and (kept[1] != noise).any()
