/* Drawings of the service. Each is shown as an image, so that nothing inside it can run or restyle the page. */

import { byId, el, replace } from "./dom.js";

const PORTRAIT_MM = 182; // what fits across A4 between the margins, upright and on its side
const LANDSCAPE_MM = 269;
const STEPS = [0.5, 0.75, 1, 1.5, 2, 3, 4];

let zoom = 2;
const urls = new Map(); // group → object URLs

/** Return the figures of some drawings; the ones of the same group before are let go. */
export function figures(drawings, group, below = {}) {
  release(group);
  return (drawings ?? []).map((each) => figure(each, group, below[each.name]));
}

export function release(group) {
  for (const url of urls.get(group) ?? []) URL.revokeObjectURL(url);
  urls.set(group, []);
}

function figure(drawing, group, facts) {
  const url = URL.createObjectURL(new Blob([drawing.svg], { type: "image/svg+xml" }));
  urls.get(group).push(url);
  const picture = el("img", { src: url, alt: drawing.alt || drawing.title });
  const wide = fit(picture, drawing.svg);
  const enlarge = el("button", { type: "button" }, "Enlarge", el("span", { class: "visually-hidden" }, `: ${drawing.title}`));
  enlarge.addEventListener("click", () => open(drawing, url));
  const keep = el("a", { href: url, download: `${drawing.name}.svg` }, "Save as SVG", el("span", { class: "visually-hidden" }, `: ${drawing.title}`));
  return el("figure", { class: `drawing ${wide}`, "data-name": drawing.name },
    el("div", { class: "picture" }, picture), el("figcaption", {}, el("strong", {}, drawing.title), facts ?? null),
    el("div", { class: "actions" }, enlarge, keep));
}

/** On paper a sheet that says its width in mm keeps it, so that 25 mm are a second; a wide one takes a page on its side. */
function fit(picture, text) {
  const millimetres = Number(/<svg[^>]*\swidth="([\d.]+)mm"/.exec(text)?.[1] ?? NaN);
  if (!(millimetres <= LANDSCAPE_MM)) return "";
  picture.style.setProperty("--true-width", `${millimetres}mm`);
  return millimetres > PORTRAIT_MM ? "true wide" : "true";
}

function open(drawing, url) {
  const image = byId("viewer-image");
  replace(byId("viewer-title"), drawing.title);
  image.src = url;
  image.alt = drawing.alt || drawing.title;
  zoom = 2;
  resize();
  byId("viewer").showModal();
  byId("viewer-close").focus();
}

function resize() {
  const scroll = byId("viewer-scroll");
  byId("viewer-image").style.width = `${STEPS[zoom] * 100}%`;
  byId("viewer-smaller").setAttribute("aria-disabled", String(zoom === 0)); // a disabled button would lose the focus
  byId("viewer-larger").setAttribute("aria-disabled", String(zoom === STEPS.length - 1));
  scroll.scrollTo(0, 0);
}

function step(by) {
  zoom = Math.min(STEPS.length - 1, Math.max(0, zoom + by));
  resize();
}

/** Wire the enlarged view; the dialog itself gives the focus back when it closes. */
export function wireViewer() {
  byId("viewer-close").addEventListener("click", () => byId("viewer").close());
  byId("viewer-larger").addEventListener("click", () => step(1));
  byId("viewer-smaller").addEventListener("click", () => step(-1));
}
