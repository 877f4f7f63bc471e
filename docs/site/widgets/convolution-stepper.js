// The convolution stepper of lesson 01: twin of helpers/widgets/stepper.py.

import {
  ACCENT, PANEL, button, commas, control, css, formatNumber, frame, general, group, make, palette, panelSize, picture,
  pixels, status, sum, text, textColor,
} from "./shared.js";

const CELL = 44; // pixels of a number cell
const TALL = 0.7 * CELL;

/** The number that a learner typed: -1, 0.5, 1/9, also with a comma. Throws what is wrong with it. */
export function parse(typed) {
  const [over, under = "1", more] = typed.replaceAll(",", ".").replaceAll("−", "-").split("/").map((part) => part.trim());
  const value = over && under && more === undefined ? +over / +under : NaN;
  if (Number.isNaN(value) || +under === 0) throw Error(`“${typed}” is not a number: write 2, -0.5 or 1/9.`);
  if (Math.abs(value) > 1e6) throw Error(`${typed} is too large for this picture: stay within ±1,000,000.`);
  return value;
}

/** A kernel value as one would write it: a whole number, a short fraction, or a decimal. */
export function kernelText(value) {
  for (let under = 1; under <= 273; under++) {
    const over = Math.round(value * under);
    if (Math.abs(over / under - value) < 1e-9) return under > 1 ? `${over}/${under}` : `${over || 0}`;
  }
  return general(value, 3);
}

/** The padded image, the feature map, and everything about one step; image and kernel are lists of rows. */
export function compute(image, { kernel, stride, padding, dilation, flip, step }) {
  const outside = Array(padding).fill(Array(image[0].length + 2 * padding).fill(0));
  const sides = Array(padding).fill(0);
  const padded = [...outside, ...image.map((row) => [...sides, ...row, ...sides]), ...outside];
  const used = flip ? kernel.toReversed().map((row) => row.toReversed()) : kernel;
  const places = (size, extent) => Math.floor((size - (extent - 1) * dilation - 1) / stride) + 1;
  const [rows, cols] = [places(padded.length, used.length), places(padded[0].length, used[0].length)];
  const map = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: cols }, (_, col) => {
      let total = 0;
      for (let i = 0; i < used.length; i++)
        for (let j = 0; j < used[0].length; j++)
          total += used[i][j] * padded[row * stride + i * dilation][col * stride + j * dilation];
      return total;
    }),
  );
  step = Math.min(step, rows * cols - 1);
  const [row, col] = [Math.floor(step / cols), step % cols];
  const [top, left] = [row * stride, col * stride];
  const patch = used.map((line, i) => line.map((_, j) => padded[top + i * dilation][left + j * dilation]));
  const products = used.map((line, i) => line.map((weight, j) => patch[i][j] * weight));
  return { padded, map, padding, dilation, step, row, col, top, left, patch, kernel: used, products, total: sum(products.flat()) };
}

export function describe({ map, step, row, col, products, total }) {
  const count = products.flat().length;
  const last = commas(map.length * map[0].length);
  return `Step ${commas(step + 1)} of ${last} (row ${row}, column ${col}): ${count} product${count > 1 ? "s sum" : " sums"} to ${formatNumber(total)}.`;
}

// --- drawing ---

/** The values that the ends of the color scales of image and feature map stand for. */
function ranges({ padded, map }) {
  const most = Math.max(...map.flat().map(Math.abs)) || 1;
  return [[0, 255], [Math.min(...map.flat()) < 0 ? -most : 0, most]];
}

/** A window of image pixels, never too small to see, with lines to the borders. */
function outline(row, col, height, width, scale, [wide, tall]) {
  const [w, h] = [Math.max(width * scale, 7), Math.max(height * scale, 7)];
  const x = Math.min(Math.max((col + width / 2) * scale - w / 2, 0), Math.max(wide - w, 0));
  const y = Math.min(Math.max((row + height / 2) * scale - h / 2, 0), Math.max(tall - h, 0));
  const lines = `M${x + w / 2} 0V${y}M${x + w / 2} ${y + h}V${tall}M0 ${y + h / 2}H${x}M${x + w} ${y + h / 2}H${wide}`;
  return `<path d="${lines}" stroke="${ACCENT}" stroke-opacity="0.55"/>${frame(x, y, w, h)}`;
}

function drawInput(result, color, limits) {
  const { padded, padding, dilation, kernel, top, left } = result;
  const [rows, cols] = [padded.length, padded[0].length];
  const size = panelSize(rows, cols);
  const [width, height] = size;
  const scale = PANEL / Math.max(rows, cols);
  const p = padding * scale;
  let body = pixels(padded.flat(), rows, cols, (value) => color(value, ...limits));
  if (padding)
    body += `<path d="M0 0H${width}V${height}H0ZM${p} ${p}V${height - p}H${width - p}V${p}Z" fill="#4ba3c3" fill-opacity="0.45" fill-rule="evenodd"/>`;
  if (dilation > 1)
    for (const [i, line] of kernel.entries())
      for (const j of line.keys())
        body += `<rect x="${(left + j * dilation) * scale}" y="${(top + i * dilation) * scale}" width="${scale}" height="${scale}" fill="${ACCENT}" fill-opacity="0.55" stroke="#fff"/>`;
  const extent = (size) => (size - 1) * dilation + 1;
  body += outline(top, left, extent(kernel.length), extent(kernel[0].length), scale, size);
  return { title: `Image ${rows} × ${cols}${padding ? " with padding (blue)" : ""}`, width, height, body };
}

function drawOutput({ map, row, col }, color, limits, id) {
  const [rows, cols] = [map.length, map[0].length];
  const size = panelSize(rows, cols);
  const [width, height] = size;
  const scale = PANEL / Math.max(rows, cols);
  const right = (col + 1) * scale;
  const empty = `M${right} ${row * scale}H${width}V${height}H0V${(row + 1) * scale}H${right}Z`;
  const hatching = `<defs><pattern id="${id}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#e9eef2"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#b9c6d0"/></pattern></defs>`;
  const image = pixels(map.flat(), rows, cols, (value) => color(value, ...limits));
  const body = `${image}${hatching}<path d="${empty}" fill="url(#${id})"/>${outline(row, col, 1, 1, scale, size)}`;
  return { title: `Feature map ${rows} × ${cols}`, width, height, body };
}

/** Patch × kernel = products, and their sum, each as colored cells with numbers. */
function drawStep({ patch, kernel, products, total }, color, values, responses) {
  const [rows, cols] = [kernel.length, kernel[0].length];
  const tall = Math.max(rows * TALL, 42);
  const [top, middle] = [24 + (tall - rows * TALL) / 2, 24 + tall / 2];
  const most = (numbers, least) => Math.max(...numbers.flat().map(Math.abs)) || least;
  const [largest, extreme] = [most(kernel, 1), most(products, 1e-12)];
  let [x, body] = [1, ""];
  for (const [name, numbers, limits, form, sign] of [
    ["pixels", patch, values, formatNumber, "×"],
    ["kernel", kernel, [-largest, largest], (value) => kernelText(value).replaceAll("-", "−"), "="],
    ["products", products, [-extreme, extreme], formatNumber, "→ sum"],
  ]) {
    body += text(x, 9, name, { anchor: "start" });
    for (const [i, line] of numbers.entries())
      for (const [j, value] of line.entries()) body += cell(x + j * CELL, top + i * TALL, CELL, TALL, form(value), color(value, ...limits));
    const gap = sign === "→ sum" ? 72 : 30;
    x += cols * CELL + gap;
    body += text(x - gap / 2, middle, sign, { size: 17 });
  }
  const box = { stroke: ACCENT, thick: 3, most: 16, bold: true };
  body += cell(x + 1, middle - 19.5, 72, 39, formatNumber(total), color(total, ...responses), box);
  return { title: "", width: 3 * cols * CELL + 211, height: 26 + tall, body };
}

function cell(x, y, width, height, words, rgb, { stroke = "#999", thick = 1, most = 13, bold } = {}) {
  const size = Math.min(most, (width - 4) / (0.56 * words.length));
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${css(rgb)}" stroke="${stroke}" stroke-width="${thick}"/>${text(x + width / 2, y + height / 2, words, { size, fill: textColor(rgb), bold })}`;
}

// --- the page ---

let places = 0;

function render({ model, el }) {
  const id = `cnn-empty-${places++}`;
  const [image, start, presets, first] = ["image", "kernel", "presets", "controls"].map(model.get);
  const color = palette(model.get("signed"));
  const controls = {};
  const said = status();
  const [input, output] = [make("div"), make("div")];
  const numbers = make("div", { className: "cnn-scroll", tabIndex: 0, role: "region", ariaLabel: "Products" });
  const cells = start.map((line, i) =>
    line.map((_, j) => make("input", { type: "text", ariaLabel: `kernel row ${i}, column ${j}`, onchange: () => edit(i, j) })),
  );
  let kernel;
  const it = {
    set({ kernel: next, ...values }) {
      if (next) fill(next);
      for (const [name, value] of Object.entries(values)) if (name !== "step") controls[name].value = value;
      controls.step.input.max = 1e9; // until the update knows the last one
      if ("step" in values) controls.step.value = values.step;
      it.update();
    },
    update() {
      const settings = Object.fromEntries(Object.entries(controls).map(([name, { value }]) => [name, value]));
      it.result = compute(image, { ...settings, kernel });
      controls.step.input.max = it.result.map.length * it.result.map[0].length - 1;
      controls.step.value = it.result.step;
      const limits = ranges(it.result);
      input.innerHTML = picture(drawInput(it.result, color, limits[0]));
      output.innerHTML = picture(drawOutput(it.result, color, limits[1], id));
      numbers.innerHTML = picture(drawStep(it.result, color, ...limits));
      say(describe(it.result));
    },
  };
  const say = (words, bad = false) => (said.textContent = words, said.classList.toggle("cnn-error", bad));
  function fill(next) {
    kernel = next.map((line) => [...line]);
    for (const [i, line] of cells.entries()) for (const [j, field] of line.entries()) (field.value = kernelText(kernel[i][j])), field.setCustomValidity("");
  }
  function edit(i, j) {
    try {
      kernel[i][j] = parse(cells[i][j].value);
    } catch (problem) {
      cells[i][j].setCustomValidity(problem.message);
      return say(problem.message, true);
    }
    cells[i][j].setCustomValidity("");
    controls.preset.value = "your own";
    it.update();
  }
  const restart = () =>
    it.set({ kernel: start, ...Object.fromEntries(Object.entries(first).map(([name, { value }]) => [name, value])) });
  for (const [name, spec] of Object.entries(first)) controls[name] = control(spec, it.update);
  controls.preset.input.onchange = () => presets[controls.preset.value] && it.set({ kernel: presets[controls.preset.value] });

  let timer;
  const play = button("Play", "Step by step", () => {
    const going = play.textContent === "Play";
    clearInterval(timer);
    play.textContent = going ? "Pause" : "Play";
    const last = () => it.result.step >= +controls.step.input.max;
    if (going && last()) it.set({ step: 0 });
    if (going) timer = setInterval(() => (last() ? play.click() : it.set({ step: it.result.step + 1 })), 120);
  });
  const { preset, flip, step, ...others } = controls;
  const row = (...parts) => make("div", { className: "cnn-controls" }, ...parts);
  const grid = make("div", { className: "cnn-cells" }, ...cells.map((line) => make("div", {}, ...line)));
  const typed = make("div", { role: "group", ariaLabel: "Kernel, to edit" }, make("b", {}, "Kernel"), grid);
  const images = make("div", { className: "cnn-pictures" }, input, typed, output);
  group(
    el, model.get("title"),
    row(preset.element, flip.element, button("Reset", "Back to the start", restart)),
    row(...Object.values(others).map((one) => one.element)),
    images, row(play, step.element), said, numbers,
  );
  el.explorer = it;
  restart();
}

export default { render };
