// A trained network in the page: what Keras does with one image, layer by layer, and the class activation map.
// scripts/network_page.py writes layers and weights; maps are arrays of rows × cols × channels, as in Keras.

import { unpacked } from "./shared.js";

/** Weights from planes of their bytes, the most significant plane first, of which the last ones may be missing. */
export async function weightsOf(packed, count, planes) {
  const found = new Uint8Array(await unpacked(packed).arrayBuffer());
  const bytes = new Uint8Array(4 * count);
  for (let plane = 0; plane < planes; plane++) {
    for (let i = 0; i < count; i++) bytes[4 * i + 3 - plane] = found[plane * count + i];
  }
  return new Float32Array(bytes.buffer);
}

const maps = (rows, cols, channels) => ({ rows, cols, channels, values: new Float32Array(rows * cols * channels) });
const relu = (value) => (value > 0 ? value : 0);

/** Each value by a function of it and of its channel. */
function each({ rows, cols, channels, values }, change) {
  const out = maps(rows, cols, channels);
  for (let i = 0, k = 0; i < values.length; i++, k = k + 1 === channels ? 0 : k + 1) out.values[i] = change(values[i], k);
  return out;
}

/** A convolution with stride 1 and a border of zeros that keeps the size: each input that is not 0 is added where it counts. */
function convolve({ rows, cols, channels, values }, { size, filters, activation }, kernel, bias) {
  const out = maps(rows, cols, filters);
  const before = Math.floor((size - 1) / 2);
  const total = new Float64Array(filters);
  for (let row = 0, at = 0; row < rows; row++)
    for (let col = 0; col < cols; col++, at += filters) {
      for (let k = 0; k < filters; k++) total[k] = bias ? bias[k] : 0;
      for (let i = Math.max(0, before - row); i < size && row + i - before < rows; i++)
        for (let j = Math.max(0, before - col); j < size && col + j - before < cols; j++) {
          let from = ((row + i - before) * cols + col + j - before) * channels;
          let weight = (i * size + j) * channels * filters;
          for (let end = from + channels; from < end; from++, weight += filters) {
            const value = values[from];
            if (value !== 0) for (let k = 0; k < filters; k++) total[k] += value * kernel[weight + k];
          }
        }
      for (let k = 0; k < filters; k++) out.values[at + k] = activation === "relu" ? relu(total[k]) : total[k];
    }
  return out;
}

/** The largest of each square of size × size values; what is left over at the border is left out. */
function poolMax({ rows, cols, channels, values }, { size }) {
  const out = maps(Math.floor(rows / size), Math.floor(cols / size), channels);
  out.values.fill(-Infinity);
  for (let row = 0; row < out.rows * size; row++)
    for (let col = 0; col < out.cols * size; col++) {
      const to = (Math.floor(row / size) * out.cols + Math.floor(col / size)) * channels;
      const from = (row * cols + col) * channels;
      for (let k = 0; k < channels; k++) out.values[to + k] = Math.max(out.values[to + k], values[from + k]);
    }
  return out;
}

/** The mean of each channel. */
function poolMean({ rows, cols, channels, values }) {
  const total = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) total[i % channels] += values[i];
  return { rows: 1, cols: 1, channels, values: Float32Array.from(total, (sum) => sum / (rows * cols)) };
}

function dense({ values }, { filters }, kernel, bias) {
  const scores = Array.from(bias);
  values.forEach((value, i) => scores.forEach((_, k) => (scores[k] += value * kernel[i * filters + k])));
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((a, b) => a + b);
  return { rows: 1, cols: 1, channels: filters, values: Float32Array.from(powers, (power) => power / total) };
}

function normalize(input, { epsilon }, gamma, beta, mean, variance) {
  const factor = Float64Array.from(gamma, (one, k) => one / Math.sqrt(variance[k] + epsilon));
  return each(input, (value, k) => (value - mean[k]) * factor[k] + beta[k]);
}

const KINDS = {
  rescaling: (input, { scale, offset }) => each(input, (value) => value * scale + offset),
  convolution: convolve,
  "max pooling": poolMax,
  "average pooling": poolMean,
  normalization: normalize,
  relu: (input) => each(input, relu),
  add: ([one, other]) => ({ ...one, values: one.values.map((value, i) => value + other.values[i]) }),
  dense,
};

/** Layer by layer what a network makes of an image of rows × cols × 3 pixels from 0 to 255: a Map from name to maps. */
export function run({ layers, weights }, { rows, cols, values }) {
  const found = new Map([["pixels", { rows, cols, channels: 3, values: Float32Array.from(values) }]]);
  let start = 0;
  for (const layer of layers) {
    const own = layer.weights.map((count) => weights.subarray(start, (start += count)));
    const [first, ...more] = layer.inputs.map((name) => found.get(name));
    found.set(layer.name, KINDS[layer.kind](more.length ? [first, ...more] : first, layer, ...own));
  }
  found.delete("pixels");
  return found;
}

/** The class activation map, enlarged to rows × cols by linear interpolation as `tf.image.resize` does it. */
export function activationMap({ layers, weights }, found, label, rows, cols) {
  const { filters, inputs, weights: counts } = layers.at(-1);
  const last = found.get(layers.find(({ name }) => name === inputs[0]).inputs[0]);
  const kernel = weights.subarray(weights.length - counts[0] - counts[1]);
  const small = new Float64Array(last.rows * last.cols);
  last.values.forEach((value, i) => {
    small[Math.floor(i / last.channels)] += value * kernel[(i % last.channels) * filters + label];
  });
  const between = (length, from) =>
    Array.from({ length }, (_, i) => {
      const place = ((i + 0.5) * from) / length - 0.5;
      const low = Math.floor(place);
      return [Math.max(low, 0), Math.min(low + 1, from - 1), place - low];
    });
  const [down, across] = [between(rows, last.rows), between(cols, last.cols)];
  const mix = (a, b, share) => a + (b - a) * share;
  return Float64Array.from({ length: rows * cols }, (_, i) => {
    const [top, bottom, y] = down[Math.floor(i / cols)];
    const [left, right, x] = across[i % cols];
    const at = (row, col) => small[row * last.cols + col];
    return mix(mix(at(top, left), at(top, right), x), mix(at(bottom, left), at(bottom, right), x), y);
  });
}
