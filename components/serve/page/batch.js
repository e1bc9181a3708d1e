/* Many patients: a table and a zip go in, a table comes out, and the count shows while it runs. */

import { ask } from "./api.js";
import { columnsTable, template } from "./batch_columns.js";
import { progress, running, state, uploaded } from "./batch_view.js";
import { byId, focusOn, replace, save, show } from "./dom.js";
import { fileControl, tooLarge } from "./files.js";
import { bytes, count, counted, known, seconds } from "./numbers.js";
import { clearProblem, tell, tellMistakes } from "./problem.js";

const PAUSE = 1000; // ms between two looks
const LOST = 300; // looks in a row without an answer, then it is an error
const WAITED_FOR = new Set([0, 401, 429, 502, 503, 504]); // no network, no token yet, busy: the batch runs on meanwhile
const OVER = new Set(["done", "failed", "cancelled"]);

let service = null;
let sources = null; // the controls of table and zip
let job = null;
let stop = null; // an AbortController from the first byte to the end

export function wire(page) {
  service = page;
  byId("batch-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("batch-cancel").addEventListener("click", cancel);
  byId("batch-download").addEventListener("click", download);
  byId("template").addEventListener("click", () =>
    save(template(service.model()), `${service.model().name}-table.csv`),
  );
  const limit = () => service.limits().batch_bytes;
  sources = [
    fileControl(
      { name: "table", title: "Table", required: true, accept: [".csv"], hint: "CSV with a line of column names." },
      "batch-table",
      limit,
    ),
    fileControl(
      {
        name: "files",
        title: "Files",
        accept: [".zip"],
        hint: "One zip with the files that the table names; leave it out where it names none.",
      },
      "batch-files",
      limit,
    ),
  ];
  replace(
    byId("batch-fields"),
    sources.map((one) => one.element),
  );
}

/** Show what the chosen model's table has to look like. */
export function describe(model, limits) {
  replace(byId("batch-columns-body"), columnsTable(model));
  const most = [
    limits.batch_rows ? counted(limits.batch_rows, "row") : "",
    limits.batch_bytes ? bytes(limits.batch_bytes) : "",
  ].filter(Boolean);
  replace(byId("batch-limits"), most.length ? `At most ${most.join(" and ")}.` : "");
}

function mistakes() {
  const [table, zip] = sources.map((one) => one.files());
  if (!table.length) return [{ id: "batch-table", message: "Table is needed." }];
  const size = [...table, ...zip].reduce((sum, file) => sum + file.size, 0);
  const limit = service.limits().batch_bytes;
  return limit && size > limit
    ? [{ id: "batch-files", message: tooLarge("Table and zip together", size, limit).replace(" has ", " have ") }]
    : [];
}

async function start() {
  if (stop) return;
  const wrong = mistakes();
  if (wrong.length) {
    tellMistakes(byId("batch-problem"), wrong);
    return;
  }
  clearProblem(byId("batch-problem"));
  stop = new AbortController();
  running(true);
  try {
    job = await ask("/predict/batch", { method: "POST", body: parts(), signal: stop.signal, onUpload: uploaded });
    await watch(stop.signal);
  } catch (problem) {
    failed(problem);
  } finally {
    stop = null;
    running(false);
  }
}

function parts() {
  const data = new FormData();
  data.append("model", service.model().name);
  for (const one of sources) for (const file of one.files()) data.append(one.input.name, file, file.name);
  return data;
}

/** Look at the job until it is over; a connection lost for a moment is waited for. */
async function watch(signal) {
  const path = `/predict/batch/${encodeURIComponent(job.id)}`;
  let lost = 0;
  progress(job);
  while (!OVER.has(job.status)) {
    await pause(signal);
    try {
      job = await ask(path, { signal });
      lost = 0;
      progress(job);
    } catch (problem) {
      lost += 1;
      if (problem.cancelled || !WAITED_FOR.has(problem.status) || lost >= LOST) throw problem;
      replace(
        byId("batch-status"),
        "The service does not answer at the moment; looking again. The batch may run on meanwhile.",
      );
    }
  }
  ended();
}

function pause(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

function ended() {
  if (job.status !== "done") {
    tell(byId("batch-problem"), {
      title: `The batch ${job.status === "failed" ? "failed" : "was cancelled"}`,
      detail: job.detail || "The service gave no reason.",
    });
    return;
  }
  const kept = known(job.kept_seconds)
    ? ` The service keeps the result for ${seconds(job.kept_seconds)}; a reload of this page forgets it.`
    : "";
  state(
    "done",
    `Done: ${counted(job.rows, "row")}, of which ${count(job.refused)} refused and ${count(job.abstained)} abstained.${kept}`,
  );
  show(byId("batch-download"), Boolean(job.result));
  if (document.activeElement === byId("batch-cancel") || document.activeElement === document.body)
    focusOn(byId("batch-download"));
}

function failed(problem) {
  if (problem.cancelled) {
    state("cancelled", "Cancelled.");
    return;
  }
  state("failed", "");
  tell(byId("batch-problem"), problem);
}

async function cancel() {
  const id = job && !OVER.has(job.status) ? job.id : null;
  stop?.abort();
  job = null;
  show(byId("batch-counts"), false);
  byId("batch-send").disabled = false;
  byId("batch-send").focus();
  if (!id) return;
  try {
    await ask(`/predict/batch/${encodeURIComponent(id)}`, { method: "DELETE", as: "none" });
    state("cancelled", "Cancelled: the service has forgotten this batch.");
  } catch (problem) {
    tell(byId("batch-problem"), problem);
  }
}

async function download() {
  clearProblem(byId("batch-problem"));
  try {
    const found = await ask(job.result, { as: "blob" });
    save(found, `${job.model}-${job.version}-results.csv`);
    replace(byId("batch-status"), `Saved: ${job.model}-${job.version}-results.csv.`);
  } catch (problem) {
    tell(byId("batch-problem"), problem);
  }
}
