/* Small helpers that build elements. Text goes in as text: nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Return a new element; `attributes` with null or false are left out, true stands empty. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return a new element of an inline drawing. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

export function show(element, visible = true) {
  element.hidden = !visible;
}

/** Move the focus there, and the element into view below the notice. */
export function focusOn(element) {
  if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "start", behavior: "auto" });
}

/** Focus a field, and open what it is folded into. */
export function reach(id) {
  const field = byId(id);
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

/** Return a link that focuses a field. */
export function linkTo(id, words) {
  const link = el("a", { href: `#${id}` }, words);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    reach(id);
  });
  return link;
}

/** Return a list of terms; pairs with an empty description are left out. */
export function facts(pairs) {
  const said = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return el("dl", { class: "facts" }, said.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat());
}

/** Return a table in a frame that scrolls sideways; the first cell of a row is its header. */
export function table(caption, heads, rows, { numeric = true } = {}) {
  const head = el("tr", {}, heads.map((name) => el("th", { scope: "col" }, name)));
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", {}, cell))));
  const own = el("table", { class: numeric ? "counts" : null },
    el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body));
  return scroller(own, caption);
}

/** Return a frame whose content a keyboard can scroll. */
export function scroller(content, name) {
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Table: ${name}` }, content);
}

/** Offer a blob as a file to save. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
