"""Containers, workflows, forms, citation and copies for Colab, as far as they can be looked at without running them."""

import importlib
import json
import os
import re
import shlex
import sys
import tarfile
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from PIL import Image
from script_tools import SCRIPTS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERBS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = ["3.11", "3.12", "3.13"]


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_there_is(path):
    workflow = read(path)
    assert {"name", True, "permissions", "jobs"} <= workflow.keys(), "YAML reads `on` as true"
    assert all(job["timeout-minutes"] <= 100 and job["runs-on"] for job in workflow["jobs"].values())
    lines = [line.strip() for step in steps(workflow) for line in step.get("run", "").splitlines()]
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert words[0] in ("make", "python", "uv", ".ci/run"), line
        if words[0] == "make":
            assert set(words[1:]) <= VERBS, line
        assert all((ROOT / word).exists() for word in words if word.startswith(("scripts/", "tests", ".ci/"))), line
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_workflows_try_all_systems_and_pythons():
    matrix = read(".github/workflows/test.yml")["jobs"]["systems"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["system"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == PYTHONS
    newest = read(".github/workflows/newest.yml")
    assert newest[True]["schedule"] and newest["jobs"]["newest"]["strategy"]["matrix"]["resolution"][0] == "highest"


def test_the_container_has_a_user_without_rights_and_says_how_it_is():
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    names = [name for name, _ in instructions]
    assert re.fullmatch(r"python:(3\.\d+)-slim-\w+", dict(instructions)["FROM"])[1] in PYTHONS
    assert names.index("USER") < names.index("WORKDIR") < names.index("COPY") < names.index("CMD")
    assert names.count("USER") == 1 and dict(instructions)["USER"] != "root"
    assert "HEALTHCHECK" in names and dict(instructions)["EXPOSE"] == "8888"
    for name, rest in instructions:
        if name == "COPY":
            assert all((ROOT / word).exists() for word in rest.split()[1:-1])
        if name == "RUN" and rest.startswith("make"):
            assert rest.split()[1] in VERBS
    command = json.loads(dict(instructions)["CMD"])
    assert (ROOT / command[1]).exists() and "--port=8888" in command


def test_a_class_gets_containers_with_limits_and_a_password():
    [service] = read("compose.yaml")["services"].values()
    assert service["environment"]["JUPYTER_TOKEN"].startswith("${JUPYTER_TOKEN:?"), "it must be chosen"
    assert service["deploy"]["replicas"] == "${LEARNERS:-1}" and service["deploy"]["resources"]["limits"]
    assert service["ports"] == ["${PORTS:-8888-8987}:8888"]


def test_the_dev_container_is_the_same():
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert settings["postCreateCommand"].split()[1] in VERBS


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_forms_ask_with_labels(path):
    form = read(path)
    assert {"name", "description", "body"} <= form.keys()
    assert len({part["id"] for part in form["body"]}) == len(form["body"])
    assert all(part["attributes"]["label"] and part["type"] in ("input", "textarea") for part in form["body"])


def test_the_citation_agrees_with_the_project():
    citation = read("CITATION.cff")
    assert citation["version"] == PROJECT["version"] and citation["cff-version"] == "1.2.0"
    assert " AND ".join(citation["license"]) == PROJECT["license"]
    addresses = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cnn-lessons"]
    assert (
        citation.get("repository-code", "") == addresses["repository"] and citation.get("url", "") == addresses["site"]
    )


def test_project_citation_and_changelog_are_of_one_version():
    headings = re.findall(r"(?m)^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert headings[0] == ("Unreleased", ""), "what comes next has a place"
    released = [(version, day) for version, day in headings if version != "Unreleased"]
    citation = read("CITATION.cff")
    assert released[0] == (PROJECT["version"], str(citation["date-released"])) and citation["version"] == released[0][0]
    assert released == sorted(released, key=lambda it: [int(part) for part in it[0].split(".")], reverse=True)


# --- the README ---


@pytest.fixture(scope="module")
def public():
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module("public")
    sys.path.remove(str(SCRIPTS))


def test_the_readme_has_the_links_that_the_addresses_allow(public):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert public.with_links(readme, public.public_addresses()) == readme, "run `scripts/public.py`"
    nowhere = public.with_links(readme, {"repository": "", "site": "", "hub": ""})
    assert not re.search(r"mybinder|colab\.research|git-pull|the pages\]", nowhere)
    addresses = {"repository": "https://github.com/someone/cnn", "site": "https://someone.example", "hub": ""}
    added = set(public.with_links(readme, addresses).splitlines()) - set(nowhere.splitlines())
    binder = "https://mybinder.org/v2/gh/someone/cnn/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb"
    colab = "https://colab.research.google.com/github/someone/cnn/blob/colab/00_start_here.ipynb"
    links = f"[on Binder]({binder}), [on Colab]({colab})"
    assert added == {
        f"Run them without installing anything: {links}. Read them: [the pages](https://someone.example).",
    }
    with_hub = public.with_links(readme, {**addresses, "hub": "https://hub.example"})
    assert "[on the hub](https://hub.example/hub/user-redirect/git-pull?repo=" in with_hub
    assert public.with_links(with_hub, {"repository": "", "site": "", "hub": ""}) == nowhere


def test_the_readme_shows_the_widgets_with_stills_and_words():
    shown = re.findall(r"!\[([^\]]+)\]\((docs/\w+)\.webp\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [path for _, path in shown] == ["docs/stepper", "docs/grad_cam"]
    assert all(words.startswith("Moving picture: ") and len(words) > 80 for words, _ in shown)
    assert sum((ROOT / f"{path}.webp").stat().st_size for _, path in shown) <= 1_500_000
    for _, path in shown:
        moving, still = (Image.open(ROOT / f"{path}{suffix}") for suffix in (".webp", ".png"))
        assert moving.n_frames >= 8 and moving.info["loop"] == 2, "it ends by itself"
        assert still.size == moving.size and f"({path}.png)" in (ROOT / "README.md").read_text(encoding="utf-8")


# --- Colab ---


@pytest.fixture(scope="module")
def make_colab():
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module("make_colab")
    sys.path.remove(str(SCRIPTS))


def test_the_first_cell_brings_the_lessons_once(make_colab, tmp_path, monkeypatch):
    tree = tmp_path / "cnn-lessons-1.0"
    (tree / "notebooks").mkdir(parents=True)
    (tree / "brought.py").write_text("here = True\n")
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as files:
        files.add(tree, tree.name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    cell = make_colab.first_cell((tmp_path / "all.tar.gz").as_uri(), "here")
    asked = []

    class Shell:
        def run_line_magic(self, *given):
            asked.append(given)

    names = {"get_ipython": Shell}
    exec(cell, names)
    assert Path.cwd() == tmp_path / "here" / "notebooks" and sys.path[0] == str(tmp_path / "here")
    assert asked == [], "all that a lesson imports is here"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all.tar.gz").unlink()  # the second time nothing is fetched
    exec(cell.replace('"keras": "keras"', '"no-such": "no_such_module"'), names)
    assert asked == [("pip", "install --quiet no-such")], "and only what is missing is added, whatever its version"


def test_a_copy_is_the_lesson_behind_one_more_cell(make_colab, tmp_path):
    paths = make_colab.write_copies(tmp_path / "colab", "https://example.org/lessons")
    assert [path.name for path in paths] == sorted(os.listdir(tmp_path / "colab"))
    copy = nbformat.read(paths[3], as_version=4)
    lesson = nbformat.read(ROOT / "notebooks" / paths[3].name, as_version=4)
    assert copy.cells[1:] == lesson.cells and copy.cells[0].id == "colab"
    assert f"https://example.org/lessons/archive/refs/tags/v{PROJECT['version']}.tar.gz" in copy.cells[0].source
    nbformat.validate(copy)
