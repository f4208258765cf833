/** What the small components of the page share: texts, following `value`, and going quietly. */
import { onRemoved } from "../dom.js";
import { fillTexts, loadTexts } from "../texts.js";

/** Calls start(root) once and change(value) now and on every change that Python makes. */
export async function attach(element, { props, watch }, { start, change, stop = () => {} }) {
  await loadTexts();
  fillTexts(element);
  start(element);
  watch("value", () => change(props.value ?? {}));
  change(props.value ?? {});
  onRemoved(element, stop);
}

export const parts = (element) =>
  Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
