// What the explorers of the site share: numbers as texts, SVG, controls, and the pattern of sliders above pictures.
// It follows helpers/pixels.py, helpers/widgets/drawing.py and base.py. A module has the form of anywidget, and
// scripts/living.py joins it with this file.

export const ACCENT = "#d95f02";
export const PANEL = 250; // pixels of the longer side of a picture

// --- numbers as texts, digit by digit as Python writes them ---

/** A number with that many decimals; a tie goes to the even digit, which toFixed does not do. */
export function fixed(x, digits) {
  const size = Math.abs(x);
  const scaled = size * 10 ** digits;
  const tie = scaled % 1 === 0.5 && Number.isInteger(size * 2 ** (digits + 1));
  return (x < 0 ? "-" : "") + (tie ? (2 * Math.round(scaled / 2)) / 10 ** digits : size).toFixed(digits);
}

/** A number with that many significant digits: "g" of Python. */
export function general(x, digits) {
  if (!x) return "0";
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  if (power >= -4 && power < digits) return short(fixed(x, digits - 1 - power));
  return `${short(mantissa)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** A whole number, or the text of a number, with commas: 14,714,688. */
export const commas = (number) => `${number}`.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** A large count in a short form: 2.2 million. */
export const readableCount = (n) => (n < 1e6 ? commas(n) : `${fixed(n / 1e6, 1)} million`);

/** As short as it can be read: whole numbers without a point, else about three digits. */
export function formatNumber(x) {
  const size = Math.abs(x);
  const text = Number.isInteger(x) ? fixed(x, 0) : size < 0.1 ? general(x, 2) : fixed(x, size < 10 ? 2 : size < 100 ? 1 : 0);
  return text === "-0" ? "0" : text.replaceAll("-", "−");
}

/** The sum of up to 128 numbers in the order of NumPy, and so the same to the last bit. */
export function sum(values) {
  const add = (numbers, start) => numbers.reduce((total, x) => total + x, start);
  if (values.length < 8) return add(values, 0);
  const whole = values.length - (values.length % 8);
  const r = values.slice(0, 8);
  for (let i = 8; i < whole; i++) r[i % 8] += values[i];
  return add(values.slice(whole), r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7])));
}

// --- colors and SVG ---

/** A function from a value to its color between low and high: gray, or from the table if low is negative. */
export const palette = (table) => (value, low, high) => {
  const share = Math.min(Math.max((value - low) / (high - low || 1), 0), 1);
  const index = Math.min(Math.floor(share * 256), 255);
  return low < 0 ? table[index] : [index, index, index];
};

export const css = (rgb) => `rgb(${rgb.join(" ")})`;

/** Black or white, whichever has more contrast on a color. */
export function textColor(rgb) {
  const [r, g, b] = rgb.map((part) => (part / 255) ** 2.2);
  return 0.2125 * r + 0.7154 * g + 0.0721 * b < 0.179 ? "#fff" : "#000";
}

/** Width and height on the screen of so many rows and columns. */
export const panelSize = (rows, cols) => [rows, cols].map((side) => (side * PANEL) / Math.max(rows, cols)).reverse();

/** SVG of an image: a color for each place of values, row by row. */
export function pixels(values, rows, cols, color) {
  const canvas = make("canvas", { width: cols, height: rows });
  const image = new ImageData(cols, rows);
  const { data } = image;
  values.forEach((value, i) => {
    [data[4 * i], data[4 * i + 1], data[4 * i + 2]] = color(value);
    data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  const [width, height] = panelSize(rows, cols);
  const sharp = width >= cols ? "image-rendering:pixelated" : "";
  return `<image width="${width}" height="${height}" preserveAspectRatio="none" style="${sharp}" href="${canvas.toDataURL()}"/>`;
}

/** SVG of a line of text, centered on y. */
export function text(x, y, words, { size = 13, anchor = "middle", fill = "currentColor", bold = false } = {}) {
  const safe = `${words}`.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" dominant-baseline="central" fill="${fill}"${bold ? ' font-weight="bold"' : ""}>${safe}</text>`;
}

/** SVG of a frame that is seen on dark and on bright pixels. */
export function frame(x, y, width, height) {
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none"`;
  return `${box} stroke="#fff" stroke-width="5"/>${box} stroke="${ACCENT}" stroke-width="2.5"/>`;
}

/** A picture with its title above; what it shows in numbers is in the line of numbers. A wide one scrolls on a phone. */
export const picture = ({ title, width = PANEL, height = PANEL, body, wide }) =>
  `<figure${wide ? ' class="cnn-scroll" tabindex="0"' : ""}>${title ? `<figcaption>${title}</figcaption>` : ""}<svg role="img" aria-label="${title || "numbers"}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg></figure>`;

// --- Gabor kernels ---

export const FIELD = 24; // pixels from the center of the field in which kernels are shown to its border
export const around = (reach) => Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
export const radians = (degrees) => degrees * (Math.PI / 180);

/** A kernel in a field of always the same scale, with its border dashed. */
export function drawKernel(kernel, color, title) {
  const [side, edge] = [2 * FIELD + 1, FIELD - (kernel.length - 1) / 2];
  const most = Math.max(...kernel.flat().map(Math.abs), 1e-12);
  const field = around(FIELD).flatMap((_, y) => around(FIELD).map((_, x) => kernel[y - edge]?.[x - edge] ?? 0));
  const [from, wide] = [edge, kernel.length].map((count) => (count * PANEL) / side);
  const border = `<rect x="${from}" y="${from}" width="${wide}" height="${wide}" fill="none" stroke="#777" stroke-dasharray="4 3"/>`;
  return { title, body: pixels(field, side, side, (value) => color(value, -most, most)) + border };
}

// --- the page ---

/** A new element with these properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A labeled slider, list or checkbox as its Python twin has it: its value can be read and set. */
export function control({ label, tooltip, value, options, min, max, step, digits, disabled = false }, changed) {
  const number = make("span", { ariaHidden: "true", className: "cnn-value" });
  const input = options ? make("select", {}, ...options.map(([name]) => make("option", {}, name))) : make("input");
  const places = options?.map(([, choice]) => JSON.stringify(choice));
  input.disabled = disabled;
  if (typeof value === "boolean") input.type = "checkbox";
  else if (!options) Object.assign(input, { type: "range", min, max, step });
  const show = () => (number.textContent = digits === undefined ? "" : (+input.value).toFixed(digits));
  const parts = input.type === "checkbox" ? [input, label] : [label, input, number];
  const it = {
    input,
    element: make("label", { title: tooltip }, ...parts),
    get value() {
      if (options) return options[input.selectedIndex][1];
      return input.type === "checkbox" ? input.checked : +input.value;
    },
    set value(next) {
      if (options) input.selectedIndex = places.indexOf(JSON.stringify(next));
      else if (input.type === "checkbox") input.checked = next;
      else input.value = next;
      show();
    },
  };
  input.addEventListener("input", () => (show(), changed()));
  it.value = value;
  return it;
}

export const button = (words, title, pressed) => make("button", { type: "button", textContent: words, title, onclick: pressed });

export const status = () => make("p", { className: "cnn-status", ariaLive: "polite" });

/** Sliders above pictures, and a line of numbers: `Explorer` of Python. Nothing of it knows what is computed.
 *
 * Where one control decides what another one may be, `follow` is told which one has changed. */
export function explorer({ model, el }, { compute, draw, describe, follow = () => {} }) {
  const first = model.get("controls");
  const controls = {};
  const said = status();
  const pictures = make("div", { className: "cnn-pictures" });
  const it = {
    settings: () => Object.fromEntries(Object.entries(controls).map(([name, { value }]) => [name, value])),
    set(values) {
      for (const [name, value] of Object.entries(values)) {
        controls[name].value = value;
        follow(name, controls);
      }
      it.update();
    },
    update() {
      it.result = compute(it.settings());
      pictures.innerHTML = draw(it.result).map(picture).join("");
      said.textContent = describe(it.result);
    },
  };
  for (const [name, spec] of Object.entries(first))
    controls[name] = control(spec, () => (follow(name, controls), it.update()));
  const reset = button("Reset", "Back to the start", () =>
    it.set(Object.fromEntries(Object.entries(first).map(([name, { value }]) => [name, value]))),
  );
  const row = make("div", { className: "cnn-controls" }, ...Object.values(controls).map((one) => one.element), reset);
  group(el, model.get("title"), row, pictures, said);
  el.explorer = it;
  it.update();
}

/** Put the parts of an explorer into its element, as a group with its name. */
export function group(el, title, ...parts) {
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", title);
  el.replaceChildren(...parts);
}

/** The bytes of a text of base64. */
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** What Python's zlib has packed, as a `Response`: its text or its bytes can be asked for. */
export const unpacked = (bytes) => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));

/** Bring a widget to life beside its still; if that fails, the still stays. */
export async function mount(name, { render }, data) {
  for (const box of document.querySelectorAll(`.cnn-widget.cnn-${name}`)) {
    const el = make("div", { className: "cnn-live" });
    await render({ model: { get: (key) => data[key] }, el });
    box.append(el);
    box.classList.add("cnn-lives");
  }
}
