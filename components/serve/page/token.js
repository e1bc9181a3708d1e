/* The token that a service may ask for: kept for this tab, sent with every request, shown nowhere. */

import { forgetToken, hasToken, keepToken, whenTokenIsAsked } from "./api.js";
import { byId, focusOn, replace, show } from "./dom.js";

/** Wire the panel; `retry` is called with a new token. */
export function wireToken(retry) {
  whenTokenIsAsked(askFor);
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    use(retry);
  });
  byId("forget").addEventListener("click", () => {
    forgetToken();
    askFor(false);
  });
  show(byId("forget"), hasToken());
}

export const tokenIsAsked = () => !byId("token-panel").hidden;

function askFor(refused) {
  const open = tokenIsAsked();
  forgetToken();
  show(byId("token-panel"));
  show(byId("forget"), false);
  if (refused) replace(byId("token-problem"), "The service did not take this token. Give another one.");
  if (!open || refused) queueMicrotask(() => focusOn(byId("token")));
}

function use(retry) {
  const value = byId("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(value)) {
    replace(byId("token-problem"), value ? "A token has no spaces and no letters beyond English ones." : "Give the token first.");
    byId("token").focus();
    return;
  }
  keepToken(value);
  byId("token").value = "";
  replace(byId("token-problem"));
  show(byId("token-panel"), false);
  show(byId("forget"));
  retry();
}
