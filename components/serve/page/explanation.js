/* What an answer rests on: by input, by group, and drawn along the recording. */

import { el, facts } from "./dom.js";
import { bars } from "./contributions.js";
import { figures } from "./drawings.js";
import { known, signed } from "./numbers.js";
import { modality } from "./words.js";

/** Return the elements of an explanation, or of the reason why there is none. */
export function explanationView(found, shown) {
  const answer = found.answer ?? {};
  if (answer.abstain) return [el("p", { class: "message warning" }, `The model abstains, so that there is nothing to explain: ${answer.abstain_reason}`)];
  return [
    other(answer, shown),
    summary(found),
    bars(`By input: ${found.quantity}`, named(found.modalities ?? []), { what: "Input" }),
    (found.groups ?? []).map(group),
    figures(found.drawings, "explanation"),
    baseline(found.baseline ?? {}),
    el("p", { class: "note" }, "An attribution says what the model used for this patient. It says nothing about causes, and nothing about what to do."),
  ];
}

/** The service may have changed its model between the two questions. */
function other(answer, shown) {
  const same = answer.version === shown.version && answer.model === shown.model && answer.bundle === shown.bundle;
  return same ? null : el("p", { class: "message warning", role: "status" },
    `Another version explained: ${answer.model}, version ${answer.version}. The answer above is of version ${shown.version}; ask again for both of one version.`);
}

function summary(found) {
  return facts([
    ["Method", found.method],
    ["Explained is", found.quantity],
    ["Log-odds", `${signed(found.log_odds)} for this patient, ${signed(found.baseline_log_odds)} for the baseline: a difference of ${signed(difference(found))}`],
    ["Completeness error", known(found.error)
      ? `${signed(found.error, 3)} log-odds: by so much the parts together miss that difference` : "not known"],
  ]);
}

const difference = ({ log_odds: own, baseline_log_odds: base }) => (known(own) && known(base) ? own - base : null);

const named = (rows) => rows.map(({ name, title, value }) => ({ title: title || modality(name), value }));

function group({ title, names, values }) {
  return bars(`By ${title}`, names.map((name, at) => ({ title: name, value: values[at] })), { what: "Name" });
}

function baseline(words) {
  const rows = Object.entries(words);
  if (!rows.length) return null;
  return el("div", {}, el("h4", {}, "Baseline: what the patient is compared with"),
    facts(rows.map(([name, said]) => [modality(name), said])));
}
