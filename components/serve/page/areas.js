/* Controls for what is too long for a line: embeddings and event sequences, typed or read from a file. */

import { el, replace } from "./dom.js";
import { describedBy, hint, label, simple } from "./field_parts.js";
import { counted } from "./numbers.js";
import { numbersOf } from "./parsing.js";

export function vector(input, id) {
  const words = `${input.width ? counted(input.width, "number") : "Numbers"}, separated by commas, spaces or new lines, or as JSON; write null for one that is missing.`;
  const take = (value) => numbersOf(value, input);
  return area(input, id, {
    words,
    accept: ".json,.csv,.txt",
    take,
    count: (found) => `${counted(found.length, "number")}`,
  });
}

export function json(input, id) {
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
  const own = el("textarea", {
    id,
    name: input.name,
    rows: 4,
    spellcheck: "false",
    autocomplete: "off",
    ...describedBy(id),
  });
  const file = el("input", { type: "file", id: `${id}-file`, accept, class: "visually-hidden" });
  const remark = el("p", { class: "remark", id: `${id}-remark`, role: "status" });
  const found = () => (own.value.trim() ? take(own.value) : {});
  own.addEventListener("input", () => {
    const now = found();
    replace(remark, now.mistake ?? (now.value === undefined ? "" : count(now.value)));
  });
  file.addEventListener("change", () => readInto(own, file));
  return {
    element: el(
      "div",
      { class: "field wide" },
      label(input, id),
      own,
      el(
        "div",
        { class: "pick" },
        file,
        el(
          "label",
          { for: file.id, class: "button" },
          "Read from a file",
          el("span", { class: "visually-hidden" }, `: ${input.title || input.name}`),
        ),
      ),
      hint(input, id, words),
      remark,
    ),
    ...simple(own, {
      take: found,
      echo: () => {
        const now = found();
        return now.value === undefined ? "" : count(now.value);
      },
    }),
  };
}

async function readInto(own, file) {
  if (!file.files.length) return;
  own.value = await file.files[0].text();
  file.value = "";
  own.dispatchEvent(new Event("input", { bubbles: true }));
}
