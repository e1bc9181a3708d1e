/* What the controls of a form have in common. */

import { el } from "./dom.js";
import { plain } from "./numbers.js";

export function label(input, id) {
  return el(
    "label",
    { for: id },
    input.title || input.name,
    input.required ? el("span", { class: "need" }, " (needed)") : null,
  );
}

export function hint(input, id, words) {
  const said = [input.hint, words].filter(Boolean).join(" ");
  return el("p", { class: "hint", id: `${id}-hint` }, said);
}

/** Return the words for bounds beyond which the service takes no number. */
export const within = ({ low, high }) => `a number from ${plain(low)} to ${plain(high)}`;

export const describedBy = (id) => ({ "aria-describedby": `${id}-hint ${id}-remark`, "aria-invalid": null });

/** Return what a control with one value has; `take` and `echo` read it. */
export function simple(
  own,
  {
    take,
    echo,
    set = (value) => {
      own.value = value;
    },
  },
) {
  return {
    take,
    echo,
    state: () => own.value,
    restore: (value) => {
      set(value ?? "");
      own.dispatchEvent(new Event("input"));
    },
  };
}
