/** Guidelines as elements: every word is set as text, so that nothing in them can act. */
import { parseGuidelines } from "../core/guidelines.js";
import { make } from "../dom.js";

const LISTS = { points: "ul", numbers: "ol" };

export function guideElements(text) {
  return parseGuidelines(text).map(({ kind, level, lines }) => {
    const pieces = lines.map((line) => line.map(({ text: words, strong }) => make(strong ? "strong" : "span", { text: words })));
    if (kind in LISTS) return make(LISTS[kind], {}, ...pieces.map((line) => make("li", {}, ...line)));
    if (kind === "heading") return make(`h${level + 2}`, {}, ...pieces[0]);
    return make("p", {}, ...pieces.flatMap((line, i) => (i ? [make("br"), ...line] : line)));
  });
}
