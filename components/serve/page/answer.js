/* What the model answered. A model that abstains shows its reason and no number of the patient's risk. */

import { el, facts, table } from "./dom.js";
import { bars } from "./contributions.js";
import { figures, release } from "./drawings.js";
import { counted, decimals, known, moment, percent, percentRange, plain, signed } from "./numbers.js";
import { scale } from "./scale.js";
import { flag, modality, output, readFact } from "./words.js";

/**
 * Return the elements of an answer.
 * @param {object} answer - of the service.
 * @param {object|null} model - of the very version that answered; null where that is not known.
 * @param {object} sent - at (Date), fields: [title, words] of what was sent.
 */
export function answerView(answer, model, sent) {
  const withheld = answer.abstain || !known(answer.probability);
  if (withheld) release("answer");
  return [
    withheld ? abstention(answer) : risk(answer, model),
    withheld ? null : scale(answer, model?.validation ?? null, model?.threshold ?? null),
    recording(answer),
    remarks(answer),
    withheld ? null : heads(answer.heads ?? {}),
    withheld ? null : contributions(answer.contributions ?? {}),
    imputed(answer.imputed ?? {}),
    drawn(answer),
    sentTable(sent),
    provenance(answer, sent),
  ];
}

function risk(answer, model) {
  const digits = decimals(answer.probability, answer.lo, answer.hi);
  const ranged = known(answer.lo) && known(answer.hi);
  return el("div", { class: "result" },
    el("p", { class: "of" }, `Estimated risk: ${answer.label}`),
    el("p", { class: "figure", id: "risk" }, percent(answer.probability, digits)),
    el("p", { class: "interval-words", id: "interval" }, ranged
      ? `5th–95th percentile of ${ofNetworks(model)} ${percentRange(answer.lo, answer.hi, digits)}`
      : `No interval: ${answer.interval_note || "the service gave no reason."}`),
    ranged ? el("p", { class: "note" }, "This is how far the networks differ, not the range of the patient's true risk.") : null);
}

const ofNetworks = (model) => (model?.networks ? `the ${model.networks} networks` : "the networks");

function abstention(answer) {
  return el("div", { class: "result abstains", id: "abstention" },
    el("p", { class: "of" }, `Asked for: ${answer.label}`),
    el("p", { class: "figure" }, "No answer"),
    el("p", { class: "interval-words" }, answer.abstain
      ? `The model abstains: ${answer.abstain_reason || "it gave no reason."}`
      : "The service gave neither a probability nor a reason; ask whoever runs it."));
}

function recording(answer) {
  const flags = (answer.flags ?? []).map(flag);
  const quality = known(answer.quality) ? `${plain(answer.quality, 2)} of 1 (1 is best)` : answer.quality_note || "not judged";
  const found = flags.length ? flags.join("; ") : known(answer.quality) ? "nothing" : "";
  return el("section", { "aria-labelledby": "recording-title" },
    el("h3", { id: "recording-title" }, "Quality of the recording"),
    facts([["Quality", quality], ["Noticed", found]]));
}

function remarks(answer) {
  if (!answer.fields_note) return null;
  return el("p", { class: "message warning", id: "fields-note" },
    el("strong", {}, "Not taken as sent: "), answer.fields_note);
}

function heads(found) {
  const rows = Object.entries(found).flatMap(([head, said]) =>
    Object.entries(said).map(([name, value]) => [head, output(name), told(name, value)]));
  if (!rows.length) return null;
  return el("section", { "aria-labelledby": "heads-title" },
    el("h3", { id: "heads-title" }, "What else the model says"),
    table("Other answers of the same model", ["Head", "What", "Value"], rows));
}

function told(name, value) {
  if (!known(value)) return "not known";
  if (name === "logit" || name.endsWith(".logit") || value < 0 || value > 1) return signed(value);
  return percent(value);
}

function contributions(found) {
  const rows = Object.entries(found).filter(([, value]) => known(value)).map(([name, value]) => ({ title: capital(modality(name)), value }));
  if (!rows.length) return null;
  return el("section", { "aria-labelledby": "contributions-title" },
    el("h3", { id: "contributions-title" }, "What each input moved"),
    bars("Change of the log-odds by each input", rows, { what: "Input" }),
    el("p", { class: "note" }, "Against a patient of whom nothing is known, before calibration. It says what the model used, not what causes the event."));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function imputed(found) {
  const rows = Object.entries(found).map(([name, confidence]) => [modality(name), plain(confidence, 2)]);
  if (!rows.length) return null;
  return el("section", { "aria-labelledby": "imputed-title" },
    el("h3", { id: "imputed-title" }, "Imagined by the model"),
    table("Inputs that were not sent and that the model imputed", ["Input", "Confidence (0 to 1)"], rows));
}

function drawn(answer) {
  const below = Object.fromEntries(Object.entries(answer.read ?? {}).map(([name, said]) => [name, readFacts(said)]));
  const shown = figures(answer.drawings, "answer", below);
  const bare = Object.keys(below).filter((name) => !(answer.drawings ?? []).some((each) => each.name === name));
  if (!shown.length && !bare.length) return null;
  return el("section", { "aria-labelledby": "read-title" },
    el("h3", { id: "read-title" }, "As the service read it"),
    shown, bare.map((name) => el("div", {}, el("h4", {}, capital(modality(name))), below[name])));
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

function sentTable(sent) {
  return el("section", { "aria-labelledby": "sent-title" },
    el("h3", { id: "sent-title" }, "What was sent"),
    facts(sent.fields.map(([title, words]) => [title, words])));
}

function provenance(answer, sent) {
  return el("section", { "aria-labelledby": "source-title" },
    el("h3", { id: "source-title" }, "Who answered"),
    facts([
      ["Model", el("span", { id: "answered-by" }, `${answer.model}, version ${answer.version}${answer.alias ? `, ${answer.alias}` : ""}`)],
      ["Bundle", answer.bundle ? el("code", {}, answer.bundle) : ""],
      ["Trained on", answer.trained_on],
      ["Answered from", (answer.inputs ?? []).map(modality).join(", ")],
      ["Answered on", moment(sent.at)],
    ]),
    answer.notice ? el("p", { class: "note" }, answer.notice) : null);
}

/** Return the answer in one sentence, for those who listen. */
export function spoken(answer) {
  if (answer.abstain || !known(answer.probability)) return "The model abstains; there is no answer.";
  const said = `The answer is there: ${percent(answer.probability, decimals(answer.probability, answer.lo, answer.hi))}.`;
  return answer.flags?.length ? `${said} The recording has ${counted(answer.flags.length, "flag")}.` : said;
}
