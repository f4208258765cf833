/** Raw pixels of the shown item and of the few that likely come next, each fetched once. */
import { call, post } from "./api.js";

export class Pictures {
  #byId = new Map();

  /** `kept`: how many pictures stay at hand. */
  constructor(kept = 3) {
    this.kept = kept;
  }

  /** {samples, width, height, dtype, channels} of an item. */
  get(itemId) {
    const known = this.#byId.get(itemId);
    if (known) return known;
    const picture = fetchPixels(itemId);
    this.#byId.set(itemId, picture);
    picture.catch(() => this.#byId.delete(itemId));
    while (this.#byId.size > this.kept) this.#byId.delete(this.#byId.keys().next().value);
    return picture;
  }

  /** Fetches pixels and lets the server embed the image, at low priority; failures show when it is opened. */
  async prefetch(itemId) {
    if (this.#byId.has(itemId)) return;
    await Promise.allSettled([this.get(itemId), post(`items/${itemId}/prepare`, { window: null })]);
  }
}

async function fetchPixels(itemId) {
  const answer = await call(`items/${itemId}/pixels`, { raw: true });
  const number = (name) => Number(answer.headers.get(name));
  const dtype = answer.headers.get("x-dtype");
  const shape = { width: number("x-width"), height: number("x-height"), channels: number("x-channels"), dtype };
  const buffer = await answer.arrayBuffer();
  const samples = dtype === "uint16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
  if (samples.length !== shape.width * shape.height * shape.channels) {
    throw new RangeError(`item ${itemId}: ${samples.length} samples do not fill ${shape.width} x ${shape.height}`);
  }
  return { samples, ...shape };
}
