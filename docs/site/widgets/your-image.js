// An image of the visitor's own through a network: the explorers of lessons 06 and 07 in one page, without a kernel.
// Nothing is sent anywhere: the image stays in this page.

import {
  ACCENT, PANEL, button, bytesOf, commas, control, fixed, formatNumber, frame, group, make, palette, panelSize, picture, pixels, status,
  text,
} from "./shared.js";
import { activationMap, run, weightsOf } from "./network.js";

const [BAR_COLOR, WIDE] = ["#9aa7b3", 340];
const [SIZES, LEAST, MOST] = [[32, 48, 64, 96, 128], 16, 1024];
const PREDICTED = "what it predicts";
const HERE = document.currentScript?.src;

// --- images ---

/** An image whose longer side has that many pixels, each the mean of what it covers; the shorter one has 16 at least. */
export function resized({ rows, cols, values }, longest) {
  const [height, width] = [rows, cols].map((side) => Math.max(Math.round((side * longest) / Math.max(rows, cols)), LEAST));
  const shares = (from, to) =>
    Array.from({ length: to }, (_, place) => {
      const [low, high] = [(place * from) / to, ((place + 1) * from) / to];
      const first = Math.floor(low);
      const inside = Array.from({ length: Math.min(Math.ceil(high - 1e-9), from) - first }, (_, i) => i + first);
      return inside.map((i) => [i, (Math.min(i + 1, high) - Math.max(i, low)) / (high - low)]);
    });
  const [down, across] = [shares(rows, height), shares(cols, width)];
  const out = new Uint8Array(height * width * 3);
  for (let row = 0, at = 0; row < height; row++)
    for (let col = 0; col < width; col++)
      for (let k = 0; k < 3; k++) {
        let sum = 0;
        for (const [y, high] of down[row]) for (const [x, wide] of across[col]) sum += values[(y * cols + x) * 3 + k] * high * wide;
        out[at++] = Math.round(sum);
      }
  return { rows: height, cols: width, values: out };
}

/** The pixels of an image file, upright, transparent ones white; a large one is made smaller. */
async function opened(file) {
  const photo = await createImageBitmap(file);
  const factor = Math.min(1, MOST / Math.max(photo.width, photo.height));
  const [cols, rows] = [photo.width, photo.height].map((side) => Math.max(1, Math.round(side * factor)));
  const pen = make("canvas", { width: cols, height: rows }).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, cols, rows);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(photo, 0, 0, cols, rows);
  photo.close();
  return { rows, cols, values: pen.getImageData(0, 0, cols, rows).data.filter((_, i) => i % 4 !== 3) };
}

// --- networks ---

/** A network with its weights: its script lies beside this one, and is asked for once. */
const network = (name) => (network.asked ??= {})[name] ??= new Promise((found, failed) => {
  const script = make("script", { src: new URL(`${name}.js`, HERE).href, onerror: () => failed(new Error(`${name}.js is missing`)) });
  script.onload = async () => {
    const { layers, count, planes, packed } = window.cnnNetworks[name];
    found({ layers, weights: await weightsOf(bytesOf(packed), count, planes) });
  };
  document.head.append(script);
});

// --- numbers and colors ---

const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const percent = (share) => `${fixed(100 * share, 0)}%`;
/** The value below which that share of all values lies. */
const quantile = (values, share) => Float64Array.from(values).sort()[Math.round(share * (values.length - 1))];

/** The channel of maps, row by row. */
const channelOf = ({ channels, values }, channel) => values.filter((_, i) => i % channels === channel);

/** Lowest and highest value of the colors of all channels: gray from 0, or with a sign around 0, without a few peaks. */
function limits({ values }) {
  if (values.some((value) => value < 0)) {
    const most = quantile(values.map(Math.abs), 0.99) || 1;
    return [-most, most];
  }
  return [0, quantile(values, 0.995) || largest(values) || 1];
}

/** Paint all channels side by side, as many columns as rows or one more, on a canvas; returns the number of columns. */
function paintAll(canvas, { rows, cols, channels, values }, [low, high], color) {
  const columns = Math.ceil(Math.sqrt(channels));
  const width = columns * cols;
  Object.assign(canvas, { width, height: Math.ceil(channels / columns) * rows });
  const image = new ImageData(width, canvas.height);
  for (let i = 0; i < image.data.length; i += 4) image.data[i + 3] = 255;
  for (let k = 0, at = 0; at < values.length; k = k + 1 === channels ? 0 : k + 1, at++) {
    const place = Math.floor(at / channels);
    const row = Math.floor(k / columns) * rows + Math.floor(place / cols);
    image.data.set(color(values[at], low, high), 4 * (row * width + (k % columns) * cols + (place % cols)));
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return columns;
}

// --- pictures ---

/** SVG of probabilities, the most likely first; that of the chosen class in another color. */
function bars(probabilities, names, label) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  const step = PANEL / order.length;
  return order
    .map((k, place) => {
      const [y, share] = [step * (place + 0.5), probabilities[k]];
      const box = `<rect x="88" y="${y - 7}" width="${80 * share + 1}" height="14" fill="${k === label ? ACCENT : BAR_COLOR}"/>`;
      return text(82, y, names[k], { size: 13, anchor: "end" }) + box + text(94 + 80 * share, y, percent(share), { size: 12, anchor: "start" });
    })
    .join("");
}

function ring(map, rows, cols, width, height) {
  const place = map.indexOf(largest(map));
  const [x, y] = [(((place % cols) + 0.5) * width) / cols, ((Math.floor(place / cols) + 0.5) * height) / rows];
  const circle = (color, line) => `<circle cx="${x}" cy="${y}" r="9" fill="none" stroke="${color}" stroke-width="${line}"/>`;
  return circle("#fff", 5) + circle(ACCENT, 2.5);
}

/** SVG of an RGB image. */
const shown = ({ rows, cols, values }) =>
  pixels([...Array(rows * cols).keys()], rows, cols, (place) => values.subarray(3 * place, 3 * place + 3));

async function render({ model, el }) {
  const [networks, signed, heat] = ["networks", "signed", "heat"].map(model.get);
  const images = model.get("images").map(({ bytes, ...image }) => ({ ...image, values: bytesOf(bytes) }));
  const color = palette(signed);
  const said = status();
  const [answer, chosen, all] = ["cnn-pictures", "cnn-pictures", "cnn-layers"].map((className) => make("div", { className }));
  const it = { result: null };
  const kinds = Object.entries(networks).map(([name, { says }]) => [says, name]);
  const own = (words, capture) => {
    const input = make("input", { type: "file", accept: "image/*", onchange: () => take(input) });
    if (capture) input.setAttribute("capture", "environment");
    return make("label", {}, words, input);
  };

  const lists = {
    image: { label: "Image", tooltip: "What it sees" },
    size: { label: "Longer side", tooltip: "Pixels that the network gets" },
    label: { label: "Class", tooltip: "For which class to look" },
    layer: { label: "Layer", tooltip: "Which layer's maps to show" },
  };
  const sliders = {
    opacity: { label: "Opacity", tooltip: "0: the image alone, 1: the heat alone" },
    channel: { label: "Channel", tooltip: "Which kernel's map" },
  };
  const controls = {
    network: control({ label: "Network", tooltip: "Which network looks", value: kinds[0][1], options: kinds }, () => switched()),
    image: control({ ...lists.image, value: 0, options: images.map(({ name }, place) => [name, place]) }, () => look()),
    size: control({ ...lists.size, value: 64, options: SIZES.map((size) => [`${size}`, size]) }, () => look()),
    label: control({ ...lists.label, value: -1, options: [[PREDICTED, -1]] }, () => explain()),
    opacity: control({ ...sliders.opacity, value: 0.6, min: 0, max: 1, step: 0.05, digits: 2 }, () => explain()),
    layer: control({ ...lists.layer, value: "", options: [["", ""]] }, () => turned()),
    channel: control({ ...sliders.channel, value: 0, min: 0, max: 0, step: 1, digits: 0 }, () => show()),
  };

  /** Give a list other options; a choice that is still there stays, unless it means something else now. */
  function refill(name, options, otherwise, anew = false) {
    const before = anew ? otherwise : controls[name].value;
    const changed = { image: look, label: explain, layer: turned }[name];
    const value = options.some(([, one]) => one === before) ? before : otherwise;
    const list = control({ ...lists[name], options, value }, () => changed());
    controls[name].element.replaceWith(list.element);
    controls[name] = list;
  }
  async function take(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      images.push({ ...(await opened(file)), name: file.name });
    } catch {
      const why = `${file.name} was not used: this browser cannot read it as an image. Try a JPEG or PNG file.`;
      said.replaceChildren(make("span", { className: "cnn-error" }, why));
      return;
    } finally {
      input.value = ""; // so that the same file can be chosen again
    }
    refill("image", images.map(({ name }, place) => [name, place]), 0);
    controls.image.value = images.length - 1;
    await look();
  }

  function switched() {
    controls.size.value = networks[controls.network.value].size;
    return look();
  }

  /** Let the network look at the image, and show all of it. */
  async function look() {
    const name = controls.network.value;
    said.textContent = "The network is looking …";
    const one = await network(name);
    await new Promise((done) => setTimeout(done)); // the line above is seen first
    if (name !== controls.network.value) return;
    const image = resized(images[controls.image.value], controls.size.value);
    const start = performance.now();
    const found = run(one, image);
    const seconds = (performance.now() - start) / 1000;
    const probabilities = Array.from(found.get(one.layers.at(-1).name).values);
    const maps = one.layers.filter(({ kind }) => !["average pooling", "dense"].includes(kind)).map((layer) => layer.name);
    const anew = it.result?.name !== name;
    it.result = { name, network: one, image, found, probabilities, seconds, maps };
    refill("label", [[PREDICTED, -1], ...networks[name].classes.map((word, k) => [word, k])], -1, anew);
    refill("layer", maps.map((layer) => [layer, layer]), networks[name].layer, anew);
    drawLayers();
    turned();
    explain();
  }

  /** Show what speaks for a class. */
  function explain() {
    const { name, network: one, image, found, probabilities } = it.result;
    const { rows, cols, values } = image;
    const label = controls.label.value < 0 ? probabilities.indexOf(Math.max(...probabilities)) : controls.label.value;
    const map = activationMap(one, found, label, rows, cols);
    const most = largest(map);
    const opacity = controls.opacity.value;
    const over = Array.from(map, (value, i) => {
      const index = Math.min(Math.max(Math.floor((256 * value) / (most > 0 ? most : 1)), 0), 255);
      const gray = (values[3 * i] + values[3 * i + 1] + values[3 * i + 2]) / 3;
      return heat[index].map((part) => Math.round((1 - opacity) * gray + opacity * part));
    });
    const [width, height] = panelSize(rows, cols);
    Object.assign(it.result, { label, map });
    answer.innerHTML = [
      { title: `What it gets: ${rows} × ${cols}`, width, height, body: shown(image) },
      { title: `What speaks for ${networks[name].classes[label]}`, width, height, body: pixels(over, rows, cols, (rgb) => rgb) },
      { title: "Probabilities", width: 210, body: bars(probabilities, networks[name].classes, label) },
    ].map(picture).join("");
    say();
  }

  /** Paint the maps of all layers, each a button that chooses it. */
  function drawLayers() {
    const { found, maps } = it.result;
    it.result.sheets = new Map();
    all.replaceChildren(
      ...maps.map((layer) => {
        const here = found.get(layer);
        const canvas = make("canvas");
        const columns = paintAll(canvas, here, limits(here), color);
        it.result.sheets.set(layer, { canvas, columns });
        const words = `${here.rows} × ${here.cols} × ${here.channels}`;
        const choose = button("", `Show ${layer} above`, () => ((controls.layer.value = layer), turned()));
        choose.dataset.layer = layer;
        choose.append(canvas, make("b", {}, layer), make("span", {}, words));
        return choose;
      }),
    );
  }

  /** Another layer: the channel stays, if there is one of that number. */
  function turned() {
    const { channels } = it.result.found.get(controls.layer.value);
    controls.channel.input.max = channels - 1;
    controls.channel.value = Math.min(controls.channel.value, channels - 1);
    for (const one of all.children) one.setAttribute("aria-pressed", one.dataset.layer === controls.layer.value);
    show();
  }

  /** Show one channel, and its place among all of the layer. */
  function show() {
    const [layer, channel] = [controls.layer.value, controls.channel.value];
    const here = it.result.found.get(layer);
    const { rows, cols, channels } = here;
    const map = channelOf(here, channel);
    const [width, height] = panelSize(it.result.image.rows, it.result.image.cols);
    const most = largest(map.map(Math.abs)) || 1;
    const low = map.some((value) => value < 0) ? -most : 0;
    const svg = pixels(map, rows, cols, (value) => color(value, low, most)).replace(/width="[\d.]+" height="[\d.]+"/, `width="${width}" height="${height}"`);
    const { canvas, columns } = it.result.sheets.get(layer);
    const [wide, high] = [WIDE / columns, (WIDE * canvas.height) / canvas.width / Math.ceil(channels / columns)];
    const lines = [...Array(columns - 1).keys()].map((k) => `M${wide * (k + 1)} 0V${high * Math.ceil(channels / columns)}`);
    lines.push(...[...Array(Math.ceil(channels / columns) - 1).keys()].map((k) => `M0 ${high * (k + 1)}H${WIDE}`));
    const sheet = `<image width="${WIDE}" height="${high * Math.ceil(channels / columns)}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${canvas.toDataURL()}"/>`;
    const marks = `<path d="${lines.join("")}" stroke="#8fa3b5"/>${frame((channel % columns) * wide, Math.floor(channel / columns) * high, wide, high)}`;
    chosen.innerHTML = [
      { title: `${layer}, channel ${channel}`, width, height, body: svg + (largest(map) > 0 ? ring(map, rows, cols, width, height) : "") },
      { title: `All ${channels} channels, on one scale`, width: WIDE, height: high * Math.ceil(channels / columns), body: sheet + marks },
    ].map(picture).join("");
    say();
  }

  /** Say the numbers of all that is shown. */
  function say() {
    const { name, image, found, probabilities, label, map, seconds, maps } = it.result;
    const [layer, channel] = [controls.layer.value, controls.channel.value];
    const here = found.get(layer);
    if (!here || !map) return;
    const { classes } = networks[name];
    const best = probabilities.indexOf(Math.max(...probabilities));
    const most = largest(map);
    const [place, warm] = [map.indexOf(most), map.filter((value) => value > 0.5 * most).length / map.length];
    const about = (at, cols) => `row ${Math.floor(at / cols)}, column ${at % cols}`;
    const heated =
      most > 0
        ? `most at ${about(place, image.cols)}; ${percent(warm)} of the image have more than half of that.`
        : "there is none: nothing speaks for it.";
    const one = channelOf(here, channel);
    const count = [...found.values()].reduce((total, { values }) => total + values.length, 0);
    said.textContent =
      `${images[controls.image.value].name}: the network says ${classes[best]} (${percent(probabilities[best])}). ` +
      `Heat for ${classes[label]} (${percent(probabilities[label])}): ${heated} ` +
      `${layer}, channel ${channel} of ${here.channels}, ${here.rows} × ${here.cols}: largest ${formatNumber(largest(one))} at ` +
      `${about(one.indexOf(largest(one)), here.cols)}; ${percent(one.filter((value) => value <= 0).length / one.length)} of it is 0 or less. ` +
      `${commas(count)} numbers in ${maps.length} layers with maps, computed in this page in ${fixed(seconds, 2)} s.`;
  }

  const row = (...parts) => make("div", { className: "cnn-controls" }, ...parts.map((part) => part.element ?? part));
  const heading = (words) => make("h3", {}, words);
  group(
    el,
    model.get("title"),
    row(controls.network, controls.image, controls.size),
    row(own("Your image"), own("Take a photograph", true)),
    said,
    heading("What it says, and why"),
    row(controls.label, controls.opacity),
    answer,
    heading("What a layer makes of it"),
    row(controls.layer, controls.channel),
    chosen,
    heading("All layers, from the first to the last"),
    all,
  );
  el.explorer = Object.assign(it, {
    async set(values) {
      for (const [name, value] of Object.entries(values)) controls[name].value = value;
      if ("network" in values || "image" in values || "size" in values) await look();
      for (const [name, value] of Object.entries(values)) controls[name].value = value;
      turned();
      explain();
    },
  });
  await look();
}

export default { render };
