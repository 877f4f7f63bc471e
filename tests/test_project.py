"""The files around the lessons agree: packages, lock, conda, make, paths, data cards."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = {
    "Linux": {"sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"},
    "macOS": {"sys_platform": "darwin", "os_name": "posix", "platform_machine": "arm64", "platform_system": "Darwin"},
    "Windows": {"sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64", "platform_system": "Windows"},
}


def tracked_files() -> list[Path]:
    """Return the files that git has or would take; without git, all but hidden folders and what tools make."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    made = re.compile(
        r"(^|/)(\.(?!ci|editorconfig|gitignore|pre)|__pycache__|.*\.egg-info|(runs|mine|progress|hand-out)/|rehearsal)"
    )
    return [path for path in ROOT.rglob("*") if path.is_file() and not made.search(str(path.relative_to(ROOT)))]


def locked(python: str, system: str) -> dict[str, str]:
    """Return name and version of each package that the lock holds for a Python and a system."""
    environment = {"python_version": python, "python_full_version": f"{python}.9", **SYSTEMS[system]}
    versions = {}
    for line in LOCK.splitlines():
        if not line or line.startswith((" ", "#")):
            continue
        requirement = Requirement(line)
        if requirement.marker and not Marker(str(requirement.marker)).evaluate(environment):
            continue
        name = canonicalize_name(requirement.name)
        assert name not in versions, f"the lock holds {name} twice for Python {python} on {system}"
        versions[name] = str(requirement.specifier).removeprefix("==")
    return versions


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_the_project(python, system):
    versions = locked(python, system)
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in requirements.lock: run `make lock`"
        assert requirement.specifier.contains(version), f"{text}, but the lock has {version}: run `make lock`"


def test_lock_names_packages_and_versions_only():
    lines = [line for line in LOCK.splitlines() if line and not line.startswith(" ")]
    odd = [line for line in lines if not re.fullmatch(r"[\w.-]+(\[[\w,.-]+\])?==[\w.+!]+( ; .+)?", line)]
    assert not odd, f"no URL, no index, no path, no git reference, no range: {odd}"
    assert "://" not in LOCK and "@" not in LOCK


def test_python_versions_agree():
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{minor}" for minor in range(9, 16) if allowed.contains(f"3.{minor}.9")] == list(PYTHONS)
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"(3\.\d+)\.\*", makefile) == list(PYTHONS)
    readme = (ROOT / "README.md").read_text()
    assert f"{PYTHONS[0]}–{PYTHONS[-1]}" in readme


def test_environment_file_uses_the_lock_and_installs_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    python, pip, packages = environment["dependencies"]
    assert python.startswith("python=") and python.removeprefix("python=") in PYTHONS and pip == "pip"
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
def test_make_help_lists_each_verb():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: ((?:.+\\\n)*.+)$", makefile, re.MULTILINE).group(1).replace("\\", "").split())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^ +make ([\w-]+) +(\S.*)$", done.stdout, re.MULTILINE))
    assert set(listed) == phony - {"check-python", "set-up", "set-up-site"}
    assert all(len(text) > 10 for text in listed.values())


def test_verbs_in_the_documents_exist():
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        named = set(re.findall(r"`make ([a-z-]+)[^`]*`|^make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
        assert {first or second for first, second in named} <= verbs, name


def text_files():
    """Yield path and text of each tracked file that is text."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_registry_or_a_place_on_one_machine():
    hosts = re.compile(r"pypi\.org|pythonhosted\.|anaconda\.(?:org|com)|npmjs\.|(?<!no-emit)-index-url[ =]")
    places = re.compile(r"(?<![\w.:/])/(?:root|home|tmp|work|Users|builds)/\w")
    found = []
    for name, text in text_files():
        if name == "tests/test_project.py":
            continue
        found += [f"{name}: {match.group()}" for pattern in (hosts, places) for match in pattern.finditer(text)]
    assert not found


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_documents_lead_somewhere(name):
    text = (ROOT / name).read_text()
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert not [target for target in targets if not (ROOT / target).exists()]


def load_lab(monkeypatch, user: int):
    """Return the command line of `make lab` for a user number, 0 for root."""
    spec = importlib.util.spec_from_file_location("lab", ROOT / "scripts/lab.py")
    lab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lab)
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(sys, "argv", ["lab.py", "--no-browser"])
    return lab, lab.command()


def test_lab_may_run_as_root_only_if_it_is_root(monkeypatch):
    lab, command = load_lab(monkeypatch, user=1000)
    assert "--allow-root" not in command
    assert command[0] == sys.executable and command[-1] == "--no-browser"
    assert (ROOT / lab.FIRST).exists()
    assert "--allow-root" in load_lab(monkeypatch, user=0)[1]


def data_files():
    folder = ROOT / "data"
    return [path for path in tracked_files() if folder in path.parents and path.suffix != ".md"]


@pytest.mark.parametrize("path", data_files(), ids=lambda path: path.name)
def test_each_data_file_has_a_card(path):
    card = path.with_suffix(".md")
    assert card.exists(), f"write {card.name}: what it is, where from, license, how made, checksum"
    text = card.read_text()
    assert path.name in text
    for row in ("What", "From", "License", "Made by"):
        assert f"| {row} |" in text, f"{card.name} lacks the row {row}"
    if path.suffix not in (".png", ".jpg"):  # the preview is the picture of the card itself
        assert "| SHA-256 |" in text, f"{card.name} lacks the row SHA-256"
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
        assert f"{path.stat().st_size:,} bytes" in text


def test_what_the_slides_carry_is_what_the_card_says():
    folder = ROOT / "docs" / "slides"
    listed = re.findall(r"\| `([\w.]+)` \| (\d+) \| `(\w+)` \|", (folder / "README.md").read_text())
    carried = {path.name: path.read_bytes() for path in (folder / "reveal").iterdir() if path.name != "LICENSE"}
    found = [(name, str(len(content)), hashlib.sha256(content).hexdigest()) for name, content in carried.items()]
    assert sorted(listed) == sorted(found) and len(found) == 3


def test_ci_runs_what_the_readme_says():
    script = ROOT / ".ci/run"
    text = script.read_text()
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text and "CI=true" in text
    assert "\nCNN_LESSONS_REAL_DATA=/nowhere make test\n" in text, "as a stranger has it, without real data"
    assert subprocess.run(["bash", "-n", script]).returncode == 0


def test_hooks_are_local():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    assert {hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]} == {
        ".venv/bin/ruff check",
        ".venv/bin/ruff format --check",
    }
