"""The house rules of the notebooks (CONTRIBUTING.md), each as a small test with a message that says what to do."""

import ast
import json
import re
import statistics
from pathlib import Path

from helpers.lessons import LESSONS, SERIES, find_lesson

import nbformat
import pytest
from surroundings import client

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"parameters", "exercise", "check", "solution", "claims", "nbval-ignore-output"}
DRAW_TITLES = (
    "show_blocks",
    "show_equations",
    "show_loop",
    "show_numbers",
    "show_zoom",
    "show_channels",
    "plot_history",
    "plot_confusion",
)  # helpers that always do
BRITISH = re.compile(r"\b(colour|grey|neighbour|behaviour|centre|labelled|licence|normalis|optimis|regularis)", re.I)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def folded_tests(notebook):
    return [cell for cell in code_cells(notebook) if "claims" in tags(cell)]


def open_cells(notebook):
    return [cell for cell in code_cells(notebook) if "claims" not in tags(cell)]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def nodes(cell, kind):
    """Return all nodes of this kind in the code of a cell."""
    return [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, kind)]


def calls(cell, name):
    """Return the calls of a function in a cell, but for those in the bodies of functions that it defines."""
    nodes = [node for node in ast.parse(cell.source).body if not isinstance(node, ast.FunctionDef)]
    found = [inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return [call for call in found if getattr(call.func, "attr", getattr(call.func, "id", None)) == name]


def data(cell):
    """Return the MIME types of all outputs of a cell."""
    return {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}


def text_of(cell):
    """Return what a cell printed, and the text of its results."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return "".join(parts)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return read(path)


@pytest.fixture
def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@pytest.fixture
def lesson(path):
    return find_lesson(path.stem.partition("_")[0])


def test_the_list_of_lessons_is_that_of_the_notebooks():
    assert [path.stem for path in PATHS] == [lesson.stem for lesson in LESSONS], "edit LESSONS in helpers/lessons.py"
    assert all(re.fullmatch(rf"{lesson.id}_[a-z0-9_]+", lesson.stem) for lesson in LESSONS)
    assert len(LESSONS) >= 9


def test_the_table_of_the_readme_is_the_list_of_lessons():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [tuple(cell.strip() for cell in row.split("|")[1:-1]) for row in re.findall(r"(?m)^\| \d\d\w? .*$", readme)]
    names = {True: ("[{0.title}](notebooks/{0.stem}.ipynb)", "**ready**"), False: ("{0.title}", "planned")}
    expected = [(lesson.id, *(text.format(lesson) for text in names[lesson.ready])) for lesson in SERIES]
    assert [(row[0], row[1], row[-1]) for row in rows] == expected, "README.md and helpers/lessons.py differ"


def test_the_list_of_lessons_knows_the_widgets(lesson, notebook):
    code = "\n".join(cell.source for cell in code_cells(notebook))
    shown = dict.fromkeys(re.findall(r"(?m)^from helpers\.widgets\.(\w+) import", code))
    assert lesson.widgets == tuple(shown), f"edit LESSONS in helpers/lessons.py: lesson {lesson.id}, widgets"


def test_the_parts_of_a_lesson_come_in_order(lesson, notebook, markdown):
    beginning = rf"# {lesson.id.lstrip('0') or 0} · {re.escape(lesson.title)}\n\n\S"
    assert re.match(beginning, notebook.cells[0].source), (
        "begin with “# 3 · Title”, the title as in helpers/lessons.py, and a paragraph why"
    )
    parts = ["**Questions**", "**Objectives.**", "**Time.**", "**For instructors**", "## Key points"]
    parts = [part if part != "**For instructors**" else "<b>For instructors</b>" for part in parts]
    places = [markdown.find(part) for part in [*parts, "## Going further", "**Next.**"]]
    assert -1 not in places and places == sorted(places), f"missing or out of order: {places}"
    assert "**Next.**" in notebook.cells[-1].source


ONLY_PAGES = ("cs231n.github.io", "jmlr.org/papers/v15/srivastava14a", "myrtle.ai/learn")
"""Papers, notes and posts that have neither a DOI nor arXiv."""


def test_references_have_a_doi_or_arxiv_where_there_is_one(markdown):
    further = markdown.partition("## Going further")[2].partition("**Next.**")[0]
    for item in re.split(r"(?m)^- ", further)[1:]:
        if re.search(r"\b(19[4-9]|20[0-3])\d\b", re.sub(r"\(http\S+", "", item)):
            assert re.search(r"//(doi|arxiv)\.org/", item) or any(page in item for page in ONLY_PAGES), item


def test_parameters_cell_from_lesson_3_on(lesson, notebook):
    cells = [cell for cell in code_cells(notebook) if "parameters" in tags(cell)]
    assert len(cells) == (lesson.id >= "03")
    if cells:
        assert 'DATASET = "' in cells[0].source
        assert cells[0] is code_cells(notebook)[0]


def test_the_list_of_lessons_knows_the_parameters(lesson, notebook):
    set_here = {
        node.targets[0].id: ast.literal_eval(node.value)
        for cell in code_cells(notebook)
        if "parameters" in tags(cell)
        for node in ast.parse(cell.source).body
    }
    for seed in ("SEED", "SEEDS"):  # with another seed the numbers of the text must hold as well
        set_here.pop(seed, None)
    assert lesson.parameters == set_here, f"edit LESSONS in helpers/lessons.py: lesson {lesson.id}, parameters"


def test_cells_are_short(notebook):
    """Folded tests are not counted, since they would make the median smaller."""
    lengths = sorted(len(cell.source.splitlines()) for cell in open_cells(notebook))
    assert statistics.median(lengths) <= 6
    assert lengths[int(0.9 * len(lengths))] <= 16
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 30


def test_file_is_small(path):
    assert path.stat().st_size <= 1_500_000


def test_cell_ids_are_names(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    odd = [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 30]
    assert not odd, f"give these cells ids that say what they are for: {odd}"


def test_only_known_tags(notebook):
    assert set().union(*(tags(cell) for cell in notebook.cells)) <= TAGS


def test_stored_from_one_run_without_errors(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run `make refresh`"
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert "error" not in kinds
    assert not [cell.id for cell in cells if any(output.get("name") == "stderr" for output in cell.outputs)]


def test_outputs_belong_to_no_machine(path):
    text = json.dumps(json.loads(path.read_text()))
    assert not re.search(r"/(root|home|tmp|work|Users)/", text), "an absolute path"
    assert not re.search(r"0x[0-9a-f]{8,}", text), "the address of an object: end the cell with plt.show()"
    assert "widget-view+json" not in text, "run `make refresh`, which stores widgets as still pictures"


def test_cells_that_print_have_their_output_stored(notebook):
    silent = [cell.id for cell in code_cells(notebook) if calls(cell, "print") and not cell.outputs]
    assert not silent


def test_most_cells_are_compared_by_nbval(notebook):
    cells = code_cells(notebook)
    ignored = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= 0.4 * len(cells)
    assert not [cell.id for cell in cells if "nbval-skip" in tags(cell) or "NBVAL_" in cell.source]


def test_stored_run_times_keep_the_budget(notebook):
    seconds = notebook.metadata["run_seconds"]
    assert seconds["slowest_cell"] <= 60
    assert seconds["all"] <= 180


def test_exercises_answer_back(path, notebook):
    cells = code_cells(notebook)
    places = [index for index, cell in enumerate(cells) if "exercise" in tags(cell)]
    assert len(places) >= {"00": 2, "01": 4, "02": 4, "03": 4}.get(path.stem[:2], 3)
    for place in places:
        exercise, check, solution = cells[place : place + 3]
        assert "check" in tags(check) and "solution" in tags(solution), f"{exercise.id}: exercise, check, solution"
        assert text_of(check).startswith("… not yet: "), f"{exercise.id}: the untouched exercise must say “not yet”"
        assert "✓ yes: " in text_of(solution), f"{exercise.id}: the solution must pass its own check"
        number = check.source.split("(")[1].split(",")[0]
        assert f"check.solution({number}, " in solution.source, "the solution of this exercise, by its own check"
        assert solution.source.startswith("# Solution: click to unfold\n"), "JupyterLab shows the first line"
        assert solution.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
        assert re.search(r"^(def )?\w*solution\w*( =|\()", solution.source, re.MULTILINE), (
            f"{solution.id}: a name of its own"
        )


def test_each_figure_is_explained(notebook):
    waiting = None
    for cell in notebook.cells:
        if cell.cell_type == "code" and data(cell) & {"image/png", "image/svg+xml"}:
            waiting = waiting or cell.id
        elif cell.cell_type == "markdown":
            before_heading = re.split(r"^## ", cell.source, flags=re.MULTILINE)[0]
            if "**What to see.**" in before_heading:
                waiting = None
            assert waiting is None or "\n## " not in "\n" + cell.source, f"{waiting}: say “What to see.” below it"
    assert waiting is None


def test_each_figure_has_a_title(notebook):
    for cell in code_cells(notebook):
        if "image/png" in data(cell):
            grids = [*calls(cell, "show_images"), *(call for call in calls(cell, "show") if call.args)]
            named = [len(call.args) > 1 or any(k.arg in ("title", "titles") for k in call.keywords) for call in grids]
            others = "title" in cell.source or any(calls(cell, name) for name in DRAW_TITLES)
            assert all(named) if grids else others, f"{cell.id}: a figure without a title"


def test_no_smells(notebook):
    source = "\n".join(cell.source for cell in code_cells(notebook))
    for smell in ("%pip", "!pip", "sys.path", "tf.keras", "import *", "filterwarnings", "tensorflow.keras"):
        assert smell not in source, smell


def test_spelling_is_american(markdown):
    assert not BRITISH.findall(markdown)


def test_a_lesson_asserts_in_many_cells(lesson, notebook):
    asserting = sum("assert " in cell.source for cell in code_cells(notebook))
    assert asserting >= (1 if lesson.id == "00" else 10)


# --- folded tests of the text, and the one condition for numbers that hold for the stored parameters ---


def test_folded_tests_are_folded_and_silent(notebook):
    for cell in folded_tests(notebook):
        assert cell.source.startswith("# Test of the text: click to unfold\n"), f"{cell.id}: JupyterLab shows this line"
        assert cell.metadata["jupyter"] == {"source_hidden": True}, f"{cell.id}: fold it"
        assert tags(cell) == {"claims"} and cell.outputs == [], f"{cell.id}: print in the cell before it"


def test_folded_tests_only_test(notebook):
    """They hold asserts, what is computed for them, and at most one condition: `if as_stored:` above plain asserts."""
    for cell in folded_tests(notebook):
        parts = ast.parse(cell.source).body
        conditions = [part for part in parts if isinstance(part, ast.If)]
        others = [part for part in parts if not isinstance(part, ast.If | ast.Assert | ast.Assign | ast.FunctionDef)]
        assert others == [], f"{cell.id}: only asserts, assignments and functions"
        assert nodes(cell, ast.Assert), f"{cell.id}: asserts nothing"
        assert len(conditions) == len(nodes(cell, ast.If)) <= 1, f"{cell.id}: one condition, if any"
        for condition in conditions:
            assert ast.unparse(condition.test) == "as_stored" and not condition.orelse, f"{cell.id}: `if as_stored:`"
            assert all(isinstance(part, ast.Assert) for part in condition.body), f"{cell.id}: compute before it"


def test_a_lesson_is_the_same_without_its_folded_tests(notebook):
    """What they compute has names that stand nowhere else, so nothing else depends on it."""
    elsewhere = {node.id for cell in open_cells(notebook) for node in nodes(cell, ast.Name)}
    for cell in folded_tests(notebook):
        for node in ast.parse(cell.source).body:
            functions = {node.name} if isinstance(node, ast.FunctionDef) else set()
            targets = [inner for target in getattr(node, "targets", []) for inner in ast.walk(target)]
            made = functions | {target.id for target in targets if isinstance(target, ast.Name)}
            assert made.isdisjoint(elsewhere), f"{cell.id}: give {made & elsewhere} another name"


def test_as_stored_is_computed_once_and_asked_in_folded_cells(lesson, notebook):
    """Elsewhere it would be dishonest: a cell that needs masks asks whether there are masks."""
    assert not [cell.id for cell in code_cells(notebook) if re.search(r"\bother_(data|setup)\b", cell.source)]
    users = [cell for cell in open_cells(notebook) if re.search(r"\bas_stored\b", cell.source)]
    users = [cell for cell in users if "solution" not in tags(cell)]
    if not lesson.parameters:
        assert users == []
        return
    assert [cell.id for cell in users] == ["imports"]
    arguments = ", ".join([f'"{lesson.id}"', *(f"{name}={name}" for name in lesson.parameters)])
    lines = [line for line in users[0].source.splitlines() if "as_stored" in line]
    assert lines == [f"as_stored = lessons.as_stored({arguments})"]


def test_asserts_are_plain(notebook):
    """`assert other or …` hides when it counts: say it with `if as_stored:`, in a folded cell."""
    for cell in code_cells(notebook):
        for check in nodes(cell, ast.Assert):
            alternatives = [node for node in ast.walk(check.test) if isinstance(node, ast.BoolOp | ast.IfExp)]
            alternatives = [node for node in alternatives if not isinstance(getattr(node, "op", None), ast.And)]
            assert not alternatives, f"{cell.id}: {ast.unparse(check)}"


def glossary():
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| (\d\d[a-z]?) \|$", (ROOT / "notebooks/GLOSSARY.md").read_text(), re.MULTILINE
    )
    return dict(rows)


def test_glossary_is_sorted():
    names = [name.lower() for name in glossary()]
    assert len(names) > 30 and names == sorted(names)


def test_terms_of_the_glossary_are_defined_in_their_lesson(path, markdown):
    bold = {term.lower() for term in re.findall(r"\*\*([^*\n]+?)\*\*", markdown)}
    missing = [
        term
        for term, lesson in glossary().items()
        if lesson == path.stem.partition("_")[0] and not {term.lower(), term.lower() + "s"} & bold
    ]
    assert not missing, f"in bold where they are defined: {missing}"


def test_links_between_lessons_lead_somewhere(path, markdown):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", markdown):
        assert (path.parent / target).exists(), target


PLACE = re.compile(r"(?<!critters\.)(?<!digits\.)\b(images|labels|predicted|x_\w+|y_\w+)\[\[?[1-9]\d*(, |:\d+\]|\])")


def test_no_place_of_an_image_is_written_into_a_cell(notebook):
    """A learner's folder may have fewer images: those that the text speaks of are in `helpers.lessons`."""
    if "parameters" in {tag for cell in notebook.cells for tag in tags(cell)}:
        found = {cell.id: PLACE.search(cell.source) for cell in open_cells(notebook)}
        found = {name: match[0] for name, match in found.items() if match}
        assert not found, f"use lessons.examples, and name their purpose in helpers/lessons.py: {found}"


TENSORFLOW = re.compile(r"tensorflow|\bkeras|helpers\.training|import training")


def test_lesson_1_needs_no_tensorflow():
    assert not TENSORFLOW.search("\n".join(cell.source for cell in code_cells(read(PATHS[0]))))


def test_only_the_last_sections_of_lesson_2_need_tensorflow():
    cells = read(ROOT / "notebooks/02_gabor_filter_banks.ipynb").cells
    headings = [index for index, cell in enumerate(cells) if re.search(r"^## ", cell.source, re.MULTILINE)]
    names = [re.search(r"^## (.*)", cells[index].source, re.MULTILINE)[1] for index in headings]
    learned = ["The bank as a first layer", "Kernels without labels", "An edge kernel, learned"]
    assert names[-5:] == [*learned, "Before you go on", "Key points"]
    users = [i for i, cell in enumerate(cells) if cell.cell_type == "code" and TENSORFLOW.search(cell.source)]
    assert headings[-5] < min(users)


@pytest.mark.parametrize("lesson", ["01_convolution_by_hand", "02_gabor_filter_banks"])
def test_first_figure_comes_soon(lesson, monkeypatch):
    """A kernel draws it within the first four code cells, and has loaded no TensorFlow by then, which takes longest."""
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel shall draw as it does for a learner
    notebook = read(ROOT / f"notebooks/{lesson}.ipynb")
    question = nbformat.v4.new_code_cell("import sys\nprint('tensorflow' in sys.modules)")
    runner = client(notebook)
    with runner.setup_kernel():
        for index, cell in enumerate(code_cells(notebook)[:4]):
            cell.outputs = []
            runner.execute_cell(cell, index)
            if "image/png" in data(cell):
                break
        runner.execute_cell(question, index)
    assert "image/png" in data(cell)
    assert text_of(question) == "False\n"
