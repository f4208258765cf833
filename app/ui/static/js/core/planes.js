/** Three planes of a volume: cut from its small copy, laid out as radiologists look, at the aspect of the body. */

const NAMES = { S: "axial", I: "axial", A: "coronal", P: "coronal", L: "sagittal", R: "sagittal" };
const OPPOSITE = { L: "R", R: "L", A: "P", P: "A", S: "I", I: "S" };

/**
 * The three planes as [{name, along, down, across}]: axes 0 slices, 1 rows, 2 columns of the volume; `down` and `across`
 * are {axis, flipped} so that the picture's rows grow to P or I and its columns to L or P. `edges`: letters left and top.
 */
export function planesOf(axes) {
  return [0, 1, 2].map((along) => {
    const name = NAMES[axes[along]];
    const [downTo, acrossTo] = { axial: "PL", coronal: "IL", sagittal: "IP" }[name];
    const find = (letter) => {
      const axis = [...axes].findIndex((own) => own === letter || own === OPPOSITE[letter]);
      return { axis, flipped: axes[axis] !== letter };
    };
    return { name, along, down: find(downTo), across: find(acrossTo), edges: { left: OPPOSITE[acrossTo], top: OPPOSITE[downTo] } };
  });
}

/** Width and height of a plane's picture within a square of `side`, by the body's own proportions. */
export function sizeOf(plane, shape, spacing, side) {
  const extent = ({ axis }) => shape[axis] * (spacing?.[axis] ?? 1);
  const [across, down] = [extent(plane.across), extent(plane.down)];
  const scale = side / Math.max(across, down);
  return { width: Math.max(1, Math.round(across * scale)), height: Math.max(1, Math.round(down * scale)) };
}

/** Samples of a plane at `at` (0 to 1 along its normal), row by row: {samples, width, height}. */
export function cut({ samples, shape }, plane, at) {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const { along, down, across } = plane;
  const index = Math.min(shape[along] - 1, Math.max(0, Math.floor(at * shape[along])));
  const [height, width] = [shape[down.axis], shape[across.axis]];
  const out = new samples.constructor(width * height);
  for (let row = 0, to = 0; row < height; row++) {
    const r = down.flipped ? height - 1 - row : row;
    const base = index * strides[along] + r * strides[down.axis];
    for (let column = 0; column < width; column++, to++) {
      out[to] = samples[base + (across.flipped ? width - 1 - column : column) * strides[across.axis]];
    }
  }
  return { samples: out, width, height };
}

/** Where a place (0 to 1 along slices, rows, columns) lies on a plane's picture: {x, y} in 0 to 1. */
export function onPlane(plane, place) {
  const of = ({ axis, flipped }) => (flipped ? 1 - place[axis] : place[axis]);
  return { x: of(plane.across), y: of(plane.down) };
}

/** The place under {x, y} of a plane's picture; along its normal it stays where it was. */
export function fromPlane(plane, { x, y }, place) {
  const moved = [...place];
  moved[plane.across.axis] = plane.across.flipped ? 1 - x : x;
  moved[plane.down.axis] = plane.down.flipped ? 1 - y : y;
  return moved;
}
