/* One control per kind of input that is typed or chosen. Each has `take` (what to send, or a mistake in words),
   `echo` (the same for reading), `state` and `restore`. An empty one sends nothing. */

import { el, replace } from "./dom.js";
import { counted, plain } from "./numbers.js";
import { fromText, numbersOf } from "./parsing.js";

const MAKERS = { number, choice, text, vector, json };

/** Return the control of an input; one of a kind that this page does not know says so. */
export function control(input, id) {
  const make = MAKERS[input.kind];
  return make ? { id, input, ...make(input, id) } : { id, input, ...unknown(input, id) };
}

function label(input, id) {
  return el("label", { for: id }, input.title || input.name, input.required ? el("span", { class: "need" }, " (needed)") : null);
}

function hint(input, id, words) {
  const said = [input.hint, words].filter(Boolean).join(" ");
  return el("p", { class: "hint", id: `${id}-hint` }, said);
}

const describedBy = (id) => ({ "aria-describedby": `${id}-hint ${id}-remark`, "aria-invalid": null });

function simple(own, { take, echo, set = (value) => { own.value = value; } }) {
  return { take, echo, state: () => own.value, restore: (value) => { set(value ?? ""); own.dispatchEvent(new Event("input")); } };
}

function number(input, id) {
  const own = el("input", { id, name: input.name, type: "text", inputmode: "decimal", autocomplete: "off", ...describedBy(id) });
  const remark = el("p", { class: "remark", id: `${id}-remark`, role: "status" });
  own.addEventListener("input", () => replace(remark, outside(input, own.value)));
  return {
    element: el("div", { class: "field" }, label(input, id), own, hint(input, id, range(input)), remark),
    ...simple(own, { take: () => takeNumber(input, own.value), echo: () => own.value.trim() }),
  };
}

function range({ low, high }) {
  return typeof low === "number" && typeof high === "number" ? `Training patients: ${plain(low)} to ${plain(high)}.` : "";
}

function takeNumber(input, text) {
  if (!text.trim()) return {};
  const value = fromText(text);
  return value === null
    ? { mistake: `${input.title || input.name}: write a number with a point, such as 12.5, or leave it empty.` }
    : { value };
}

function outside({ low, high }, text) {
  const value = fromText(text);
  if (value === null || typeof low !== "number" || typeof high !== "number") return "";
  if (value >= low && value <= high) return "";
  return `${value < low ? "Below" : "Above"} every training patient (${plain(low)} to ${plain(high)}): check the unit; it is sent as it is.`;
}

function choice(input, id) {
  const levels = input.levels ?? [];
  const options = levels.map((level, at) => el("option", { value: at }, String(level)));
  const own = el("select", { id, name: input.name, autocomplete: "off", "aria-describedby": `${id}-hint` },
    el("option", { value: "" }, "not known"), options);
  const chosen = () => (own.value === "" ? undefined : levels[Number(own.value)]);
  return {
    element: el("div", { class: "field" }, label(input, id), own, hint(input, id)),
    take: () => (own.value === "" ? {} : { value: chosen() }),
    echo: () => (own.value === "" ? "" : String(chosen())),
    state: () => (own.value === "" ? null : chosen()),
    restore: (value) => { own.value = levels.includes(value) ? String(levels.indexOf(value)) : ""; },
  };
}

function text(input, id) {
  const long = input.declaredFor === undefined;
  const own = el(long ? "textarea" : "input", { id, name: input.name, rows: long ? 5 : null, type: long ? null : "text",
    autocomplete: "off", "aria-describedby": `${id}-hint` });
  return {
    element: el("div", { class: long ? "field wide" : "field" }, label(input, id), own, hint(input, id)),
    ...simple(own, { take: () => (own.value.trim() ? { value: own.value } : {}), echo: () => own.value.trim() }),
  };
}

function vector(input, id) {
  const words = `${input.width ? counted(input.width, "number") : "Numbers"}, separated by commas, spaces or new lines, or as JSON; write null for one that is missing.`;
  const take = (value) => numbersOf(value, input);
  return area(input, id, { words, accept: ".json,.csv,.txt", take, count: (found) => `${counted(found.length, "number")}` });
}

function json(input, id) {
  const take = (value) => {
    try {
      return { value: JSON.parse(value) };
    } catch (error) {
      return { mistake: `${input.title || input.name}: this is no JSON (${error.message}).` };
    }
  };
  const count = (found) => (Array.isArray(found) ? counted(found.length, "entry", "entries") : "one value");
  return area(input, id, { words: "As JSON.", accept: ".json", take, count });
}

/** Return a text area that a file can be read into, with a remark on what stands in it. */
function area(input, id, { words, accept, take, count }) {
  const own = el("textarea", { id, name: input.name, rows: 4, spellcheck: "false", autocomplete: "off", ...describedBy(id) });
  const file = el("input", { type: "file", id: `${id}-file`, accept, class: "visually-hidden" });
  const remark = el("p", { class: "remark", id: `${id}-remark`, role: "status" });
  const found = () => (own.value.trim() ? take(own.value) : {});
  own.addEventListener("input", () => {
    const now = found();
    replace(remark, now.mistake ?? (now.value === undefined ? "" : count(now.value)));
  });
  file.addEventListener("change", () => readInto(own, file));
  return {
    element: el("div", { class: "field wide" }, label(input, id), own,
      el("div", { class: "pick" }, file, el("label", { for: file.id, class: "button" }, "Read from a file", el("span", { class: "visually-hidden" }, `: ${input.title || input.name}`))),
      hint(input, id, words), remark),
    ...simple(own, { take: found, echo: () => { const now = found(); return now.value === undefined ? "" : count(now.value); } }),
  };
}

async function readInto(own, file) {
  if (!file.files.length) return;
  own.value = await file.files[0].text();
  file.value = "";
  own.dispatchEvent(new Event("input", { bubbles: true }));
}

function unknown(input, id) {
  return {
    element: el("p", { class: "message warning", id }, `This page has no control for ${input.title || input.name}, of kind ${input.kind}: it is not sent.`),
    take: () => ({}), echo: () => "", state: () => null, restore: () => {},
  };
}
