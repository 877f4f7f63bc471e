"""What a learner at the keyboard does with the widgets of a lesson: their page objects, by the names of their modules.

A widget in ``helpers/widgets/stepper.py`` has its page objects in ``pages/stepper.py``, in ``PAGES``; which ones a
lesson has stands in `helpers.lessons`.
"""

import importlib
from pathlib import Path

KNOWN = {
    path.stem: importlib.import_module(f"pages.{path.stem}").PAGES
    for path in sorted((Path(__file__).parent / "pages").glob("*.py"))
    if path.stem != "base"
}
"""The page objects of all widgets, by the name of the module."""


def pages_in(lab) -> list:
    """Return a page object for each widget that is shown."""
    kinds = [kind for kinds in KNOWN.values() for kind in kinds]
    return [kind(lab, place) for kind in kinds for place in range(lab.widgets(kind.selector).count())]


def check_all_sliders(lab) -> None:
    """Each slider of each widget goes to both its ends and back; each time the numbers are right."""
    moved = sum(widget.check_all_sliders() for widget in pages_in(lab))
    assert moved == lab.widgets(".cnn-widget [role=slider]").count(), "a widget with sliders has no page object"
    assert lab.errors() == []
