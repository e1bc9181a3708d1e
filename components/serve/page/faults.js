/* A fault of this page's own code: told where people see it, or they would wait for an answer that never comes. */

import { byId } from "./dom.js";
import { clearProblem, tell } from "./problem.js";

/** Tell whatever nothing else in the page caught, until the next thing is asked. */
export function watchFaults() {
  window.addEventListener("error", ({ error }) => told(error));
  window.addEventListener("unhandledrejection", ({ reason }) => told(reason));
  document.addEventListener("submit", () => clearProblem(byId("page-problem")), { capture: true });
}

function told(error) {
  const name = error?.message || "it has no name";
  const problem = {
    title: "This page failed",
    detail: `The fault is in the page itself (${name}). What it was about to show is not there; what you filled in stays. If trying again does not help, tell whoever runs the service.`,
  };
  tell(byId("page-problem"), problem, { heading: "h2" });
}
