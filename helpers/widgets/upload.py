"""A button for a learner's own photograph, which the page makes smaller before it is sent (lesson 07)."""

import anywidget
import ipywidgets as ipw
import traitlets

SEND, MOST, LONGEST = 4_000_000, 8_000_000, 1024
"""Bytes of a file that is sent as it is, bytes that are sent at most, and pixels of the longer side of a smaller copy.

A message of more than 10 MiB never reaches the kernel: Jupyter's server drops it, and the connection with it.
"""

FRONT_END = """
async function smaller(file, longest) {
    const address = URL.createObjectURL(file);
    try {
        const photo = new Image();
        photo.src = address;
        await photo.decode();  // upright, as the camera was held
        const factor = Math.min(1, longest / Math.max(photo.naturalWidth, photo.naturalHeight));
        const canvas = document.createElement("canvas");
        canvas.width = Math.max(1, Math.round(photo.naturalWidth * factor));
        canvas.height = Math.max(1, Math.round(photo.naturalHeight * factor));
        const pen = canvas.getContext("2d");
        pen.imageSmoothingQuality = "high";
        pen.drawImage(photo, 0, 0, canvas.width, canvas.height);
        return await new Promise(done => canvas.toBlob(done, "image/png"));
    } finally {
        URL.revokeObjectURL(address);
    }
}

async function take(model, file) {
    let sent = file;
    if (file.size > model.get("send_whole"))
        sent = await smaller(file, model.get("longest")).catch(() => null) ?? file;
    const fits = sent.size <= model.get("most");
    model.set("value", [{
        name: file.name,
        type: sent.type,
        size: sent.size,
        last_modified: file.lastModified,
        content: new DataView(fits ? await sent.arrayBuffer() : new ArrayBuffer(0)),
    }]);
    model.save_changes();
}

function render({model, el}) {
    const button = document.createElement("button"), picker = document.createElement("input");
    button.className = "lm-Widget jupyter-widgets jupyter-button widget-button";
    button.title = model.get("tooltip");
    button.innerHTML = '<i class="fa fa-upload"></i>';
    button.append(model.get("description"));
    picker.type = "file";
    picker.accept = model.get("accept");
    picker.style.display = "none";
    button.onclick = () => picker.click();
    picker.onchange = async () => {
        const file = picker.files[0];
        picker.value = "";  // so that the same file can be chosen again
        if (!file) return;
        button.disabled = true;
        try { await take(model, file); } finally { button.disabled = false; }
    };
    el.append(button, picker);
}

export default {render};
"""


class PhotoUpload(anywidget.AnyWidget, ipw.FileUpload):
    """A FileUpload of ipywidgets for an image, with a front end of its own: what is large arrives as a smaller PNG.

    A file that is too large, and that the browser cannot read, arrives without its content: see `is_refused`.
    """

    _esm = FRONT_END
    send_whole = traitlets.Int(SEND).tag(sync=True)
    most = traitlets.Int(MOST).tag(sync=True)
    longest = traitlets.Int(LONGEST).tag(sync=True)


def is_refused(file) -> bool:
    """Tell whether a file of ``value`` was too large to be sent."""
    return file["size"] > len(file["content"])
