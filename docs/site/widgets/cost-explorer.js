// The cost explorer of lesson 09: twin of helpers/widgets/costs.py.

import { ACCENT, commas, explorer, fixed, general, readableCount, text } from "./shared.js";

const ICON = 26; // pixels of the largest kernel in the icons
const [LEFT, BAR] = [246, 152]; // where bars begin, and how long the longest one is
const [PERCENT, RIGHT] = [456, 562]; // where percents and counts end
const [TOP, ROW] = [24, 42]; // heights of the heading and of a row

const times = (x, y) => `${x} × ${y}`;
const stackName = (count) => `3 × 3, ${{ 1: "once", 2: "twice" }[count] ?? `${count} times`}`;
const countText = (number) => (number < 999_950_000 ? readableCount(number) : `${commas(fixed(number / 1e9, 1))} billion`);
const percentText = (share) => (share < 0.0995 ? `${general(100 * share, 2)}%` : `${commas(fixed(100 * share, 0))}%`);

/** What five ways cost that all see k × k pixels; a layer is [height, width, channels, maps, depthwise]. */
export function compute({ kernel, channels, maps, height, bottleneck }) {
  const k = Math.max(kernel | 1, 3);
  const inside = Math.max(1, Math.round(maps * bottleneck));
  const count = (k - 1) / 2;
  const layers = {
    [times(k, k)]: [[k, k, channels, maps]],
    [stackName(count)]: [[3, 3, channels, maps], ...Array(count - 1).fill([3, 3, maps, maps])],
    [`${times(k, 1)} and ${times(1, k)}`]: [[k, 1, channels, maps], [1, k, maps, maps]],
    bottleneck: [[1, 1, channels, inside], [k, k, inside, inside], [1, 1, inside, maps]],
    "depthwise separable": [[k, k, channels, channels, true], [1, 1, channels, maps]],
  };
  const ways = Object.entries(layers).map(([name, layers]) => {
    const weights = layers.reduce((sum, [h, w, c, m, depthwise]) => sum + h * w * c * (depthwise ? 1 : m), 0);
    return { name, layers, weights, multiplyAdds: weights * height * height };
  });
  const shares = ways.map((way) => way.weights / ways[0].weights);
  return { kernel: k, channels, maps, height, inside, ways, shares, cheapest: shares.indexOf(Math.min(...shares)) };
}

export function describe({ kernel, channels, maps, height, ways, shares, cheapest }) {
  const others = ways.slice(1).map(({ name, weights }, i) => `${name}: ${commas(weights)} (${percentText(shares[i + 1])})`);
  return (
    `${times(kernel, kernel)} pixels, ${channels} channels to ${maps} maps of ${times(height, height)}. ` +
    `${ways[0].name}: ${commas(ways[0].weights)} weights, ${countText(ways[0].multiplyAdds)} multiply-adds; ${others.join("; ")}. ` +
    `Cheapest: ${ways[cheapest].name}, ${countText(ways[cheapest].multiplyAdds)} multiply-adds.`
  );
}

// --- drawing ---

/** The number of layers, and of channels from layer to layer; in the middle of many the latter are left out. */
function flowText(layers) {
  const flow = [layers[0][2], ...layers.map((layer) => layer[3])];
  const shown = flow.length > 4 ? [...flow.slice(0, 2), "…", flow.at(-1)] : flow;
  return `${layers.length} layer${layers.length > 1 ? "s" : ""}: ${shown.join(" → ")}`;
}

/** The kernels of all layers side by side: filled if they go through all channels, else an outline. */
function drawIcon(layers, kernel, middle, color) {
  const [pixel, gap] = [ICON / kernel, 4];
  const wide = layers.reduce((sum, layer) => sum + layer[1] * pixel + gap, -gap);
  let [x, body] = [30 - wide / 2, ""];
  for (const [h, w, , , depthwise] of layers) {
    const [width, height] = [w * pixel, h * pixel];
    const y = middle - height / 2;
    let lines = "";
    for (let i = 1; i < w; i++) lines += `M${x + pixel * i} ${y}v${height}`;
    for (let i = 1; i < h; i++) lines += `M${x} ${y + pixel * i}h${width}`;
    body += `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${depthwise ? "none" : color}" stroke="${color}"/>`;
    body += `<path d="${lines}" stroke="${depthwise ? color : "#fff"}" stroke-width="0.6"/>`;
    x += width + gap;
  }
  return body;
}

/** A bar for each way, as long as its share of the price of the full convolution; the longest takes all the room. */
function draw({ kernel, ways, shares, cheapest }) {
  const longest = BAR / Math.max(...shares);
  const [start, end] = [{ anchor: "start" }, { anchor: "end" }];
  let body = text(LEFT, 9, `compared with one ${ways[0].name}`, { size: 12, ...start }) + text(RIGHT, 9, "multiply-adds", { size: 12, ...end });
  for (const [place, { name, layers, weights, multiplyAdds }] of ways.entries()) {
    const y = TOP + ROW * (place + 0.5);
    const bold = place === cheapest;
    const color = bold ? ACCENT : place ? "#1b6ca8" : "#9aa7b3";
    body += drawIcon(layers, kernel, y, color) + text(66, y - 8, name, { size: 14, bold, ...start });
    body += text(66, y + 9, flowText(layers), { size: 11, ...start });
    body += `<rect x="${LEFT}" y="${y - 12}" width="${Math.max(longest * shares[place], 2)}" height="24" fill="${color}"/>`;
    body += text(PERCENT, y, percentText(shares[place]), { size: 15, bold, ...end });
    body += text(RIGHT, y - 8, countText(multiplyAdds), end) + text(RIGHT, y + 9, `${commas(weights)} weights`, { size: 11, ...end });
  }
  const [x, bottom] = [LEFT + longest, TOP + 5 * ROW];
  body += text(0, bottom + 10, "outline: a kernel per channel, no sum", { size: 11, ...start });
  body += `<path d="M${x} ${TOP}V${bottom}" stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 4"/>${text(x, bottom + 10, "100%", { size: 12 })}`;
  return [{ title: `The price of ${times(kernel, kernel)} pixels`, width: RIGHT + 2, height: bottom + 22, body, wide: true }];
}

const render = (place) => explorer(place, { compute, draw, describe });

export default { render };
