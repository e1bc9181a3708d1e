/* One patient: send, cancel, show the answer, explain it. */

import { answerView, spoken } from "./answer.js";
import { ask } from "./api.js";
import { byId, focusOn, replace, show } from "./dom.js";
import { release } from "./drawings.js";
import { explanationView } from "./explanation.js";
import * as form from "./form.js";
import { isReady } from "./models.js";
import { moment, seconds } from "./numbers.js";
import { clearProblem, tell, tellMistakes } from "./problem.js";
import { runner } from "./progress.js";

let shown = null; // {answer, sent, facts} of the answer on the page; facts of its version, null while not known
let question = 0; // counts, so that a late explanation of an earlier answer is dropped
let service = null;
let predicting = null;
let explaining = null;

/** Wire the form; `state` has `model()`, `limits()`, `find(name, version)`, `heardAt()` and `catchUp(answer, time)`. */
export function wire(state) {
  service = state;
  predicting = runner({
    box: "progress",
    bar: "progress-bar",
    text: "progress-text",
    status: "status",
    start: "send",
    cancel: "cancel",
  });
  explaining = runner({
    box: "explain-progress",
    bar: "explain-bar",
    text: "explain-text",
    status: "explain-status",
    start: "explain",
    cancel: "explain-cancel",
  });
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    predict();
  });
  for (const kind of ["input", "change", "filechange"]) byId("form").addEventListener(kind, () => compare());
  byId("explain").addEventListener("click", explain);
  byId("print").addEventListener("click", () => window.print());
  byId("clear").addEventListener("click", clear);
}

/** Say whether the answer on the page belongs to what now stands in the form, and show what has been learnt of its version. */
export function compare() {
  const model = service.model();
  if (shown && !shown.facts && factsOf(shown.answer)) draw();
  if (!shown || !model) return;
  const other = otherModel(model, shown);
  const words = [
    other,
    form.signature() === shown.sent.signature
      ? ""
      : "The inputs have changed since. This answer is of the earlier ones, which stand below under “What was sent”.",
  ]
    .filter(Boolean)
    .join(" ");
  document.body.dataset.model = other ? "other" : "same";
  byId("answer").dataset.stale = String(Boolean(words));
  if (byId("stale").textContent !== words) replace(byId("stale"), words);
  show(byId("stale"), Boolean(words));
}

const factsOf = ({ model, version }) => service.find(model, version);

function otherModel(model, { answer: { model: name, version }, sent }) {
  const own = `this answer is of ${name}, version ${version}.`;
  if (model.name !== name) return `${model.name} is chosen now; ${own}`;
  if (!isReady(model)) return `${name} is not ready now; ${own}`;
  // What was heard before the answer came says nothing of what is served now.
  if (model.version === version || service.heardAt() < sent.at) return "";
  return `The service has version ${model.version} of this model now; this answer is of version ${version}.`;
}

function clear() {
  form.empty();
  clearProblem(byId("form-problem"));
  predicting.say("The form is empty.");
  compare();
}

async function predict() {
  if (predicting.running()) return;
  const [model, limits, place] = [service.model(), service.limits(), byId("form-problem")];
  const wrong = form.mistakes(limits);
  if (wrong.length) {
    tellMistakes(place, wrong);
    return;
  }
  clearProblem(place);
  forget("running");
  const sent = {
    parts: form.parts(model),
    signature: form.signature(),
    fields: [["Model", model.name], ...form.echo()],
  };
  try {
    const words = "Asked; the service answers when its turn has come.";
    present(await predicting.run(words, limit(limits), (options) => answered(sent, options)), sent);
  } catch (problem) {
    failed(problem);
  }
}

async function answered(sent, options) {
  const answer = await ask("/predict", { method: "POST", body: sent.parts, ...options });
  sent.at = new Date();
  await service.catchUp(answer, sent.at);
  return answer;
}

const limit = (limits) => (limits.seconds ? seconds(limits.seconds) : "");

function present(answer, sent) {
  shown = { answer, sent, facts: null };
  draw();
  replace(byId("printed"), `Answered on ${moment(sent.at)} by ${answer.model}, version ${answer.version}.`);
  mark(answer.abstain ? "abstained" : "done");
  show(byId("explain-panel"));
  show(byId("explain"), !answer.abstain && typeof answer.probability === "number");
  predicting.say(spoken(answer));
  compare();
  focusOn(byId("answer-title"));
}

function draw() {
  shown.facts = factsOf(shown.answer);
  replace(byId("answer-body"), answerView(shown.answer, shown.facts, shown.sent));
}

function failed(problem) {
  mark(problem.cancelled ? "cancelled" : "failed");
  if (problem.cancelled) {
    predicting.say("Cancelled: there is no answer. What you filled in stays.");
    return;
  }
  predicting.say("");
  tell(byId("form-problem"), problem, { go: form.whereIs });
}

function mark(state) {
  const there = state === "done" || state === "abstained";
  byId("answer").dataset.state = state;
  document.body.dataset.answer = there ? "shown" : "none";
  show(byId("answer"), there);
  show(byId("answer-link"), there);
}

/** Let go of the answer on the page and all that belongs to it. */
function forget(state) {
  shown = null;
  question += 1;
  if (explaining.running()) byId("explain-cancel").click();
  release("answer");
  release("explanation");
  replace(byId("answer-body"));
  replace(byId("explanation-body"));
  replace(byId("printed"));
  clearProblem(byId("explain-problem"));
  for (const id of ["explanation", "stale", "explain-panel"]) show(byId(id), false);
  explaining.say("");
  mark(state);
}

async function explain() {
  if (!shown || explaining.running()) return;
  const [own, asked] = [question, shown];
  clearProblem(byId("explain-problem"));
  try {
    const found = await explaining.run(
      "Asked for the explanation; this takes longer than the answer.",
      limit(service.limits()),
      (options) => ask("/explain", { method: "POST", body: asked.sent.parts, ...options }),
    );
    if (own !== question) return;
    replace(byId("explanation-body"), explanationView(found, asked.answer).flat());
    show(byId("explanation"));
    explaining.say("The explanation is there.");
    focusOn(byId("explanation-title"));
  } catch (problem) {
    if (own === question) unexplained(problem);
  }
}

function unexplained(problem) {
  explaining.say(problem.cancelled ? "Cancelled: there is no explanation." : "");
  if (problem.cancelled) return;
  tell(byId("explain-problem"), problem, { go: form.whereIs });
}
