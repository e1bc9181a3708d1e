/* How an error is told: what, why, what to do; the focus moves to it. */

import { address } from "./api.js";
import { el, focusOn, linkTo, replace } from "./dom.js";
import { clock, seconds } from "./numbers.js";

/** Show a problem in `place` and move the focus to it; anything but a problem is thrown on, to faults.js. */
export function tell(place, problem, { go = null, heading = "h3" } = {}) {
  if (!problem.title) throw problem;
  const box = el(
    "div",
    {
      class: "message problem",
      role: "alert",
      tabindex: "-1",
      "data-code": problem.code || null,
      "data-status": problem.status || null,
    },
    el(heading, {}, problem.title),
    problem.detail ? el("p", {}, problem.detail) : null,
    advice(problem),
    fieldLink(problem, go),
    more(problem),
  );
  replace(place, box);
  if (problem.status !== 401) focusOn(box); // there the token's field has the focus
}

/** Tell several mistakes in a form at once, each with a way to its field. */
export function tellMistakes(place, mistakes) {
  const items = mistakes.map(({ message, id }) => el("li", {}, linkTo(id, message)));
  const box = el(
    "div",
    { class: "message problem", role: "alert", tabindex: "-1", "data-code": "form" },
    el(
      "h3",
      {},
      mistakes.length === 1
        ? "Nothing was sent: one thing to mend"
        : `Nothing was sent: ${mistakes.length} things to mend`,
    ),
    el("ul", {}, items),
  );
  replace(place, box);
  focusOn(box);
}

export const clearProblem = (place) => replace(place);

function advice(problem) {
  if (problem.retryAt) {
    const left = Math.max(0, (problem.retryAt.getTime() - Date.now()) / 1000);
    return el(
      "p",
      { class: "advice" },
      `Try again in ${seconds(left)}, at ${clock(problem.retryAt)}. What you filled in stays.`,
    );
  }
  if (problem.status === 401)
    return el("p", { class: "advice" }, "Give the token above, then send again. What you filled in stays.");
  if (problem.status === 413)
    return el("p", { class: "advice" }, "Send a smaller file, or one recording instead of a whole collection.");
  return null;
}

function fieldLink(problem, go) {
  const target = problem.field && go ? go(problem.field) : null;
  if (!target) return problem.field ? el("p", {}, `Field: ${problem.field}`) : null;
  return el("p", {}, linkTo(target.id, `Go to the field: ${target.title}`));
}

function more(problem) {
  const page = address(problem.type);
  if (!page) return problem.code ? el("p", { class: "note" }, `Code: ${problem.code}`) : null;
  const link = el("a", { href: page, target: "_blank", rel: "noopener" }, "What this means and what to do (new tab)");
  return el("p", {}, link, problem.code ? ` · code: ${problem.code}` : null);
}
