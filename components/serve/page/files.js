/* Files of an input: chosen by a button or dropped, shown with name and size, and taken away again. */

import { el, replace } from "./dom.js";
import { bytes } from "./numbers.js";

/**
 * Return the control of a file input, with `files()` beside what every control has.
 * @param {object} input - of the model: title, several, accept, hint.
 * @param {string} id - of the file input.
 * @param {() => number|undefined} limit - bytes that one request may have.
 */
export function fileControl(input, id, limit) {
  const parts = pieces(input, id);
  let chosen = [];
  const changed = (files) => {
    chosen = files;
    list(parts.list, chosen, (at) => { changed(chosen.toSpliced(at, 1)); parts.own.focus(); });
    parts.own.dispatchEvent(new Event("filechange", { bubbles: true }));
  };
  const add = (files) => {
    const { taken, refused } = weighed([...files], input, limit());
    replace(parts.remark, refused);
    if (taken.length) changed(input.several ? [...chosen, ...taken] : taken);
  };
  parts.own.addEventListener("change", () => { add([...parts.own.files]); parts.own.value = ""; });
  dropping(parts.zone, add);
  return {
    id, input, element: parts.element, files: () => chosen,
    take: () => (chosen.length ? { value: chosen } : {}),
    echo: () => chosen.map((file) => `${file.name} (${bytes(file.size)})`).join(", "),
    state: () => chosen,
    restore: (files) => { replace(parts.remark); changed(files ?? []); },
  };
}

function pieces(input, id) {
  const title = input.title || input.name;
  const own = el("input", { type: "file", id, class: "visually-hidden", accept: (input.accept ?? []).join(",") || null,
    multiple: input.several, "aria-describedby": `${id}-hint ${id}-remark ${id}-list` });
  const button = el("label", { for: id, class: "button" }, input.several ? "Choose files" : "Choose a file",
    el("span", { class: "visually-hidden" }, `: ${title}`));
  const remark = el("p", { class: "remark wrong", id: `${id}-remark`, role: "alert" });
  const chosen = el("ul", { class: "files", id: `${id}-list`, "aria-label": `Chosen for ${title}` });
  const zone = el("div", { class: "drop" }, el("p", { class: "drop-title" }, title, input.required ? el("span", { class: "need" }, " (needed)") : null),
    own, button, el("span", { class: "or" }, input.several ? "or drop them here" : "or drop it here"),
    chosen, el("p", { class: "hint", id: `${id}-hint` }, input.hint ?? ""), remark);
  return { own, zone, remark, list: chosen, element: el("div", { class: "field wide" }, zone) };
}

function list(place, chosen, remove) {
  replace(place, chosen.map((file, at) => {
    const away = el("button", { type: "button" }, "Take away", el("span", { class: "visually-hidden" }, ` ${file.name}`));
    away.addEventListener("click", () => remove(at));
    return el("li", {}, el("span", { class: "file-name" }, file.name), el("span", { class: "size" }, bytes(file.size)), away);
  }));
}

/** Return the files that may be sent, and a sentence on those that may not. */
function weighed(files, input, limit) {
  if (!input.several && files.length > 1) {
    return { taken: [], refused: `${files.length} files at once: give one for ${input.title || input.name}.` };
  }
  const heavy = files.find((file) => limit && file.size > limit);
  const empty = files.find((file) => file.size === 0);
  const taken = files.filter((file) => file.size > 0 && !(limit && file.size > limit));
  if (heavy) return { taken, refused: tooLarge(heavy.name, heavy.size, limit) };
  return { taken, refused: empty ? `${empty.name} is empty; choose another file.` : "" };
}

/** Return the sentence on something too large to send. */
export const tooLarge = (name, size, limit) =>
  `${name} has ${bytes(size)}; the service takes at most ${bytes(limit)} at once.`;

function dropping(zone, add) {
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) add(event.dataTransfer.files);
  });
}

/** A file dropped beside a field would open in place of this page, and all that was filled in would be lost. */
export function guardPage() {
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
}
