// The layer calculator of lesson 03: twin of helpers/widgets/calculator.py and helpers/layers.py.

import { button, commas, control, group, make, picture, readableCount, status, text } from "./shared.js";

const WINDOWS = ["Conv2D", "MaxPooling2D", "AveragePooling2D"];
const shapeText = (shape) => shape.join("×");
const tooLarge = (size, length) =>
  `The kernel covers ${size} pixels but the padded image has only ${length}. Use a smaller kernel or dilation, or more padding.`;
const product = (numbers) => numbers.reduce((a, b) => a * b, 1);

/** The rows of the layers as far as they fit on each other, and what is wrong with the next one. */
export function compute({ input, layers }) {
  const rows = [];
  let [shape, field, jump] = [input, 1, 1];
  for (const [place, { kind, filters, size, stride, padding }] of layers.entries()) {
    const where = `Layer ${place + 1} (${kind})`;
    const channels = shape.at(-1);
    let [parameters, multiplications] = [0, 0];
    if (shape.length === 1 && !["Dense", "Dropout", "Flatten"].includes(kind))
      return { input, rows, problem: `${where} needs (height, width, channels), but here the image is a list of ${shape[0]}.` };
    if (WINDOWS.includes(kind)) {
      const short = padding === "valid" && shape.slice(0, 2).find((length) => length < size);
      if (short) return { input, rows, problem: `${where}: ${tooLarge(size, short)}` };
      const places = (length) => (padding === "same" ? Math.ceil(length / stride) : Math.floor((length - size) / stride) + 1);
      const maps = kind === "Conv2D" ? filters : channels;
      shape = [places(shape[0]), places(shape[1]), maps];
      [field, jump] = [field + (size - 1) * jump, jump * stride];
      if (kind === "Conv2D") {
        parameters = (size ** 2 * channels + 1) * maps;
        multiplications = size ** 2 * channels * product(shape);
      }
    } else if (kind === "Dense") {
      parameters = (channels + 1) * filters;
      multiplications = product(shape) * filters;
      shape = [...shape.slice(0, -1), filters];
      if (shape.length < 3) field = null;
    } else if (kind === "Flatten") shape = [product(shape)];
    else if (kind === "GlobalAveragePooling2D") [shape, field] = [[channels], null];
    rows.push({ kind, shape, parameters, multiplications, field });
  }
  return { input, rows, problem: "" };
}

export function describe({ rows, problem }) {
  if (problem) return problem;
  const total = (name) => rows.reduce((sum, row) => sum + row[name], 0);
  return `${commas(total("parameters"))} parameters, ${readableCount(total("multiplications"))} multiplications per image, output ${shapeText(rows.at(-1).shape)}.`;
}

// --- drawing ---

/** A layer as a block on the line base, and the width that it and its text need. */
function block(name, color, shape, biggest, leftEdge, base) {
  const image = shape.length === 3;
  const side = image ? 16 + (104 * shape[0]) / biggest : 30 + 18 * Math.log10(Math.max(shape[0], 1));
  const width = image ? 8 + 3.2 * Math.sqrt(shape[2]) : 11;
  const depth = image ? side * 0.32 : 0;
  const span = Math.max(width + depth, 82, 7.4 * name.length);
  const [left, top] = [leftEdge + (span - width - depth) / 2, base - side];
  const edge = `fill="${color}" stroke="#555" stroke-linejoin="round"`;
  const [slant, back] = [`l${depth} ${-depth}`, `l${-depth} ${depth}z`];
  let faces = `<rect x="${left}" y="${top}" width="${width}" height="${side}" ${edge}/>`;
  if (depth)
    faces += `<path d="M${left} ${top}${slant}h${width}${back}" ${edge}/><path d="M${left + width} ${top}${slant}v${side}${back}" ${edge} fill-opacity="0.75"/>`;
  return [faces, span];
}

function drawNetwork({ input, rows }, colors, names) {
  const stages = [{ kind: "Input", shape: input, parameters: 0 }, ...rows];
  const biggest = Math.max(...stages.filter(({ shape }) => shape.length === 3).map(({ shape }) => shape[0]), 1);
  const base = 162;
  let [x, body] = [0, ""];
  for (const { kind, shape, parameters } of stages) {
    const name = names[kind] ?? kind;
    const [faces, span] = block(name, colors[kind], shape, biggest, x, base);
    const middle = x + span / 2;
    body += faces + text(middle, base + 16, name, { bold: true }) + text(middle, base + 34, shapeText(shape));
    if (parameters) body += text(middle, base + 51, commas(parameters), { size: 12 });
    x += span + 12;
  }
  const note = "Below each block: height × width × channels of the output, and parameters.";
  body += text(0, base + 80, note, { size: 12, anchor: "start" });
  return { title: "Network", width: Math.max(x - 12, 520), height: base + 90, body };
}

// --- the page ---

function render({ model, el }) {
  const [first, stacks, kinds, typical, most, colors, names] =
    ["controls", "stacks", "kinds", "typical", "most", "colors", "names"].map(model.get);
  const said = status();
  const network = make("div", { className: "cnn-scroll", tabIndex: 0, role: "region", ariaLabel: "Network" });
  const body = make("tbody");
  let layers = [];
  const it = {
    set({ input, layers: next }) {
      if (input) controls.input.value = input;
      if (next) layers = next.map((layer) => ({ ...layer }));
      build();
      it.update();
    },
    update() {
      it.result = compute({ input: controls.input.value, layers });
      const { rows, problem } = it.result;
      for (const [place, line] of [...body.rows].entries()) {
        const row = rows[place];
        const sees = row && (row.field ? `${row.field}×${row.field}` : "all");
        const results = row ? [shapeText(row.shape), commas(row.parameters), sees] : [place === rows.length ? "does not fit" : "", "", ""];
        for (const [at, words] of results.entries()) line.cells[5 + at].textContent = words;
        const { kind } = layers[place];
        const used = { filters: ["Conv2D", "Dense"].includes(kind), size: WINDOWS.includes(kind) };
        for (const field of line.querySelectorAll("[data-name]"))
          field.hidden = !(used[field.dataset.name] ?? (field.dataset.name === "kind" || used.size));
      }
      network.innerHTML = picture(drawNetwork(it.result, colors, names));
      say(describe(it.result), problem);
    },
  };
  const say = (words, bad) => (said.textContent = words, said.classList.toggle("cnn-error", Boolean(bad)));
  const controls = {
    preset: control(first.preset, () => load(controls.preset.value)),
    input: control(first.input, it.update),
  };
  const load = (name) => it.set(stacks[name]);

  /** A field of one setting of a layer: a list, or a whole number up to a limit. */
  function field(place, name, label, choices, limit) {
    const input = choices
      ? make("select", {}, ...choices.map((choice) => make("option", {}, choice)))
      : make("input", { type: "number", min: 1, max: limit });
    Object.assign(input, { value: Math.max(layers[place][name], 1) || layers[place][name], ariaLabel: `${label} of layer ${place + 1}` });
    input.dataset.name = name;
    input.onchange = () => {
      const whole = Math.min(Math.max(Math.round(+input.value) || 1, 1), limit);
      if (!choices) input.value = whole;
      layers[place][name] = choices ? input.value : whole;
      if (name === "kind") {
        [layers[place].size, layers[place].stride] = typical[input.value] ?? [1, 1];
        layers[place].filters = Math.max(layers[place].filters, 1);
        build();
        body.rows[place].querySelector("select").focus();
      }
      it.update();
    };
    return make("td", {}, input);
  }
  const tool = (words, label, act) => Object.assign(button(words, label, act), { ariaLabel: label });
  function build() {
    const lines = layers.map((_, place) =>
      make(
        "tr", {},
        field(place, "kind", "Kind", kinds), field(place, "filters", "Kernels or units", null, 4096),
        field(place, "size", "Size", null, 11), field(place, "stride", "Stride", null, 4),
        field(place, "padding", "Padding", ["valid", "same"]), make("td"), make("td"), make("td"),
        make("td", {}, tool("+", `Repeat layer ${place + 1}`, () => insert(place + 1, layers[place]))),
        make("td", {}, tool("−", `Remove layer ${place + 1}`, () => remove(place))),
      ),
    );
    body.replaceChildren(...lines);
  }
  function insert(place, layer) {
    if (layers.length >= most) return say(`${most} layers are the most that fit here.`, true);
    it.set({ layers: layers.toSpliced(place, 0, layer) });
    body.rows[place].querySelector("select").focus();
  }
  function remove(place) {
    if (layers.length === 1) return say("A network needs at least one layer.", true);
    it.set({ layers: layers.toSpliced(place, 1) });
    body.rows[Math.min(place, layers.length - 1)].querySelector("td:last-child button").focus();
  }
  const add = button("Add layer", "Put a layer on top", () => {
    const image = it.result.rows.at(-1)?.shape.length === 3;
    insert(layers.length, { kind: image ? "Conv2D" : "Dense", filters: image ? 32 : 10, size: image ? 3 : 1, stride: 1, padding: "valid" });
  });
  const reset = button("Reset", "Back to the start", () => load((controls.preset.value = first.preset.value)));
  const heads = ["layer", "kernels", "size", "stride", "padding", "output", "parameters", "sees"];
  const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)), make("td"), make("td"));
  head.cells[1].title = "number of kernels, or of units";
  head.cells[7].title = "receptive field: pixels of the input that one output number depends on";
  const table = make("table", {}, make("thead", {}, head), body);
  const scroll = make("div", { className: "cnn-table", tabIndex: 0, role: "region", ariaLabel: "Layers" }, table);
  const row = make("div", { className: "cnn-controls" }, controls.preset.element, controls.input.element, add, reset);
  group(el, model.get("title"), row, scroll, said, network);
  el.explorer = it;
  load(first.preset.value);
}

export default { render };
