/* A request that runs: a bar with the seconds gone by, a way to cancel it, and a few words for those who listen. */

import { byId, replace, show } from "./dom.js";
import { counted, seconds } from "./numbers.js";

const SPOKEN = 15; // seconds between two announcements

/**
 * Return a runner over the elements `<prefix>progress`, `-bar`, `-text`, `-status` and the buttons.
 * @param {object} ids - box, bar, text, status, start and cancel: ids of the elements.
 */
export function runner(ids) {
  const part = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, byId(id)]));
  let controller = null;
  let timer = 0;
  part.cancel.addEventListener("click", () => controller?.abort());

  /** Run `action({signal, onUpload})`; null while another one runs. When its turn comes, from which the limit counts, nobody tells. */
  async function run(words, limit, action) {
    if (controller) return null;
    controller = new AbortController();
    const upload = { share: 0 };
    begin(words, limit, upload);
    try {
      return await action({
        signal: controller.signal,
        onUpload: (share) => {
          upload.share = share;
        },
      });
    } finally {
      end();
    }
  }

  function begin(words, limit, upload) {
    const began = Date.now();
    part.start.disabled = true;
    show(part.cancel);
    show(part.box);
    part.cancel.focus();
    part.bar.removeAttribute("value");
    replace(part.status, words);
    const tick = () => update(Math.round((Date.now() - began) / 1000), limit, upload);
    tick();
    timer = setInterval(tick, 1000);
  }

  function update(gone, limit, upload) {
    const most = limit ? `; at most ${limit} from its turn on` : "";
    const sent = upload.share > 0 && upload.share < 1;
    const now = sent
      ? `Sending: ${Math.round(upload.share * 100)}\u00a0%`
      : `Waiting for its turn or at work: ${counted(gone, "second")} gone${most}`;
    if (sent) part.bar.value = upload.share;
    else part.bar.removeAttribute("value");
    replace(part.text, now);
    if (gone && gone % SPOKEN === 0) replace(part.status, `Still no answer after ${seconds(gone)}.`);
  }

  function end() {
    clearInterval(timer);
    controller = null;
    const had = document.activeElement === part.cancel;
    part.start.disabled = false;
    show(part.cancel, false);
    show(part.box, false);
    if (had) part.start.focus();
  }

  return { run, running: () => controller !== null, say: (words) => replace(part.status, words) };
}
