/** Draws SVG: pen(svg)(tag, attributes, text) appends a node and returns it; `titled` gives one a line on hover. */
const SVG = "http://www.w3.org/2000/svg";

export const pen = (svg) => (tag, attributes, text) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  svg.append(node);
  return node;
};

export function titled(node, text) {
  node.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: text }));
}
