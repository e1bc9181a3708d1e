/* What the model answered. A model that abstains shows its reason and no number of the patient's risk. */

import { contributions, drawn, heads, imputed, recording, remarks } from "./answer_parts.js";
import { el, facts } from "./dom.js";
import { release } from "./drawings.js";
import { counted, decimals, known, moment, percent, percentRange } from "./numbers.js";
import { scale } from "./scale.js";
import { modality } from "./words.js";

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
    withheld ? null : scale(answer, model),
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
  return el(
    "div",
    { class: "result" },
    el("p", { class: "of" }, `Estimated risk: ${answer.label}`),
    el("p", { class: "figure", id: "risk" }, percent(answer.probability, digits)),
    el(
      "p",
      { class: "interval-words", id: "interval" },
      ranged
        ? `5th–95th percentile of ${ofNetworks(model)} ${percentRange(answer.lo, answer.hi, digits)}`
        : `No interval: ${answer.interval_note || "the service gave no reason."}`,
    ),
    ranged
      ? el("p", { class: "note" }, "This is how far the networks differ, not the range of the patient's true risk.")
      : null,
  );
}

const ofNetworks = (model) => (model?.networks ? `the ${model.networks} networks` : "the networks");

function abstention(answer) {
  return el(
    "div",
    { class: "result abstains", id: "abstention" },
    el("p", { class: "of" }, `Asked for: ${answer.label}`),
    el("p", { class: "figure" }, "No answer"),
    el(
      "p",
      { class: "interval-words" },
      answer.abstain
        ? `The model abstains: ${answer.abstain_reason || "it gave no reason."}`
        : "The service gave neither a probability nor a reason; ask whoever runs it.",
    ),
  );
}

function sentTable(sent) {
  return el(
    "section",
    { "aria-labelledby": "sent-title" },
    el("h3", { id: "sent-title" }, "What was sent"),
    facts(sent.fields.map(([title, words]) => [title, words])),
  );
}

function provenance(answer, sent) {
  return el(
    "section",
    { "aria-labelledby": "source-title" },
    el("h3", { id: "source-title" }, "Who answered"),
    facts([
      [
        "Model",
        el(
          "span",
          { id: "answered-by" },
          `${answer.model}, version ${answer.version}${answer.alias ? `, ${answer.alias}` : ""}`,
        ),
      ],
      ["Bundle", answer.bundle ? el("code", {}, answer.bundle) : ""],
      ["Trained on", answer.trained_on],
      ["Answered from", (answer.inputs ?? []).map(modality).join(", ")],
      ["Answered on", moment(sent.at)],
    ]),
    answer.notice ? el("p", { class: "note" }, answer.notice) : null,
  );
}

/** Return the answer in one sentence, for those who listen. */
export function spoken(answer) {
  if (answer.abstain || !known(answer.probability)) return "The model abstains; there is no answer.";
  const said = `The answer is there: ${percent(answer.probability, decimals(answer.probability, answer.lo, answer.hi))}.`;
  return answer.flags?.length ? `${said} The recording has ${counted(answer.flags.length, "flag")}.` : said;
}
