/* The page: asks which models there are, builds the form of the chosen one, and looks now and then for a new version. */

import { ask, hasToken } from "./api.js";
import * as batch from "./batch.js";
import { byId, replace, show } from "./dom.js";
import { wireViewer } from "./drawings.js";
import { watchFaults } from "./faults.js";
import { guardPage } from "./files.js";
import * as form from "./form.js";
import { change, describe, isReady, offer, tally } from "./models.js";
import { clock } from "./numbers.js";
import { clearProblem, tell } from "./problem.js";
import * as single from "./single.js";
import { tokenIsAsked, wireToken } from "./token.js";

const LOOK = 15000; // ms between two looks for a new version
const PATIENCE = 3000; // ms that an answer waits at most for the facts of its version
const RECENT = 5000; // a look on return to the page is spared so soon after the last

let served = { models: [], limits: {} };
let chosen = "";
let looking = null; // a promise, while the service is asked for its models
let lookedAt = 0;
let heardAt = 0; // when it was asked what it answered last
const seen = new Map(); // "name version" → model, so that an answer finds the facts of its own version

const state = {
  model: () => served.models.find((model) => model.name === chosen) ?? null,
  limits: () => served.limits,
  find: (name, version) => seen.get(key(name, version)) ?? null,
  heardAt: () => heardAt,
  catchUp,
};

const key = (name, version) => JSON.stringify([name, String(version)]);

function start() {
  watchFaults();
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

function load({ first }) {
  looking ??= look(first).finally(() => {
    looking = null;
  });
  return looking;
}

async function look(first) {
  lookedAt = Date.now();
  try {
    const found = await ask("/models");
    heardAt = lookedAt;
    take(found);
  } catch (problem) {
    unanswered(problem, first);
  }
}

/** Ask for the models where one answered by another version than the page knows of: its alias has moved since. */
async function catchUp({ model: name, version }, answeredAt) {
  const patience = new Promise((resolve) => {
    setTimeout(resolve, PATIENCE);
  });
  const behind = () =>
    heardAt < answeredAt && !served.models.some((model) => model.name === name && model.version === version);
  // Twice: a look that is under way may have begun before the alias moved.
  for (let tries = 0; tries < 2 && behind(); tries += 1) await Promise.race([load({ first: false }), patience]);
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
  replace(
    byId("connection"),
    `The service did not answer at ${clock(new Date())}: ${problem.title}. What stands here may be out of date; it is asked again every few seconds.`,
  );
  show(byId("connection"));
}

function take(found) {
  const before = JSON.stringify(served);
  const old = state.model();
  clearProblem(byId("models-problem"));
  show(byId("connection"), false);
  if (JSON.stringify(found) === before) {
    single.compare();
    return;
  }
  served = found;
  for (const model of found.models) seen.set(key(model.name, model.version), model);
  if (!state.model()) chosen = (found.models.find(isReady) ?? found.models[0])?.name ?? "";
  offer(found.models, chosen);
  replace(byId("models-status"), tally(found.models));
  changedFrom(old);
  refresh(old);
}

/** Say that the chosen model is another one than a moment ago. */
function changedFrom(old) {
  const words = old ? change(old, state.model()) : "";
  if (!words) return;
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
  const ready = model !== null && isReady(model);
  for (const id of ["form", "batch-form"]) show(byId(id), ready);
  replace(byId("model-facts"));
  if (model) describe(byId("model-facts"), model);
  if (ready) {
    if (JSON.stringify(old?.inputs) !== JSON.stringify(model.inputs)) form.build(byId("fields"), model, served.limits);
    batch.describe(model, served.limits);
  }
  single.compare();
}

/** Paper cannot be unfolded; the least of many contributions, which are folded away for their number, stay so. */
function openForPaper() {
  const folded = [...document.querySelectorAll("#answer details:not([open], .rest)")];
  for (const one of folded) one.open = true;
  window.addEventListener(
    "afterprint",
    () => {
      for (const one of folded) one.open = false;
    },
    { once: true },
  );
}

start();
