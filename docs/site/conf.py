"""Settings of Sphinx for `make site`. It reads what scripts/make_site.py has prepared; nothing is executed."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "Convolutional neural networks"
html_title = project
author = "the CNN lessons contributors"
language = "en"
root_doc = "index"
exclude_patterns = ["downloads"]
extensions = ["myst_nb", "lesson_pages"]
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]  # a card may begin its sections where it likes

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
myst_update_mathjax = False
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_show_copyright = False
pygments_style = "a11y-high-contrast-light"

html_theme_options = {
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the field for a search is in the column on the left
    "use_download_button": False,  # each lesson has a link of its own, which names what it needs
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app):
    """Take over the public addresses, if there are any; see [tool.cnn-lessons] in pyproject.toml."""
    public = json.loads((Path(app.srcdir) / "prepared.json").read_text(encoding="utf-8"))["public"]
    if public["site"]:
        app.config.html_baseurl = public["site"].rstrip("/") + "/"
    if public["repository"]:
        app.config.html_theme_options |= {"repository_url": public["repository"], "use_repository_button": True}
