/* The form of one patient, made from what the model takes. */

import { el, replace } from "./dom.js";
import { control } from "./fields.js";
import { fileControl, tooLarge } from "./files.js";

const NOTES = "clinical_notes"; // travels as a part of its own

let controls = [];
let kept = new Map(); // kind and name → what stood there, so that another model's form has it, too

/** Build the form of a model; what a field of the same name held stays. */
export function build(place, model, limits) {
  for (const one of controls) kept.set(nameAndKind(one), one.state());
  controls = [];
  const groups = new Map();
  for (const input of model.inputs ?? []) {
    const group = input.group || groupOf(input);
    groups.set(group, [...(groups.get(group) ?? []), ...elements(input, limits)]);
  }
  replace(
    place,
    [...groups].map(([name, parts]) =>
      el("fieldset", {}, el("legend", {}, capital(name)), el("div", { class: "grid" }, parts)),
    ),
  );
  for (const one of controls) one.restore(kept.get(nameAndKind(one)));
}

const nameAndKind = (one) => `${one.input.kind} ${one.input.name}`;

function groupOf(input) {
  return { file: "recordings", text: "notes", vector: "embeddings", json: "events" }[input.kind] ?? "fields";
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function elements(input, limits) {
  const id = `field-${input.name}`;
  const own = input.kind === "file" ? fileControl(input, id, () => limits.upload_bytes) : control(input, id);
  controls.push(own);
  if (!input.declared?.length) return [own.element];
  const declared = input.declared.map((each) => control({ ...each, declaredFor: input.name }, `field-${each.name}`));
  controls.push(...declared);
  return [
    own.element,
    el(
      "details",
      { class: "field wide" },
      el("summary", {}, `What the file cannot say: ${input.title || input.name}`),
      el(
        "p",
        { class: "hint" },
        "Only where the service asks for it. What the file says itself is taken from the file.",
      ),
      el(
        "div",
        { class: "grid" },
        declared.map((each) => each.element),
      ),
    ),
  ];
}

/** Forget everything that was filled in. */
export function empty() {
  kept = new Map();
  for (const one of controls) one.restore(null);
}

/** Return mistakes that the form can see, each with the field's id. */
export function mistakes(limits) {
  const found = controls.flatMap((one) => {
    const { mistake, value } = one.take();
    if (mistake) return [{ id: one.id, message: mistake }];
    return one.input.required && value === undefined
      ? [{ id: one.id, message: `${one.input.title || one.input.name} is needed.` }]
      : [];
  });
  const nothing = !found.length && controls.every((one) => one.take().value === undefined);
  if (nothing && controls.length)
    return [{ id: controls[0].id, message: "Nothing is filled in: give a file or a field." }];
  return [...found, ...tooHeavy(limits)];
}

function tooHeavy(limits) {
  const files = controls.flatMap((one) => one.files?.() ?? []);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (!limits.upload_bytes || size <= limits.upload_bytes) return [];
  const first = controls.find((one) => one.files?.().length);
  return [
    {
      id: first.id,
      message: tooLarge(`The ${files.length} files together`, size, limits.upload_bytes).replace(" has ", " have "),
    },
  ];
}

/** Return the request's parts. Call after `mistakes` found none. */
export function parts(model, { draw = true } = {}) {
  const data = new FormData();
  const fields = {};
  data.append("model", model.name);
  for (const one of controls) {
    const { value } = one.take();
    if (value === undefined) continue;
    if (one.files) for (const file of value) data.append(one.input.name, file, file.name);
    else if (one.input.name === NOTES) data.append("notes", value);
    else fields[one.input.name] = value;
  }
  data.append("fields", JSON.stringify(fields));
  if (draw) data.append("draw", "true");
  return data;
}

/** Return [title, what stands there] of every field that is sent, for reading and for paper. */
export function echo() {
  return controls.map((one) => [one.input.title || one.input.name, one.echo()]).filter(([, said]) => said !== "");
}

/** Return a text that differs whenever what is filled in differs. */
export function signature() {
  const states = controls.map((one) => [one.input.name, one.files ? one.files().map(fileMark) : one.state()]);
  return JSON.stringify(states);
}

const fileMark = (file) => [file.name, file.size, file.lastModified];

/** Return where a field named by the service stands, or null. */
export function whereIs(field) {
  const name = field === "notes" ? NOTES : field.replace(/^fields\./, "");
  const one = controls.find((each) => each.input.name === name);
  return one ? { id: one.id, title: one.input.title || one.input.name } : null;
}
