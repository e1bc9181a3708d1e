/* How far a batch is, in a bar, in figures and in a sentence. */

import { byId, facts, replace, show } from "./dom.js";
import { count, counted, known, seconds } from "./numbers.js";

const STATES = {
  queued: "Waiting for its turn",
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Show that a batch begins or ends. */
export function running(on) {
  byId("batch-send").disabled = on;
  show(byId("batch-cancel"), on);
  show(byId("batch-progress"), on);
  if (!on) return;
  show(byId("batch-download"), false);
  show(byId("batch-counts"), false);
  state("sending", "Sending the table.");
  byId("batch-cancel").focus();
  byId("batch-bar").removeAttribute("value");
  replace(byId("batch-text"), "Sending");
}

export function uploaded(share) {
  byId("batch-bar").value = share;
  replace(
    byId("batch-text"),
    share < 1 ? `Sending: ${Math.floor(share * 100)}\u00a0%` : "Sent; the service looks at the table",
  );
}

/** Show how far a job is. */
export function progress(job) {
  const { rows, done } = job;
  if (rows > 0) byId("batch-bar").value = Math.min(1, done / rows);
  else byId("batch-bar").removeAttribute("value");
  const speed =
    known(job.per_second) && job.per_second > 0
      ? `${job.per_second.toFixed(job.per_second < 10 ? 1 : 0)} per second`
      : "";
  const left = known(job.seconds_left) ? `${seconds(job.seconds_left)} left` : "";
  replace(byId("batch-text"), [`${count(done)} of ${counted(rows, "row")}`, speed, left].filter(Boolean).join(", "));
  counts(job);
  const tenth = rows > 0 ? Math.floor((done / rows) * 10) * 10 : 0;
  state(
    job.status,
    job.status === "running" ? `${STATES.running}: ${tenth}\u00a0% done.` : `${STATES[job.status] ?? job.status}.`,
  );
}

function counts(job) {
  const dl = facts([
    ["Model", `${job.model}, version ${job.version}`],
    ["Rows", `${count(job.done)} of ${count(job.rows)}`],
    ["Refused", count(job.refused)],
    ["Abstained", count(job.abstained)],
    ["Job", job.id],
  ]);
  replace(byId("batch-counts"), ...dl.childNodes);
  show(byId("batch-counts"));
}

/** Tell the state; the words are put in only when they differ, so that they are read out once. */
export function state(name, words) {
  byId("batch").dataset.state = name;
  if (byId("batch-status").textContent !== words) replace(byId("batch-status"), words);
}
