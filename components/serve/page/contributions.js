/* What moved the log-odds, as a table whose bars go left and right of nothing. */

import { el, scroller, svg } from "./dom.js";
import { known, signed } from "./numbers.js";
import { towards } from "./words.js";

const FIRST = 15; // rows before the rest is folded away

/** Return a table of {title, value} in log-odds, the longest bar the largest value. */
export function bars(caption, rows, { what = "Part" } = {}) {
  const sorted = rows.length > FIRST ? [...rows].sort((a, b) => size(b) - size(a)) : rows;
  const limit = Math.max(...rows.map(size), 1e-9);
  const first = made(
    rows.length > FIRST ? `${caption}: the ${FIRST} largest of ${rows.length}` : caption,
    sorted.slice(0, FIRST),
    { limit, what },
  );
  if (sorted.length <= FIRST) return first;
  const rest = sorted.slice(FIRST);
  return el(
    "div",
    {},
    first,
    el(
      "details",
      { class: "rest" },
      el("summary", {}, `The other ${rest.length}`),
      made(`${caption}: the others`, rest, { limit, what }),
    ),
  );
}

const size = ({ value }) => (known(value) ? Math.abs(value) : 0);

function made(caption, rows, { limit, what }) {
  const heads = [what, "Against the event, or towards it", "Log-odds", "In words"];
  const head = el(
    "tr",
    {},
    heads.map((name) => el("th", { scope: "col" }, name)),
  );
  const own = el(
    "table",
    { class: "bars" },
    el("caption", {}, caption),
    el("thead", {}, head),
    el(
      "tbody",
      {},
      rows.map((row) => line(row, limit)),
    ),
  );
  return scroller(own, caption);
}

function line({ title, value }, limit) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, title),
    el("td", { class: "bar-cell" }, bar(value, limit)),
    el("td", { class: "value" }, signed(value)),
    el("td", {}, known(value) ? towards(Number(value.toFixed(2))) : ""),
  );
}

/** Return one bar; its number stands beside it, so a screen reader skips the drawing. */
function bar(value, limit) {
  const share = known(value) ? (Math.abs(value) / limit) * 50 : 0;
  const left = value < 0 ? 50 - share : 50;
  return svg(
    "svg",
    { class: "bar", width: "100%", height: 18, "aria-hidden": "true" },
    svg("rect", {
      class: value < 0 ? "against" : "towards",
      x: `${left.toFixed(2)}%`,
      y: 2,
      width: `${share.toFixed(2)}%`,
      height: 14,
    }),
    svg("line", { class: "zero", x1: "50%", x2: "50%", y1: 0, y2: 18 }),
  );
}
