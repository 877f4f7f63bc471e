"""The switch DATASET of a lesson: each one also runs on other data, with short trainings."""

import os
import re
import runpy
import tarfile
import tempfile
from pathlib import Path

from helpers.files import VARIABLE
from helpers.lessons import LESSONS

import nbformat
import pytest
from own_folders import OWN
from real_data import FILES, REAL, link_real, put_mobilenet
from surroundings import client, surroundings

ROOT = Path(__file__).resolve().parent.parent
MEMBER = re.compile(r"(train|test)/(\w+)/(\d+)\.jpg")
REAL_DATA = {lesson.stem: lesson.tried_on for lesson in LESSONS if lesson.tried_on}
"""The real datasets that each lesson runs on, where the folder of real data is there."""
ALWAYS = {(lesson, "digits") for lesson in ("03b_training_a_cnn", "06_activations_and_filters", "07_grad_cam")}
"""What `make test` tries, of what needs no real data: one epoch on the usual data, and other data."""


FOLDERS_ALWAYS = {
    "2 of 7": ("04_dropout_and_overfitting", "10b_optimizers_graphs_machines"),
    "2 of 20": ("05_data_augmentation", "06_activations_and_filters"),
    "2 of 110": ("03_building_a_cnn", "03b_training_a_cnn", "10_cnn_in_raw_tensorflow"),
    "unequal": ("09_real_world_architectures", "11_beat_the_benchmark"),
    "12 classes": ("07_grad_cam", "11b_what_each_piece_is_worth"),
}
"""Folders of one's own, each on some lessons in `make test`: 08 takes longest, so it is tried with the matrix."""
SHORTER = {"epochs=50,": "epochs=2,", "steps=48": "steps=4", "steps=60": "steps=4", "epochs=6)": "epochs=1)"}
"""In cells that train, or climb, longer than a test of folders needs."""


def cases() -> list:
    """Return each lesson with each dataset, marked as what tries everything on everything, or needs real data."""
    return [
        *(
            pytest.param(lesson, data, marks=[] if (lesson, data) in ALWAYS else pytest.mark.matrix)
            for lesson in REAL_DATA
            for data in ("digits", "critters")
        ),
        *(
            pytest.param(lesson, data, marks=pytest.mark.real_data)
            for lesson, names in REAL_DATA.items()
            for data in names
        ),
    ]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """Let kernels start in surroundings of this test's own; return the cache folder."""
    for name, value in surroundings(tmp_path).items():
        monkeypatch.setenv(name, value)
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory) -> str:
    """Return a folder with 2,000 photographs of CIFAR-10: 120 of each class to train, 40 each to validate and test."""
    archives = sorted((REAL / "cifar10").glob("CIFAR-10-images-*.tar.gz"))
    if not archives:
        pytest.skip(f"no CIFAR-10 in {REAL}")
    folder = tmp_path_factory.mktemp("real") / "cifar10"
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            match = MEMBER.fullmatch(member.name)
            if match and int(match[3]) < 160:
                part = "validation" if match[1] == "train" and int(match[3]) >= 120 else match[1]
                if part == "test" and int(match[3]) >= 40:
                    continue
                target = folder / part / match[2] / f"{match[3]}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
    return str(folder)


def cases_of_folders() -> list:
    """Return each lesson with each folder of one's own; marked as the matrix, but for two lessons each."""
    return [
        pytest.param(lesson, folder, marks=[] if lesson in FOLDERS_ALWAYS[folder] else pytest.mark.matrix)
        for folder in OWN
        for lesson in REAL_DATA
    ]


@pytest.mark.parametrize(("lesson", "data"), cases())
def test_a_lesson_runs_on_other_data(lesson, data, request, cache):
    """All cells run, with few images and one epoch; goals and assertions set for the usual data do not count."""
    if data in FILES:
        link_real(data, cache)
    if (lesson, data) == ("08_transfer_learning", "cats_vs_dogs"):
        put_mobilenet(Path(os.environ["KERAS_HOME"]))
    notebook = run(lesson, request.getfixturevalue(data) if data == "cifar10" else data)
    if (lesson, data) == ("08_transfer_learning", "cats_vs_dogs"):
        _check_large_network(notebook)


@pytest.mark.parametrize(("lesson", "folder"), cases_of_folders())
def test_a_lesson_runs_on_a_folder_of_ones_own(lesson, folder, cache, tmp_path):
    """From its first cell to its last one, whatever the classes are named, and however few images there are."""
    run(lesson, str(OWN[folder].write(tmp_path / "own")), SHORTER)


def test_each_folder_has_lessons_in_make_test():
    tried = {lesson for lessons in FOLDERS_ALWAYS.values() for lesson in lessons}
    assert tried == REAL_DATA.keys() - {"08_transfer_learning"}
    assert all(len(lessons) >= 2 for lessons in FOLDERS_ALWAYS.values()) and FOLDERS_ALWAYS.keys() == OWN.keys()


def run(lesson: str, name: str, shorter: dict[str, str] | None = None):
    """Run a lesson on a dataset, with one epoch, and changed texts; nothing may be written on stderr. Return it."""
    notebook = nbformat.read(ROOT / f"notebooks/{lesson}.ipynb", as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = re.sub(
        r"(?m)^DATASET = .*|^EPOCHS = .*",
        lambda line: f"DATASET = {name!r}" if "D" in line[0] else "EPOCHS = 1",
        parameters.source,
    )
    assert repr(name) in parameters.source
    kept = tempfile.mkdtemp(dir=os.environ["JUPYTER_RUNTIME_DIR"])
    for cell in notebook.cells:
        cell.source = cell.source.replace("limit=4_000", "limit=1_600")  # images of each part
        cell.source = cell.source.replace('Path("runs/', f'Path("{kept}/')  # two tests may run a lesson at once
        for old, new in (shorter or {}).items():
            cell.source = cell.source.replace(old, new)
        if "solution" in cell.metadata.get("tags", []) and "my_model" in cell.source:
            cell.source = re.sub(r"epochs=\d+", "epochs=1", cell.source)
    client(notebook, timeout=300).execute()
    lines = [
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    assert lines == []
    return notebook


def _check_large_network(notebook) -> None:
    """MobileNetV2 tells cats from dogs: 96% of the test right, which a cell asserts, in less than three minutes."""
    cells = [cell for cell in notebook.cells if cell.id.startswith("pets") and cell.cell_type == "code"]
    assert re.search(r"1000 of each': '9[6-9]\.", cells[-1].outputs[0].text)
    seconds_of = runpy.run_path(str(ROOT / "scripts" / "refresh.py"))["seconds_of"]
    assert sum(seconds_of(cell) for cell in cells) < 180
