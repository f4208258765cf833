/**
 * Guidelines as people write them, in blocks to be shown: a small part of Markdown, and everything else as it stands.
 *
 * Lines that begin with #, ## or ### are headings, lines that begin with - or * are points, lines that begin with a
 * number and a dot are numbered points; an empty line ends a paragraph; **two stars** make words strong. There are no
 * links, pictures or markup: whoever shows the blocks sets texts.
 *
 * block = {kind: "heading" | "text" | "points" | "numbers", level, lines: [[{text, strong}]]}
 */
const KINDS = [
  { kind: "heading", pattern: /^(#{1,3})\s+(.*)$/ },
  { kind: "points", pattern: /^\s*([-*])\s+(.*)$/ },
  { kind: "numbers", pattern: /^\s*(\d+)[.)]\s+(.*)$/ },
];

export function parseGuidelines(text) {
  const blocks = [];
  let open = null; // the block that the next line may go on
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const found = KINDS.find(({ pattern }) => pattern.test(line));
    if (!line.trim()) {
      open = null;
      continue;
    }
    const [, mark, rest] = found ? line.match(found.pattern) : [null, "", line.trim()];
    const kind = found?.kind ?? "text";
    if (kind === "heading" || open?.kind !== kind) {
      open = { kind, level: kind === "heading" ? mark.length : 0, lines: [] };
      blocks.push(open);
    }
    open.lines.push(parseStrong(rest.trim()));
    if (kind === "heading") open = null;
  }
  return blocks;
}

/** A line in pieces: {text, strong}. Stars without a partner stay as they are. */
export function parseStrong(line) {
  const pieces = line.split(/\*\*(?=\S)((?:(?!\*\*).)+)(?<=\S)\*\*/);
  return pieces.map((text, i) => ({ text, strong: i % 2 === 1 })).filter(({ text }) => text);
}
