/* The page: asks which models there are, builds the form of the chosen one, and looks now and then for a new version. */

import { ask, hasToken } from "./api.js";
import * as batch from "./batch.js";
import { byId, replace, show } from "./dom.js";
import { wireViewer } from "./drawings.js";
import { guardPage } from "./files.js";
import * as form from "./form.js";
import { describe, offer } from "./models.js";
import { clock, counted } from "./numbers.js";
import { clearProblem, tell } from "./problem.js";
import * as single from "./single.js";
import { tokenIsAsked, wireToken } from "./token.js";

const LOOK = 15000; // ms between two looks for a new version
const RECENT = 5000; // a look on return to the page is spared so soon after the last

let served = { models: [], limits: {} };
let chosen = "";
let looking = false;
let lookedAt = 0;
const seen = new Map(); // "name version" → model, so that an answer finds the facts of its own version

const state = {
  model: () => served.models.find((model) => model.name === chosen) ?? null,
  limits: () => served.limits,
  find: (name, version) => seen.get(key(name, version)) ?? null,
};

const key = (name, version) => JSON.stringify([name, String(version)]);

function start() {
  guardPage();
  wireViewer();
  wireToken(() => load({ first: true }));
  single.wire(state);
  batch.wire(state);
  byId("model").addEventListener("change", () => choose(byId("model").value));
  document.addEventListener("visibilitychange", again);
  window.addEventListener("focus", again);
  window.addEventListener("beforeprint", openForPaper);
  setInterval(again, LOOK);
  load({ first: true });
}

/** Look once more, but not while nobody looks, nor while a token is asked for. */
function again() {
  if (document.hidden || tokenIsAsked() || Date.now() - lookedAt < RECENT) return;
  load({ first: false });
}

async function load({ first }) {
  if (looking) return;
  looking = true;
  lookedAt = Date.now();
  try {
    take(await ask("/models"));
  } catch (problem) {
    unanswered(problem, first);
  } finally {
    looking = false;
  }
}

function unanswered(problem, first) {
  if (!problem.title) throw problem;
  if (problem.status === 401) {
    replace(byId("models-status"), hasToken() ? "" : "The service tells its models once it has a token.");
    return;
  }
  if (first) {
    replace(byId("models-status"));
    tell(byId("models-problem"), problem);
    return;
  }
  if (byId("models-problem").childElementCount) return;
  replace(byId("connection"), `The service did not answer at ${clock(new Date())}: ${problem.title}. What stands here may be out of date; it is asked again every few seconds.`);
  show(byId("connection"));
}

function take(found) {
  const before = JSON.stringify(served);
  const old = state.model();
  clearProblem(byId("models-problem"));
  show(byId("connection"), false);
  if (JSON.stringify(found) === before) return;
  served = found;
  for (const model of found.models) seen.set(key(model.name, model.version), model);
  if (!state.model()) chosen = found.models[0]?.name ?? "";
  offer(found.models, chosen);
  replace(byId("models-status"), found.models.length ? `${counted(found.models.length, "model")} served.` : "No model is served. Ask whoever runs the service to start it with a registered one.");
  changedFrom(old);
  refresh(old);
}

/** Say that the chosen model is another one than a moment ago. */
function changedFrom(old) {
  const now = state.model();
  if (!old || (now && now.name === old.name && now.version === old.version && now.alias === old.alias)) return;
  const words = now?.name === old.name
    ? `${now.name} is now version ${now.version}${now.alias ? `, ${now.alias}` : ""}; it was version ${old.version}.`
    : `${old.name} is no longer served.${now ? ` ${now.name} is chosen in its place.` : ""}`;
  replace(byId("model-changed"), words);
  show(byId("model-changed"));
}

function choose(name) {
  const old = state.model();
  chosen = name;
  show(byId("model-changed"), false);
  refresh(old);
}

/** Show the chosen model; the form is built anew only where its fields differ, lest somebody's typing is disturbed. */
function refresh(old) {
  const model = state.model();
  for (const id of ["form", "batch-form"]) show(byId(id), Boolean(model));
  replace(byId("model-facts"));
  if (!model) return;
  describe(byId("model-facts"), model);
  if (JSON.stringify(old?.inputs) !== JSON.stringify(model.inputs)) form.build(byId("fields"), model, served.limits);
  batch.describe(model, served.limits);
  single.compare();
}

/** Paper cannot be unfolded. */
function openForPaper() {
  const folded = [...document.querySelectorAll("#answer details:not([open])")];
  for (const one of folded) one.open = true;
  window.addEventListener("afterprint", () => { for (const one of folded) one.open = false; }, { once: true });
}

start();
