/* Which models are served, and what is said of the chosen one. */

import { address } from "./api.js";
import { byId, el, facts, replace, show, table } from "./dom.js";
import { count, counted, decimals, exactPercent, percent } from "./numbers.js";

/** Offer the models; with one there is nothing to choose. */
export function offer(models, chosen) {
  const options = models.map((model) =>
    el("option", { value: model.name, selected: model.name === chosen }, line(model)),
  );
  replace(byId("model"), options);
  show(byId("model-choice"), models.length > 1);
}

/** Return whether a version of the model answers; of one that is not ready its name and alias alone are known. */
export const isReady = (model) => model.ready !== false;

/** Return a model's version and alias in words. */
export const versionOf = (model) => `version ${model.version}${model.alias ? `, ${model.alias}` : ""}`;

/** Return how many models there are, and how many of them do not answer. */
export function tally(models) {
  if (!models.length) return "No model is served. Ask whoever runs the service to start it with a registered one.";
  const without = models.filter((model) => !isReady(model)).length;
  const said = counted(models.length, "model");
  return without ? `${said}, ${without} of them not ready.` : `${said} served.`;
}

/** Return a model in one line: name, version, alias, what it predicts. */
function line(model) {
  const alias = model.alias ? ` (${model.alias})` : "";
  return isReady(model)
    ? `${model.name}, version ${model.version}${alias}: ${model.task}`
    : `${model.name}${alias}: not ready`;
}

/** Return what to say of the chosen model, in the place of what was chosen a moment ago; empty where nothing changed. */
export function change(old, now) {
  if (!now) return `${old.name} is no longer served.`;
  if (now.name !== old.name) return `${old.name} is no longer served. ${now.name} is chosen in its place.`;
  if (isReady(now) !== isReady(old))
    return isReady(now)
      ? `${now.name} is ready now: ${versionOf(now)}.`
      : `${now.name} is not ready any more; it was version ${old.version}.`;
  if (!isReady(now) || (now.version === old.version && now.alias === old.alias)) return "";
  return `${now.name} is now ${versionOf(now)}; it was version ${old.version}.`;
}

/** Show what is known of a model. */
export function describe(place, model) {
  if (!isReady(model)) {
    replace(place, notReady(model), facts([["Model", model.name], ["Alias", model.alias]]));
    return;
  }
  replace(
    place,
    el("p", { class: "lead" }, "Predicts: ", el("strong", {}, model.label)),
    facts([
      ["Model", `${model.name}, ${versionOf(model)}`],
      ["Trained on", model.trained_on],
      ["Networks", networks(model)],
      ["Abstains", model.abstains ? "yes, from recordings that are too poor or unlike those of training" : "never"],
      ["Operating threshold", typeof model.threshold === "number" ? exactPercent(model.threshold) : "none"],
      ["Bundle", model.bundle ? el("code", {}, model.bundle) : ""],
      ["Model card", card(model)],
    ]),
    figures(model.figures ?? []),
  );
}

function notReady(model) {
  return el(
    "p",
    { class: "message warning", role: "status" },
    el("strong", {}, "This model is not ready: "),
    model.detail || "the service gave no reason.",
  );
}

function networks(model) {
  if (!model.networks) return "";
  return `${model.networks}${model.interval ? "; their spread is given with each answer" : "; too few for an interval"}`;
}

function card(model) {
  const page = address(model.card);
  return page
    ? el(
        "a",
        { href: page, target: "_blank", rel: "noopener" },
        "its card, with figures, limits and subgroups (new tab)",
      )
    : "none was kept";
}

function figures(rows) {
  if (!rows.length) return el("p", { class: "note" }, "No figures of this version are on record.");
  const cells = rows.map((each) => [
    each.name,
    value(each),
    interval(each),
    typeof each.prevalence === "number" ? percent(each.prevalence, decimals(each.prevalence)) : "not known",
    count(each.records),
    each.part ?? "",
  ]);
  return table("How well it did", ["Figure", "Value", "95 % interval", "Prevalence", "Records", "Part"], cells);
}

const value = (each) => (typeof each.value === "number" ? each.value.toFixed(2) : "not known");

function interval(each) {
  return typeof each.lo === "number" && typeof each.hi === "number"
    ? `${each.lo.toFixed(2)} to ${each.hi.toFixed(2)}`
    : "not known";
}
