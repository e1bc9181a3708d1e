/* What people type, as values: never guessed, so that 1,234 is neither 1.234 nor 1234. */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const MISSING = new Set(["null", "NA", "NaN", "nan"]);

/** Return the number that the text is, or null. */
export function fromText(text) {
  const own = text.trim().replace("\u2212", "-");
  const value = NUMBER.test(own) ? Number(own) : NaN;
  return Number.isFinite(value) ? value : null;
}

/** Return {value} with a list of numbers (or of such lists), or {mistake}. */
export function numbersOf(text, input) {
  const title = input.title || input.name;
  const found = text.trim().startsWith("[") ? fromJson(text) : fromWords(text);
  if (typeof found === "string") return { mistake: `${title}: ${found}` };
  const rows = found.length && found.every(Array.isArray) ? found : [found];
  const wrong = rows.map((row) => wrongRow(row, input.width)).find(Boolean);
  return wrong ? { mistake: `${title}: ${wrong}` } : { value: found };
}

function fromJson(text) {
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) ? found : "this is no list.";
  } catch (error) {
    return `this is no JSON list (${error.message}).`;
  }
}

function fromWords(text) {
  const words = text.trim().split(/[\s,;]+/).filter(Boolean);
  const values = words.map((word) => (MISSING.has(word) ? null : (fromText(word) ?? undefined)));
  const at = values.indexOf(undefined);
  return at < 0 ? values : `entry ${at + 1} is no number.`;
}

function wrongRow(row, width) {
  const at = row.findIndex((value) => value !== null && !(typeof value === "number" && Number.isFinite(value)));
  if (at >= 0) return `entry ${at + 1} is no number.`;
  return width && row.length !== width ? `${row.length} numbers; the model takes ${width}.` : "";
}
