/* Numbers as people read them: percent, log-odds, sizes and times. */

const SPACE = "\u00a0";
const MINUS = "\u2212";
const POLE = 0.0005; // below a tenth of a percent there is nothing to tell apart

export const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Return how many decimals of a percent the probabilities need to be told from 0 and 100 %. */
export function decimals(...probabilities) {
  const plain = probabilities.filter(known).every((p) => p >= 0.01 && p <= 0.99);
  return plain ? 0 : 1;
}

/** Return a probability in percent; what rounds to 0 or 100 is told by its bound. */
export function percent(probability, digits = decimals(probability)) {
  if (!known(probability)) return "not known";
  return `${bare(probability, digits)}${SPACE}%`;
}

function bare(probability, digits) {
  if (digits > 0 && probability < POLE && probability > 0) return "below 0.1";
  if (digits > 0 && probability >= 1 - POLE && probability < 1) return "above 99.9";
  return (probability * 100).toFixed(digits);
}

/** Return a probability in percent with what decimals it has, e.g. 20.6 % and 21 %. */
export const exactPercent = (probability) => `${plain(probability * 100)}${SPACE}%`;

/** Return a range in percent, e.g. 18–29 %. */
export function percentRange(low, high, digits = decimals(low, high)) {
  return `${bare(low, digits)}–${bare(high, digits)}${SPACE}%`;
}

/** Return a number with its sign, e.g. +0.42 or −0.17. */
export function signed(value, digits = 2) {
  if (!known(value)) return "not known";
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value > 0 ? "+" : MINUS}${text}`;
}

/** Return a number of at most that many significant digits. */
export function plain(value, digits = 3) {
  if (!known(value)) return "not known";
  const text = Math.abs(value) >= 10 ** digits ? value.toFixed(0) : String(Number(value.toPrecision(digits)));
  return text.replace("-", MINUS);
}

export const count = (value) => (known(value) ? value.toLocaleString("en-GB") : "not known");

/** Return the count and its noun, in the plural but for one. */
export const counted = (value, noun, several = `${noun}s`) => `${count(value)} ${value === 1 ? noun : several}`;

export function bytes(size) {
  if (size < 1000) return `${size} bytes`;
  const unit = size < 1e6 ? [1e3, "kB"] : size < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  const own = size / unit[0];
  return `${own < 10 ? Number(own.toFixed(1)) : own.toFixed(0)}${SPACE}${unit[1]}`;
}

export function seconds(value) {
  if (!known(value)) return "not known";
  if (value < 90) return counted(Math.max(0, Math.round(value)), "second");
  if (value < 5400) return counted(Math.round(value / 60), "minute");
  return `${(value / 3600).toFixed(1)} hours`;
}

export const clock = (date) => date.toLocaleTimeString("en-GB");

export const moment = (date) =>
  date.toLocaleString("en-GB", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
