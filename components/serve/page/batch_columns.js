/* The columns of a batch's table, made from what the model takes. */

import { el, table } from "./dom.js";
import { within } from "./field_parts.js";
import { counted } from "./numbers.js";

/** Return [column, what stands in it] of each column. */
export function columns(model) {
  return (model.inputs ?? []).flatMap((input) => [
    [input.column || input.name, words(input)],
    ...(input.declared ?? []).map((each) => [each.name, words(each)]),
  ]);
}

function words(input) {
  const what = {
    file: fileWords,
    number: numberWords,
    choice: choiceWords,
    vector: vectorWords,
    json: () => "JSON in one cell",
  }[input.kind];
  const title = input.title || input.name;
  const said = what ? what(input) : "text";
  return `${title}: ${said}${input.required ? "; needed" : ""}`;
}

const fileWords = (input) =>
  input.several ? "names of files inside the zip, separated by ;" : "name of a file inside the zip";
const choiceWords = (input) => `one of ${(input.levels ?? []).join(", ")}`;
const vectorWords = (input) => `a JSON list of ${input.width ? counted(input.width, "number") : "numbers"} in one cell`;

const numberWords = (input) => (input.hard ? within(input) : "a number");

export function columnsTable(model) {
  return [
    table("Columns; an empty cell is not sent", ["Column", "What"], columns(model), { numeric: false }),
    el(
      "p",
      { class: "note" },
      "The first line names the columns, the order does not matter. The result has a line per row with probability, lo, hi, abstention and, where a row was refused, error and code.",
    ),
  ];
}

/** Return the table's first line as a file. */
export function template(model) {
  const line = columns(model)
    .map(([name]) => quoted(name))
    .join(",");
  return new Blob([`${line}\r\n`], { type: "text/csv" });
}

const quoted = (name) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
