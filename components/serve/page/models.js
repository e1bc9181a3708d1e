/* Which models are served, and what is said of the chosen one. */

import { address } from "./api.js";
import { byId, el, facts, replace, show, table } from "./dom.js";
import { count, decimals, exactPercent, percent } from "./numbers.js";

/** Offer the models; with one there is nothing to choose. */
export function offer(models, chosen) {
  const options = models.map((model) => el("option", { value: model.name, selected: model.name === chosen }, line(model)));
  replace(byId("model"), options);
  show(byId("model-choice"), models.length > 1);
}

/** Return a model in one line: name, version, alias, what it predicts. */
export function line(model) {
  const alias = model.alias ? ` (${model.alias})` : "";
  const ready = model.ready === false ? ": not ready" : "";
  return `${model.name}, version ${model.version}${alias}: ${model.task}${ready}`;
}

/** Show what is known of a model. */
export function describe(place, model) {
  replace(place,
    model.ready === false ? notReady(model) : null,
    el("p", { class: "lead" }, "Predicts: ", el("strong", {}, model.label)),
    facts([
      ["Model", `${model.name}, version ${model.version}${model.alias ? `, ${model.alias}` : ""}`],
      ["Trained on", model.trained_on],
      ["Networks", networks(model)],
      ["Abstains", model.abstains ? "yes, from recordings that are too poor or unlike those of training" : "never"],
      ["Operating threshold", typeof model.threshold === "number" ? exactPercent(model.threshold) : "none"],
      ["Bundle", model.bundle ? el("code", {}, model.bundle) : ""],
      ["Model card", card(model)],
    ]),
    figures(model.figures ?? []));
}

function notReady(model) {
  return el("p", { class: "message warning", role: "status" },
    el("strong", {}, "This model is not ready. "), model.detail || "The service gave no reason.");
}

function networks(model) {
  if (!model.networks) return "";
  return `${model.networks}${model.interval ? "; their spread is given with each answer" : "; too few for an interval"}`;
}

function card(model) {
  const page = address(model.card);
  return page ? el("a", { href: page, target: "_blank", rel: "noopener" }, "its card, with figures, limits and subgroups (new tab)") : "none was kept";
}

function figures(rows) {
  if (!rows.length) return el("p", { class: "note" }, "No figures of this version are on record.");
  const cells = rows.map((each) => [
    each.name, value(each), interval(each),
    typeof each.prevalence === "number" ? percent(each.prevalence, decimals(each.prevalence)) : "not known",
    count(each.records), each.part ?? "",
  ]);
  return table("How well it did", ["Figure", "Value", "95 % interval", "Prevalence", "Records", "Part"], cells);
}

const value = (each) => (typeof each.value === "number" ? each.value.toFixed(2) : "not known");

function interval(each) {
  return typeof each.lo === "number" && typeof each.hi === "number" ? `${each.lo.toFixed(2)} to ${each.hi.toFixed(2)}` : "not known";
}
