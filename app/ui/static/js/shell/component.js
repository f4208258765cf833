/** What the small components of the page share: texts, following `value`, and going quietly. */
import { onRemoved } from "../dom.js";
import { fillTexts, loadTexts } from "../texts.js";

/** Calls start(root) once, change(value) now and on every change that Python makes, and seen() when it comes in sight. */
export async function attach(element, { props, watch }, { start, change, seen = () => {}, stop = () => {} }) {
  await loadTexts();
  fillTexts(element);
  start(element);
  watch("value", () => change(props.value ?? {}));
  change(props.value ?? {});
  const sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && seen());
  sight.observe(element);
  onRemoved(element, () => {
    sight.disconnect();
    stop();
  });
}

export const parts = (element) =>
  Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
