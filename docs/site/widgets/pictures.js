// Explorers of lessons 05 to 08: they need Keras, and so the page shows pictures that scripts/make_pictures.py has made.

import { bytesOf, explorer, make, unpacked } from "./shared.js";

/** SVG of the pixels of a picture, stretched to its size, as `Panel` of helpers/widgets/base.py shows them. */
const stretched = (href, width, height, sharp) =>
  `<image width="${width}" height="${height}" preserveAspectRatio="none"${sharp ? ' style="image-rendering:pixelated"' : ""} href="${href}"/>`;

/** What is shown for these settings: the key of a frame. */
const keyOf = (moving, settings) => moving.map((name) => settings[name]).join("|");

async function render({ model, el }) {
  const [moving, reach] = [model.get("moving"), model.get("reach")];
  const addresses = model.get("images").map((image) => `data:image/webp;base64,${image}`);
  const frames = await unpacked(bytesOf(model.get("frames"))).json();
  const body = ([, width, height, marks, pixels, sharp]) =>
    (pixels === null ? "" : stretched(addresses[pixels], width, height, sharp)) +
    marks.replace(/href="#(\d+)"/g, (_, place) => `href="${addresses[place]}"`);
  explorer(
    { model, el },
    {
      compute: (settings) => frames[keyOf(moving, settings)],
      draw: ({ pictures }) => pictures.map((one) => ({ title: one[0], width: one[1], height: one[2], body: body(one) })),
      describe: ({ text }) => text,
      follow(name, controls) {
        for (const [slider, { by, most, start }] of Object.entries(reach)) {
          if (by !== name) continue;
          const [one, chosen] = [controls[slider], controls[name].value];
          one.input.max = most[chosen];
          one.value = start[chosen] ?? one.value;
        }
      },
    },
  );
  const { length } = Object.keys(frames);
  const names = moving.map((name) => model.get("controls")[name].label);
  const list = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
  const more = "All settings are in JupyterLab, where a kernel computes them.";
  el.append(make("p", { className: "cnn-note" }, `${list} can be changed here: ${length} pictures made beforehand. ${more}`));
}

export default { render };
