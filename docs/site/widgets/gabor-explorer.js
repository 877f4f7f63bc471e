// The Gabor explorer of lesson 02: twin of helpers/widgets/gabor.py and helpers/gabor.py.

import {
  ACCENT, FIELD, PANEL, around, drawKernel, explorer, fixed, formatNumber, general, palette, pixels, radians, text,
} from "./shared.js";

const SIZE = 64; // of the spectrum
const TURN = 2 * Math.PI;

/** Real part of a Gabor kernel, its cross-section along the wave, and its spectrum; angles in degrees. */
export function compute({ frequency, theta, sigma, phase }) {
  const [angle, shift] = [theta, phase].map(radians);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = Math.ceil(Math.max(3 * sigma * Math.max(Math.abs(cos), Math.abs(sin)), 1));
  const bell = (square) => Math.exp(-square / (2 * sigma ** 2));
  const wave = (place) => Math.cos(TURN * frequency * place + shift);
  const kernel = around(reach).map((y) =>
    around(reach).map((x) => (bell(x * x + y * y) / (TURN * sigma ** 2)) * wave(x * cos + y * sin)),
  );
  const places = Array.from({ length: 241 }, (_, i) => i * 0.2 - FIELD);
  const bells = places.map((place) => bell(place * place));
  const section = places.map((place, i) => bells[i] * wave(place));
  return { frequency, theta, sigma, phase, kernel, places, wave: section, bell: bells, spectrum: spectrumOf(kernel) };
}

/** How much of each frequency is in a real kernel, 1 at most; zero in the center. First along rows, then along columns. */
function spectrumOf(kernel) {
  const all = [...Array(SIZE).keys()];
  const cos = all.map((i) => Math.cos((TURN * i) / SIZE));
  const sin = all.map((i) => Math.sin((TURN * i) / SIZE));
  const rows = all.map((u) =>
    kernel.map((row) => {
      let [re, im] = [0, 0];
      for (let x = 0; x < row.length; x++) {
        const turn = ((u - SIZE / 2) * x) & (SIZE - 1);
        re += row[x] * cos[turn];
        im += row[x] * sin[turn];
      }
      return [re, im];
    }),
  );
  const sizes = all.map((v) =>
    rows.map((column) => {
      let [re, im] = [0, 0];
      for (let y = 0; y < column.length; y++) {
        const turn = ((v - SIZE / 2) * y) & (SIZE - 1);
        re += column[y][0] * cos[turn] - column[y][1] * sin[turn];
        im += column[y][0] * sin[turn] + column[y][1] * cos[turn];
      }
      return Math.sqrt(re * re + im * im);
    }),
  );
  const most = Math.max(...sizes.flat(), 1e-3);
  return sizes.map((row) => row.map((value) => value / most));
}

export function describe({ frequency, theta, sigma, phase, kernel }) {
  const wave = frequency ? `one wave is ${general(1 / frequency, 3)} pixels` : "no wave, only the bell";
  const total = kernel.flat().reduce((a, b) => a + b, 0);
  return (
    `Frequency ${fixed(frequency, 2)} cycles/pixel: ${wave}. Theta ${theta}°, sigma ${fixed(sigma, 2)} pixels, ` +
    `phase ${phase}°: ${kernel.length} × ${kernel.length} weights with the sum ${formatNumber(+fixed(total, 3))}.`
  );
}

// --- drawing ---

/** The cross-section: wave, bell, wavelength and sigma. */
function drawProfile({ frequency, sigma, phase, places, wave, bell }) {
  const [left, right, middle, half] = [8, PANEL - 8, 112, 92];
  const x = (place) => left + ((right - left) * (place + FIELD)) / (2 * FIELD);
  const curve = (values, color, extra = "") =>
    `<polyline points="${values.map((value, i) => `${x(places[i]).toFixed(1)},${(middle - half * value).toFixed(1)}`).join(" ")}" fill="none" stroke="${color}" stroke-width="2"${extra}/>`;
  const bar = (start, end, y) =>
    `<path d="M${x(start)} ${y}H${x(end)}M${x(start)} ${y - 4}v8M${x(end)} ${y - 4}v8" stroke="#777" fill="none"/>`;
  const dashed = ' stroke-dasharray="3 4"';
  let body = `<rect width="${PANEL}" height="${PANEL}" fill="none" stroke="#999"/><path d="M${left} ${middle}H${right}" stroke="#999"/>`;
  body += curve(bell, "#888", dashed) + curve(bell.map((value) => -value), "#888", dashed) + curve(wave, ACCENT);
  body += bar(-sigma, sigma, 215) + text(PANEL / 2, 228, `−σ to σ: ${general(2 * sigma, 6)} pixels`, { size: 12 });
  if (frequency * FIELD >= 0.5) {
    const length = 1 / frequency;
    const shift = ((phase / 360) % 1) * length;
    const crests = around(Math.ceil(FIELD * frequency) + 1).map((count) => count * length - shift);
    const fitting = crests.filter((crest) => crest >= -FIELD && crest + length <= FIELD);
    const start = fitting.length ? fitting.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a)) : -length / 2;
    body += bar(start, start + length, 8) + text(right, 22, `one wave: ${general(length, 3)} pixels`, { size: 12, anchor: "end" });
  }
  return { title: "Cross-section along the wave", body };
}

/** The spectrum, with axes from -0.5 to 0.5 cycles per pixel and an arrow to this frequency. */
function drawSpectrum({ frequency, theta, spectrum }, color) {
  const middle = PANEL / 2 + PANEL / 128; // frequency 0 is in the center of its pixel
  const [x, y] = [Math.cos(radians(theta)), Math.sin(radians(theta))].map((part) => middle + PANEL * frequency * part);
  const label = (left, top, words, anchor) => text(left, top, words, { size: 11, anchor, fill: "#fff" });
  const body =
    pixels(spectrum.flat(), SIZE, SIZE, (value) => color(value, 0, 1)) +
    `<path d="M0 ${middle}H${PANEL}M${middle} 0V${PANEL}" stroke="#fff" stroke-opacity="0.35"/>` +
    `<path d="M${middle} ${middle}L${x} ${y}" stroke="${ACCENT}" stroke-width="2"/>` +
    `<circle cx="${x}" cy="${y}" r="4" fill="none" stroke="${ACCENT}" stroke-width="2"/>` +
    label(4, middle - 9, "−0.5", "start") + label(PANEL - 4, middle - 9, "0.5 →", "end") + label(middle + 5, PANEL - 9, "0.5 ↓", "start");
  return { title: "Spectrum (cycles/pixel)", body };
}

function render({ model, el }) {
  const color = palette(model.get("signed"));
  const title = `Kernel, ${2 * FIELD + 1} × ${2 * FIELD + 1} pixels shown`;
  const draw = (view) => [drawKernel(view.kernel, color, title), drawProfile(view), drawSpectrum(view, color)];
  explorer({ model, el }, { compute, draw, describe });
}

export default { render };
