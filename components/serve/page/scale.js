/* One risk on a scale from 0 to 100 %, the validation patients behind it. Lengths across are shares of the width,
   so that the drawing fits any screen and paper while its letters keep their size. */

import { el, svg, table } from "./dom.js";
import { decimals, exactPercent, known, percent, percentRange } from "./numbers.js";
import { bands, read, sentences } from "./validation.js";

const LABEL = 24; // px for the words at the top and at the bottom
const BARS = 84; // px of the highest bin
const TRACK = 16;
const TICKS = 20;
const NEAR = 0.17; // this close to an end, words begin or end at their line

const at = (share) => `${(share * 100).toFixed(3)}%`;
const anchor = (share) => (share < NEAR ? "start" : share > 1 - NEAR ? "end" : "middle");

/**
 * Return the scale with legend, words and table.
 * @param {object} answer - with probability, lo, hi.
 * @param {object|null} model - of the very version that answered; null where that is not known.
 */
export function scale(answer, model) {
  const found = read(model?.validation);
  const threshold = model?.threshold ?? null; // operating point as a calibrated probability
  const words = model ? said(answer, found, threshold) : [unknown(answer)];
  return el(
    "figure",
    { class: "scale", id: "scale" },
    el("div", { class: "scale-frame" }, drawing(answer, found, threshold, words.join(" "))),
    legend(answer, found, threshold),
    el(
      "figcaption",
      {},
      words.map((sentence) => el("p", {}, sentence)),
    ),
    found
      ? el(
          "details",
          {},
          el("summary", {}, "The validation patients as a table"),
          table("Validation records by their risk", ["Risk", "With the event", "Without"], bands(found)),
        )
      : null,
  );
}

const unknown = ({ version }) =>
  `The page could not learn the facts of version ${version} from the service: neither its validation patients nor its threshold can be shown.`;

function said(answer, found, threshold) {
  const words = found
    ? sentences(found, answer.probability)
    : ["How the validation patients are spread is not on record for this version."];
  return known(threshold) ? [...words, beside(answer.probability, threshold)] : words;
}

function beside(probability, threshold) {
  const where = probability > threshold ? "above" : probability < threshold ? "below" : "at";
  return `The risk is ${where} the model's operating threshold of ${exactPercent(threshold)}.`;
}

function drawing(answer, found, threshold, words) {
  const top = LABEL + tallest(found, found?.event); // where the track begins
  const under = top + TRACK + TICKS;
  const bottom = under + tallest(found, found?.none);
  const name = `Scale from 0 to 100 %. The answer is ${own(answer)}. ${words}`;
  return svg(
    "svg",
    {
      class: "risk-scale",
      role: "img",
      "aria-label": name,
      width: "100%",
      height: bottom + (known(threshold) ? LABEL : 4),
    },
    patterns(),
    found
      ? [...bins(found, found.event, (high) => top - high, "event"), ...bins(found, found.none, () => under, "none")]
      : [],
    track(answer, top),
    known(threshold)
      ? mark(threshold, {
          from: LABEL,
          to: bottom,
          kind: "threshold",
          text: bottom + 17,
          words: `threshold ${exactPercent(threshold)}`,
        })
      : [],
    mark(answer.probability, {
      from: LABEL - 4,
      to: bottom,
      kind: "own",
      text: 14,
      words: `this answer: ${own(answer)}`,
    }),
    ticks(top),
  );
}

const digits = (answer) => decimals(answer.probability, answer.lo, answer.hi);
const own = (answer) => percent(answer.probability, digits(answer));

function patterns() {
  const make = (id, ...lines) =>
    svg(
      "pattern",
      { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
      svg("rect", { class: "ground", width: 6, height: 6 }),
      lines,
    );
  return svg(
    "defs",
    {},
    make("pattern-event", svg("path", { class: "event-line", d: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5" })),
    make("pattern-none", svg("circle", { class: "none-dot", cx: 3, cy: 3, r: 1.4 })),
  );
}

// Square roots: most patients have a low risk, and beside them the others could not be seen.
const height = (records, found) => Math.max(2, Math.sqrt(records / found.highest) * BARS);

/** Return the room that a group's highest step takes, in px. */
const tallest = (found, counts) => (found ? Math.max(8, height(Math.max(...counts), found)) : 0);

/** Return a step per bin; both groups are drawn to the same measure, so that heights can be compared. */
function bins(found, counts, top, kind) {
  return counts.flatMap((each, bin) => {
    if (!each) return [];
    const high = height(each, found);
    const [low, end] = [found.edges[bin], found.edges[bin + 1]];
    return svg("rect", { class: `bin ${kind}`, x: at(low), y: top(high), width: at(end - low), height: high });
  });
}

function track(answer, top) {
  const line = svg("rect", { class: "track", x: 0, y: top + 5, width: "100%", height: 6 });
  if (!known(answer.lo) || !known(answer.hi)) return [line];
  const band = svg("rect", {
    class: "interval",
    x: at(answer.lo),
    y: top + 2,
    width: at(Math.max(answer.hi - answer.lo, 0.002)),
    height: 12,
  });
  return [line, band];
}

function ticks(top) {
  return [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((share) => [
    svg("line", { class: "tick", x1: at(share), x2: at(share), y1: top + 11, y2: top + TRACK }),
    svg(
      "text",
      { x: at(share), y: top + TRACK + 14, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" },
      percent(share, 0),
    ),
  ]);
}

function mark(share, { from, to, kind, text, words }) {
  return [
    svg("line", { class: kind, x1: at(share), x2: at(share), y1: from, y2: to }),
    svg("text", { class: `${kind}-words`, x: at(share), y: text, "text-anchor": anchor(share) }, words),
  ];
}

function legend(answer, found, threshold) {
  const item = (kind, words) => el("li", {}, swatch(kind), words);
  return el(
    "ul",
    { class: "legend" },
    found ? item("event", `above the scale: ${found.events} validation records with the event`) : null,
    found ? item("none", `below the scale: ${found.nones} without; heights are square roots of the counts`) : null,
    known(answer.lo) && known(answer.hi)
      ? item("interval", `5th–95th percentile of the networks: ${percentRange(answer.lo, answer.hi, digits(answer))}`)
      : null,
    known(threshold) ? item("threshold", "operating threshold") : null,
  );
}

function swatch(kind) {
  const shape =
    kind === "threshold"
      ? svg("line", { class: "threshold", x1: 9, x2: 9, y1: 0, y2: 14 })
      : svg("rect", { class: kind === "interval" ? kind : `bin ${kind}`, x: 1, y: 1, width: 16, height: 12 });
  return svg("svg", { class: "swatch", width: 18, height: 14, "aria-hidden": "true" }, shape);
}
