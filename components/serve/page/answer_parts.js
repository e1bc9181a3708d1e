/* What an answer says beside the risk: the recording, other heads, contributions, what was imputed and read. */

import { bars } from "./contributions.js";
import { el, facts, table } from "./dom.js";
import { figures } from "./drawings.js";
import { known, percent, plain, signed } from "./numbers.js";
import { flag, modality, output, readFact } from "./words.js";

export function recording(answer) {
  const flags = (answer.flags ?? []).map(flag);
  const quality = known(answer.quality)
    ? `${plain(answer.quality, 2)} of 1 (1 is best)`
    : answer.quality_note || "not judged";
  const found = flags.length ? flags.join("; ") : known(answer.quality) ? "nothing" : "";
  return el(
    "section",
    { "aria-labelledby": "recording-title" },
    el("h3", { id: "recording-title" }, "Quality of the recording"),
    facts([
      ["Quality", quality],
      ["Noticed", found],
    ]),
  );
}

export function remarks(answer) {
  if (!answer.fields_note) return null;
  return el(
    "p",
    { class: "message warning", id: "fields-note" },
    el("strong", {}, "Not taken as sent: "),
    answer.fields_note,
  );
}

export function heads(found) {
  const rows = Object.entries(found).flatMap(([head, said]) =>
    Object.entries(said).map(([name, value]) => [head, output(name), told(name, value)]),
  );
  if (!rows.length) return null;
  return el(
    "section",
    { "aria-labelledby": "heads-title" },
    el("h3", { id: "heads-title" }, "What else the model says"),
    table("Other answers of the same model", ["Head", "What", "Value"], rows),
  );
}

function told(name, value) {
  if (!known(value)) return "not known";
  if (name === "logit" || name.endsWith(".logit") || value < 0 || value > 1) return signed(value);
  return percent(value);
}

export function contributions(found) {
  const rows = Object.entries(found)
    .filter(([, value]) => known(value))
    .map(([name, value]) => ({ title: capital(modality(name)), value }));
  if (!rows.length) return null;
  return el(
    "section",
    { "aria-labelledby": "contributions-title" },
    el("h3", { id: "contributions-title" }, "What each input moved"),
    bars("Change of the log-odds by each input", rows, { what: "Input" }),
    el(
      "p",
      { class: "note" },
      "Against a patient of whom nothing is known, before calibration. It says what the model used, not what causes the event.",
    ),
  );
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function imputed(found) {
  const rows = Object.entries(found).map(([name, confidence]) => [modality(name), plain(confidence, 2)]);
  if (!rows.length) return null;
  return el(
    "section",
    { "aria-labelledby": "imputed-title" },
    el("h3", { id: "imputed-title" }, "Imagined by the model"),
    table("Inputs that were not sent and that the model imputed", ["Input", "Confidence (0 to 1)"], rows),
  );
}

export function drawn(answer) {
  const read = Object.entries(answer.read ?? {}).filter(([, said]) => said !== null);
  const below = Object.fromEntries(read.map(([name, said]) => [name, readFacts(said)]));
  const shown = figures(answer.drawings, "answer", below);
  const bare = Object.keys(below).filter((name) => !(answer.drawings ?? []).some((each) => each.name === name));
  if (!shown.length && !bare.length) return null;
  return el(
    "section",
    { "aria-labelledby": "read-title" },
    el("h3", { id: "read-title" }, "As the service read it"),
    shown,
    bare.map((name) => el("div", {}, el("h4", {}, capital(modality(name))), below[name])),
  );
}

function readFacts(said) {
  return facts(Object.entries(said).map(([name, value]) => [readFact(name), readValue(name, value)]));
}

function readValue(name, value) {
  if (Array.isArray(value)) return value.join(", ");
  if (name === "fs" && known(value)) return `${plain(value, 4)} Hz`;
  if (name === "seconds" && known(value)) return `${plain(value, 3)} s`;
  return value === null ? "not known" : String(value);
}
