// The Gabor response of lesson 02: twin of helpers/widgets/gabor.py.

import { PANEL, bytesOf, drawKernel, explorer, fixed, formatNumber, frame, palette, panelSize, pixels, radians } from "./shared.js";

const TURN = 2 * Math.PI;

/** The bytes of an image as they were written, and its size. */
const opened = ({ rows, cols, bytes }) => ({ rows, cols, values: bytesOf(bytes) });

/** Places around 0 up to length - 1, reflected at both ends. */
function reflected(length, reach) {
  return Array.from({ length: length + 2 * reach }, (_, i) => length - 1 - Math.abs(length - 1 - Math.abs(i - reach)));
}

/** The kernel and the magnitude of its response on one of the images; angles in degrees.
 *
 * Bell and wave are products of one factor along rows and one along columns. So two short sums replace a long one. */
export function compute(images, { image, frequency, theta, sigma, zero_mean: zeroMean }) {
  const { rows, cols, values } = images[image];
  const [cos, sin] = [Math.cos(radians(theta)), Math.sin(radians(theta))];
  const reach = Math.ceil(Math.max(3 * sigma * Math.max(Math.abs(cos), Math.abs(sin)), 1));
  const size = 2 * reach + 1;
  const factor = (form) => Float64Array.from({ length: size }, (_, i) => form(i - reach));
  const bell = factor((x) => Math.exp((-x * x) / (2 * sigma ** 2)));
  const [xRe, xIm, yRe, yIm] = [[cos, Math.cos], [cos, Math.sin], [sin, Math.cos], [sin, Math.sin]].map(([along, wave]) =>
    factor((place) => bell[place + reach] * wave(TURN * frequency * place * along)),
  );
  const add = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const [sumXRe, sumXIm, sumYRe, sumYIm, sumBell] = [xRe, xIm, yRe, yIm, bell].map(add);
  const share = zeroMean ? sumBell ** -2 : 0; // of the bell that is subtracted
  const [lessRe, lessIm] = [(sumXRe * sumYRe - sumXIm * sumYIm) * share, (sumXRe * sumYIm + sumXIm * sumYRe) * share];
  const scale = 1 / (TURN * sigma ** 2);
  const kernel = Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => scale * (xRe[x] * yRe[y] - xIm[x] * yIm[y] - lessRe * bell[x] * bell[y])),
  );

  const [across, down] = [reflected(cols, reach), reflected(rows, reach)];
  const [re, im, plain] = Array.from({ length: 3 }, () => new Float64Array(rows * cols)); // summed along rows
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) {
      let [a, b, c] = [0, 0, 0];
      for (let k = 0; k < size; k++) {
        const value = values[row * cols + across[col + k]];
        a += value * xRe[k];
        b += value * xIm[k];
        c += value * bell[k];
      }
      [re[row * cols + col], im[row * cols + col], plain[row * cols + col]] = [a, b, c];
    }
  const magnitude = new Float64Array(rows * cols);
  const least = 1e-6 * values.reduce((a, b) => Math.max(a, b), 0); // below it is rounding, on flat images
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) {
      let [a, b, c] = [0, 0, 0];
      for (let k = 0; k < size; k++) {
        const at = down[row + k] * cols + col;
        a += re[at] * yRe[k] - im[at] * yIm[k];
        b += re[at] * yIm[k] + im[at] * yRe[k];
        c += plain[at] * bell[k];
      }
      const length = scale * Math.sqrt((a - lessRe * c) ** 2 + (b - lessIm * c) ** 2);
      magnitude[row * cols + col] = length < least ? 0 : length;
    }
  const most = magnitude.reduce((a, b) => Math.max(a, b), 0);
  return { image, frequency, theta, sigma, zeroMean, rows, cols, kernel, magnitude, mean: add(magnitude) / magnitude.length, most };
}

export function describe({ image, frequency, theta, sigma, zeroMean, cols, kernel, magnitude, mean, most }) {
  const place = magnitude.indexOf(most);
  return (
    `${image}: frequency ${fixed(frequency, 2)} cycles/pixel, theta ${theta}°, sigma ${fixed(sigma, 2)} pixels, ` +
    `${kernel.length} × ${kernel.length} weights (orange frame)${zeroMean ? ", sum 0" : ""}. Mean magnitude ` +
    `${formatNumber(mean)}, largest ${formatNumber(most)} at row ${Math.floor(place / cols)}, column ${place % cols}.`
  );
}

function render({ model, el }) {
  const color = palette(model.get("signed"));
  const images = Object.fromEntries(Object.entries(model.get("images")).map(([name, image]) => [name, opened(image)]));
  const gray = (values, rows, cols, most) => pixels(values, rows, cols, (value) => color(value, 0, most));
  const draw = ({ image, rows, cols, kernel, magnitude, most }) => {
    const [width, height] = panelSize(rows, cols);
    const { values } = images[image];
    images[image].svg ??= gray(values, rows, cols, 255);
    const box = (kernel.length * PANEL) / Math.max(rows, cols);
    const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [255, 0]);
    const white = Math.max(most, 0.01 * (high - low), 1e-12);
    return [
      { title: `Image, ${rows} × ${cols}`, width, height, body: images[image].svg + frame(3, 3, box, box) },
      drawKernel(kernel, color, "Kernel, enlarged"),
      { title: "Magnitude of the response", width, height, body: gray(magnitude, rows, cols, white) },
    ];
  };
  explorer({ model, el }, { compute: (settings) => compute(images, settings), draw, describe });
}

export default { render };
