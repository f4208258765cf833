/**
 * COCO's uncompressed run lengths, the one mask dialect of the project: {size: [h, w], counts: [...]},
 * column-major, the first run counts zeros. Bitmaps in the page are row-major, one byte a pixel.
 */

/** Calls visit(x, y, length) for each vertical stretch of ones, column by column. */
export function eachStretch(counts, height, visit) {
  let position = 0;
  for (let i = 0; i < counts.length; i++) {
    let left = counts[i];
    if (i & 1) {
      let x = Math.floor(position / height);
      let y = position - x * height;
      while (left > 0) {
        const length = Math.min(left, height - y);
        visit(x++, y, length);
        left -= length;
        y = 0;
      }
    }
    position += counts[i];
  }
}

/** Writes `value` into a row-major bitmap wherever the runs say one. */
export function fillRuns(counts, height, width, bitmap, value) {
  eachStretch(counts, height, (x, y, length) => {
    for (let i = 0, at = y * width + x; i < length; i++, at += width) bitmap[at] = value;
  });
}

export function decode({ size: [height, width], counts }) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total !== height * width) throw new RangeError(`runs cover ${total} of ${height * width} pixels`);
  const bitmap = new Uint8Array(height * width);
  fillRuns(counts, height, width, bitmap, 1);
  return bitmap;
}

/** Runs of the pixels that equal `value` (any non-zero byte when it is left out); all of them lie in `box`. */
export function encode(bitmap, height, width, value = 0, box = [0, 0, width, height]) {
  const [x0, y0, x1, y1] = box;
  const counts = [];
  let inside = false;
  let length = x0 * height;
  for (let x = x0; x < x1; x++) {
    length += inside ? 0 : y0;
    if (inside && y0) {
      counts.push(length);
      length = y0;
      inside = false;
    }
    for (let y = y0, at = y0 * width + x; y < y1; y++, at += width) {
      const one = value ? bitmap[at] === value : bitmap[at] !== 0;
      if (one === inside) length++;
      else {
        counts.push(length);
        length = 1;
        inside = one;
      }
    }
    if (inside && y1 < height) {
      counts.push(length);
      length = 0;
      inside = false;
    }
    length += height - y1;
  }
  const rest = (width - x1) * height;
  if (inside && rest) {
    counts.push(length);
    length = 0;
  }
  counts.push(length + rest);
  return counts;
}

export function area(counts) {
  let sum = 0;
  for (let i = 1; i < counts.length; i += 2) sum += counts[i];
  return sum;
}

/** [x0, y0, x1, y1], exclusive at the far side; null for an empty mask. */
export function bounds(counts, height) {
  let x0 = Infinity;
  let y0 = Infinity;
  let x1 = -1;
  let y1 = -1;
  eachStretch(counts, height, (x, y, length) => {
    if (x < x0) x0 = x;
    if (x + 1 > x1) x1 = x + 1;
    if (y < y0) y0 = y;
    if (y + length > y1) y1 = y + length;
  });
  return x1 < 0 ? null : [x0, y0, x1, y1];
}

export function contains(counts, height, x, y) {
  const wanted = x * height + y;
  let position = 0;
  for (let i = 0; i < counts.length; i++) {
    position += counts[i];
    if (wanted < position) return (i & 1) === 1;
  }
  return false;
}
