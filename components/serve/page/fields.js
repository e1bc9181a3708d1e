/* One control per kind of input that is typed or chosen. Each has `take` (what to send, or a mistake in words),
   `echo` (the same for reading), `state` and `restore`. An empty one sends nothing. */

import { json, vector } from "./areas.js";
import { el, replace } from "./dom.js";
import { describedBy, hint, label, simple, within } from "./field_parts.js";
import { plain } from "./numbers.js";
import { fromText } from "./parsing.js";

const MAKERS = { number, choice, text, vector, json };

/** Return the control of an input; one of a kind that this page does not know says so. */
export function control(input, id) {
  const make = MAKERS[input.kind];
  return make ? { id, input, ...make(input, id) } : { id, input, ...unknown(input, id) };
}

function number(input, id) {
  const own = el("input", {
    id,
    name: input.name,
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    ...describedBy(id),
  });
  const remark = el("p", { class: "remark", id: `${id}-remark`, role: "status" });
  own.addEventListener("input", () => replace(remark, outside(input, own.value)));
  return {
    element: el("div", { class: "field" }, label(input, id), own, hint(input, id), remark),
    ...simple(own, { take: () => takeNumber(input, own.value), echo: () => own.value.trim() }),
  };
}

function takeNumber(input, text) {
  if (!text.trim()) return {};
  const value = fromText(text);
  const title = input.title || input.name;
  if (value === null) return { mistake: `${title}: write a number with a point, such as 12.5, or leave it empty.` };
  if (input.hard && outside(input, text)) return { mistake: `${title}: write ${within(input)}, or leave it empty.` };
  return { value };
}

function outside({ low, high, hard }, text) {
  const value = fromText(text);
  if (value === null || typeof low !== "number" || typeof high !== "number") return "";
  if (value >= low && value <= high) return "";
  if (hard) return `It is not sent like this: write ${within({ low, high })}.`;
  const bound = value < low ? low : high;
  return `Far ${value < low ? "below" : "above"} the training patients: check the unit. It is sent as it is; the model takes it as ${plain(bound)}.`;
}

function choice(input, id) {
  const levels = input.levels ?? [];
  const options = levels.map((level, at) => el("option", { value: at }, String(level)));
  const own = el(
    "select",
    { id, name: input.name, autocomplete: "off", "aria-describedby": `${id}-hint` },
    el("option", { value: "" }, "not known"),
    options,
  );
  const chosen = () => (own.value === "" ? undefined : levels[Number(own.value)]);
  return {
    element: el("div", { class: "field" }, label(input, id), own, hint(input, id)),
    take: () => (own.value === "" ? {} : { value: chosen() }),
    echo: () => (own.value === "" ? "" : String(chosen())),
    state: () => (own.value === "" ? null : chosen()),
    restore: (value) => {
      own.value = levels.includes(value) ? String(levels.indexOf(value)) : "";
    },
  };
}

function text(input, id) {
  const long = input.declaredFor === undefined;
  const own = el(long ? "textarea" : "input", {
    id,
    name: input.name,
    rows: long ? 5 : null,
    type: long ? null : "text",
    autocomplete: "off",
    "aria-describedby": `${id}-hint`,
  });
  return {
    element: el("div", { class: long ? "field wide" : "field" }, label(input, id), own, hint(input, id)),
    ...simple(own, { take: () => (own.value.trim() ? { value: own.value } : {}), echo: () => own.value.trim() }),
  };
}

function unknown(input, id) {
  return {
    element: el(
      "p",
      { class: "message warning", id },
      `This page has no control for ${input.title || input.name}, of kind ${input.kind}: it is not sent.`,
    ),
    take: () => ({}),
    echo: () => "",
    state: () => null,
    restore: () => {},
  };
}
