"""The names that `helpers.widgets.access` gives, in a bare page with what ipywidgets writes."""

from helpers.widgets.access import FRONT_END

import pytest
from playwright.sync_api import expect

SLIDER = """<div class="jupyter-widgets widget-slider"><label class="widget-label">{}</label>
  <div role="slider" tabindex="0"></div><div class="widget-readout" contenteditable="true">3</div></div>"""
PAGE = f"""<div class="cnn-widget">
  {SLIDER.format("Stride")}
  <div class="jupyter-widgets"><label class="widget-label" title="Filters" for="n"></label>
    <input type="number" id="n"></div>
  <div class="jupyter-widgets"><label class="widget-label" title="null" for="k">Kernel</label>
    <select id="k" title="x"></select></div>
  <div class="jupyter-widgets"><label class="widget-label" title="Turns it"></label>
    <label><input type="checkbox">Flip</label></div>
  <button><i class="fa fa-play"></i></button>
  <button title="Remove this layer"><i class="fa fa-trash"></i></button>
  <div class="cnn-table"><div class="widget-hbox"></div><div class="widget-hbox"></div></div>
  <div class="cnn-panel"><div> Image 5 × 5 </div><img class="cnn-pixels">
    <div class="cnn-overlay"><svg width="9" height="9"></svg></div></div>
  <div class="cnn-status">3 products</div>
</div>"""
START = """async code => {
    const module = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
    const el = document.createElement("div");
    window.stop = module.default.render({model: {get: () => "Stepper"}, el});
    document.querySelector(".cnn-widget").append(el);  // as JupyterLab does, later
}"""


@pytest.fixture
def widget(page):
    page.set_content(PAGE)
    page.evaluate(START, FRONT_END)
    widget = page.get_by_role("group", name="Stepper", exact=True)
    expect(widget).to_be_attached()
    return widget


def test_what_has_no_name_of_its_own_gets_one(widget):
    for role, name in (
        *(("slider", "Stride"), ("textbox", "Stride, as a number"), ("spinbutton", "Filters"), ("combobox", "Kernel")),
        *(("checkbox", "Flip"), ("button", "Play"), ("button", "Remove this layer"), ("group", "Row 2")),
        ("img", "Image 5 × 5"),
    ):
        expect(widget.get_by_role(role, name=name, exact=True)).to_have_count(1)
    expect(widget.get_by_role("img")).to_have_count(1)  # not the pixels and the drawing over them


def test_the_line_of_numbers_is_announced(widget):
    status = widget.get_by_role("status")
    expect(status).to_have_text("3 products")
    expect(status).to_have_attribute("aria-live", "polite")
    expect(status).to_have_attribute("aria-atomic", "true")


def test_names_follow_what_changes_until_the_widget_goes(widget):
    widget.evaluate("""widget => {
        widget.querySelector(".fa-play").className = "fa fa-pause";
        widget.querySelector(".cnn-panel > div").textContent = "Image 9 × 9";
        widget.querySelector(".cnn-overlay").innerHTML = "<svg width=9 height=9></svg>";
    }""")
    expect(widget.get_by_role("button", name="Pause")).to_be_attached()
    expect(widget.get_by_role("img", name="Image 9 × 9")).to_be_attached()
    widget.page.evaluate("window.stop()")
    widget.evaluate("widget => { widget.querySelector('.fa-pause').className = 'fa fa-play'; }")
    widget.page.wait_for_timeout(200)
    expect(widget.get_by_role("button", name="Pause")).to_be_attached()
