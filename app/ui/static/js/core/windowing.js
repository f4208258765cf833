/** Window and level in the page: raw samples to 8-bit through a table, no round trip to the server. */

/**
 * Table from sample to grey value; the same rule as `apply_window` on the server (linear, clipped). Gamma (above 1:
 * brighter middle) and inversion are for the eye alone: the model never sees them.
 */
export function windowTable({ level, width, gamma = 1, invert = false }, size) {
  const table = new Uint8Array(size);
  const low = level - width / 2;
  const gain = 255 / Math.max(width, 1e-6);
  for (let i = 0; i < size; i++) {
    let grey = Math.max(0, Math.min(255, (i - low) * gain));
    if (gamma !== 1) grey = 255 * (grey / 255) ** (1 / gamma);
    table[i] = Math.round(invert ? 255 - grey : grey);
  }
  return table;
}

export const tableSize = (dtype) => (dtype === "uint16" ? 65536 : 256);

/** Writes opaque RGBA words (little-endian) of the box [x0, y0, x1, y1) of grey or interleaved RGB samples, `width` a row. */
export function paintSamples(samples, channels, table, words, width = words.length, [x0, y0, x1, y1] = [0, 0, width, 1]) {
  if (channels === 1) {
    const grey = new Uint32Array(table.length);
    for (let i = 0; i < table.length; i++) grey[i] = (0xff000000 | (table[i] * 0x010101)) >>> 0;
    for (let y = y0, to = 0; y < y1; y++) {
      for (let at = y * width + x0, end = y * width + x1; at < end; at++) words[to++] = grey[samples[at]];
    }
    return;
  }
  for (let y = y0, to = 0; y < y1; y++) {
    for (let at = (y * width + x0) * 3, end = (y * width + x1) * 3; at < end; at += 3) {
      const rgb = table[samples[at]] | (table[samples[at + 1]] << 8) | (table[samples[at + 2]] << 16);
      words[to++] = (0xff000000 | rgb) >>> 0;
    }
  }
}

/** Window from the 1st to the 99th percentile of the samples in the pixel box [x0, y0, x1, y1). */
export function autoWindow(samples, { width, channels, dtype }, [x0, y0, x1, y1]) {
  const histogram = new Uint32Array(tableSize(dtype));
  let n = 0;
  for (let y = y0; y < y1; y++) {
    for (let at = (y * width + x0) * channels, end = (y * width + x1) * channels; at < end; at++, n++) histogram[samples[at]]++;
  }
  if (!n) return null;
  const percentile = (share) => {
    let left = share * n;
    for (let i = 0; i < histogram.length; i++) if ((left -= histogram[i]) < 0) return i;
    return histogram.length - 1;
  };
  const low = percentile(0.01);
  const high = Math.max(low + 1, percentile(0.99));
  return { level: (low + high) / 2, width: high - low };
}

/** Drag of (dx, dy) CSS pixels: to the right widens the window, down raises the level. */
export function draggedWindow({ level, width }, dx, dy, { min, max }) {
  const step = Math.max(max - min, 1) / 600;
  const wide = Math.min(2 * (max - min), Math.max(1, width + dx * step));
  const middle = Math.min(max, Math.max(min, level + dy * step));
  return { level: round(middle), width: round(wide) };
}

export const sameWindow = (a, b) => !!a && !!b && a.level === b.level && a.width === b.width;

const round = (v) => Math.round(v * 10) / 10;
