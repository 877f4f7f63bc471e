"""What a screen reader is told of a widget in the page: names of controls and pictures, a line that is announced."""

import anywidget
import traitlets

FRONT_END = """
const ICONS = {"fa-play": "Play", "fa-pause": "Pause", "fa-stop": "Stop", "fa-retweet": "Repeat"};

function set(element, attributes) {
    for (const [name, value] of Object.entries(element ? attributes : {}))
        if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const text = element => element?.textContent.trim() ?? "";

function tell(root, title) {
    set(root, {role: "group", "aria-label": title});
    set(root.querySelector(".cnn-status"), {role: "status", "aria-live": "polite", "aria-atomic": "true"});
    for (const slider of root.querySelectorAll(".widget-slider")) {
        const label = text(slider.querySelector(".widget-label"));
        set(slider.querySelector("[role=slider]"), {"aria-label": label});
        set(slider.querySelector("[contenteditable=true]"), {role: "textbox", "aria-label": `${label}, as a number`});
    }
    for (const field of root.querySelectorAll("input[type=text], input[type=number], select")) {
        const label = field.closest(".jupyter-widgets")?.querySelector(".widget-label");
        const tooltip = [field.title, label?.title].find(it => it && it !== "null");  // "null" stands for none
        if (!text(label) && tooltip) set(field, {"aria-label": tooltip});  // an empty label is a name for browsers
    }
    for (const button of root.querySelectorAll("button")) {  // the sign of an icon is no name
        const icon = Object.keys(ICONS).find(name => button.querySelector(`.${name}`));
        set(button, {"aria-label": text(button) || button.title || ICONS[icon]});
    }
    root.querySelectorAll(".cnn-table > .widget-hbox").forEach(
        (row, place) => set(row, {role: "group", "aria-label": `Row ${place + 1}`}));
    for (const panel of root.querySelectorAll(".cnn-panel")) {
        set(panel.querySelector(".cnn-overlay svg"), {role: "img", "aria-label": text(panel.firstElementChild)});
        set(panel.querySelector(".cnn-pixels"), {alt: ""});  // it and the drawing over it are one picture
    }
}

function render({model, el}) {
    let watch, asked = 0;
    el.style.display = "none";
    const timer = setInterval(() => {  // it is put into the page after this
        const root = el.closest(".cnn-widget");
        if (!root) return;
        clearInterval(timer);
        const again = () => { asked = 0; tell(root, model.get("title")); };
        watch = new MutationObserver(() => { asked ||= requestAnimationFrame(again); });
        watch.observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
        again();
    }, 50);
    return () => { clearInterval(timer); watch?.disconnect(); };
}

export default {render};
"""


class Access(anywidget.AnyWidget):
    """An invisible part of a widget that names what ipywidgets leaves without a name, now and after each change.

    The widget becomes a group with a ``title``, sliders get the names of their labels, fields without one their
    tooltips, the buttons of a Play widget what they do, panels their headings, rows their numbers; the line of class
    ``cnn-status`` is announced when it changes.
    """

    _esm = FRONT_END
    title = traitlets.Unicode().tag(sync=True)
