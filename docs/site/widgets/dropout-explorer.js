// The dropout explorer of lesson 04: twin of helpers/widgets/dropout.py.

import { ACCENT, explorer, fixed, sum, text } from "./shared.js";

const [WIDTH, HEIGHT] = [320, 284]; // of a chart, in pixels
const [LEFT, RIGHT, TOP, BOTTOM] = [42, 312, 12, 222]; // of its axes
const COLORS = { training: "#1b6ca8", val: ACCENT };

const mean = (numbers) => sum(numbers) / numbers.length;

/** Mean, lowest and highest of several runs at each place; a row of runs for each of them. */
const spread = (places) => places.map((runs) => ({ mean: mean(runs), low: Math.min(...runs), high: Math.max(...runs) }));
const both = (name, curve) => Object.fromEntries(["training", "val"].map((part) => [part, curve(`${part}_${name}`)]));

/** The runs of this rate, or of the next one that there is: curves by epoch, and where those of all rates end. */
export function compute(all, { rate, metric }) {
  const runs = all.reduce((best, one) => (Math.abs(one.rate - rate) < Math.abs(best.rate - rate) ? one : best));
  const curves = both(metric, (column) => spread(runs[column]));
  const ends = both(metric, (column) => spread(all.map((one) => one[column].at(-1))));
  return { rate: runs.rate, metric, runs, curves, ends, rates: all.map((one) => one.rate) };
}

export function describe({ rate, runs }) {
  const [training, validation, loss] = ["training_accuracy", "val_accuracy", "val_crossentropy"].map((column) => runs[column].at(-1));
  const percent = (share) => `${fixed(100 * share, 0)}%`;
  return (
    `Dropout ${fixed(rate, 1)}, after ${runs.epochs.at(-1)} epochs, mean of ${training.length} runs: ` +
    `${percent(mean(training))} of the training images right, ${percent(mean(validation))} of the validation images ` +
    `(${percent(Math.min(...validation))} to ${percent(Math.max(...validation))}), ` +
    `a gap of ${fixed(100 * (mean(training) - mean(validation)), 0)} points. Validation loss ${fixed(mean(loss), 2)}.`
  );
}

// --- drawing ---

/** Axes with both curves: their mean, and a band from the lowest to the highest run. */
function chart(title, places, xName, curves, yName, limits, mark) {
  const margin = 0.05 * (places.at(-1) - places[0]);
  const x = (place) => LEFT + ((RIGHT - LEFT) * (place - places[0] + margin)) / (places.at(-1) - places[0] + 2 * margin);
  const y = (value) => BOTTOM - ((BOTTOM - TOP) * (value - limits[0])) / (limits[1] - limits[0]);
  const line = (values) => values.map((value, i) => `${x(places[i])},${y(value)}`);
  let body = `<clipPath id="cnn-${xName.length}-axes"><path d="M${LEFT} ${TOP}H${RIGHT}V${BOTTOM}H${LEFT}Z"/></clipPath><path d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}" stroke="currentColor" fill="none"/>`;
  for (let k = 0; k <= 4; k++) {
    const value = (k * Math.floor(limits[1])) / 4;
    body += `<path d="M${LEFT - 4} ${y(value)}H${RIGHT}" stroke="#888" stroke-opacity="0.4"/>${text(LEFT - 7, y(value), value, { size: 11, anchor: "end" })}`;
  }
  const every = Math.ceil(places.length / 8);
  for (const [i, place] of places.entries()) if ((i + 1) % every === 0 || every === 1) body += text(x(place), BOTTOM + 13, place, { size: 11 });
  body += text((LEFT + RIGHT) / 2, BOTTOM + 30, xName, { size: 12 });
  let from = LEFT;
  for (const [part, points] of Object.entries(curves)) {
    const [means, lows, highs] = ["mean", "low", "high"].map((name) => line(points.map((point) => point[name])));
    const name = part === "val" ? "validation" : part;
    body += `<g clip-path="url(#cnn-${xName.length}-axes)" fill="${COLORS[part]}"><polygon points="${[...lows, ...highs.reverse()].join(" ")}" fill-opacity="0.25"/><polyline points="${means.join(" ")}" fill="none" stroke="${COLORS[part]}" stroke-width="2"/>`;
    body += means.map((point) => `<circle cx="${point.replace(",", '" cy="')}" r="3"/>`).join("") + "</g>";
    body += `<rect x="${from}" y="${HEIGHT - 12}" width="16" height="6" fill="${COLORS[part]}"/>${text(from + 21, HEIGHT - 9, `${name} ${yName}`, { size: 11, anchor: "start" })}`;
    from += 140;
  }
  if (mark !== undefined) body += `<path d="M${x(mark)} ${TOP}V${BOTTOM}" stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 4"/>`;
  return { title, width: WIDTH, height: HEIGHT, body };
}

const draw = (limits) => ({ rate, metric, runs, rates, curves, ends }) => [
  chart(`Dropout ${fixed(rate, 1)}, epoch by epoch`, runs.epochs, "epoch", curves, metric, limits[metric]),
  chart(`After ${runs.epochs.at(-1)} epochs, rate by rate`, rates, "dropout rate", ends, metric, limits[metric], rate),
];

function render({ model, el }) {
  const runs = model.get("runs");
  explorer({ model, el }, { compute: (settings) => compute(runs, settings), draw: draw(model.get("limits")), describe });
}

export default { render };
