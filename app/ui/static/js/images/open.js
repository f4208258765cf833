/** From any tab to an image: asks the annotation page to open it. */
import { t } from "../texts.js";

const EVENT = "fewclick:open";

export function openInAnnotate(itemId) {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.find((tab) => tab.textContent.trim() === t("app.tabs.annotate"))?.click();
  document.dispatchEvent(new CustomEvent(EVENT, { detail: itemId }));
}

/** Calls run(itemId) when an image is asked for; returns what stops it. */
export function onOpenAsked(run) {
  const asked = (event) => run(event.detail);
  document.addEventListener(EVENT, asked);
  return () => document.removeEventListener(EVENT, asked);
}
