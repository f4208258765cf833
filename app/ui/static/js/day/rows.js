/** Rows of images in the panel: a thumbnail, the name and a line about it; a click opens the image. */
import { ago } from "../core/recent.js";
import { make } from "../dom.js";
import { BASE } from "../net/api.js";
import { t } from "../texts.js";

export const thumbnail = (id) => new URL(`items/${id}/thumbnail`, BASE).href;

/** facts = {id, name, line, tags: [text], current}. */
export function imageRow({ id, name, line, tags = [], current = false }, onOpen) {
  const button = make("button", { type: "button", class: "fc-image-row", "data-item": id, "aria-current": current && "true" });
  const words = make("span", { class: "fc-words" });
  words.append(make("bdi", { class: "fc-tail", dir: "ltr", text: name }), make("span", { class: "fc-quiet", text: line }));
  button.title = name;
  button.append(make("img", { src: thumbnail(id), alt: "", width: 40, height: 40, loading: "lazy" }), words);
  for (const text of tags) button.append(make("span", { class: "fc-tag", text }));
  button.addEventListener("click", onOpen);
  return make("li", {}, button);
}

export const agoText = (iso) => {
  const { unit, count } = ago(Date.parse(iso), Date.now());
  return t(`day.ago.${unit}`, { count });
};
