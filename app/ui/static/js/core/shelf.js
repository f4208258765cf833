/**
 * Which objects of one image are hidden and which are locked, by id. It stands beside the sheet, outside undo: taking a
 * step back neither shows nor unlocks anything, and is refused where it would change what is locked.
 */
export class Shelf {
  hidden = new Set();
  locked = new Set();
  onRefused = () => {}; // (object) => void

  toggle(set, id) {
    if (!set.delete(id)) set.add(id);
  }

  /** True when the object may be changed; says so otherwise. */
  isFree(object) {
    const free = !this.locked.has(object.id);
    if (!free) this.onRefused(object);
    return free;
  }

  /** True when every locked object is the same in both sheets; says which one is not otherwise. */
  allows(before, after) {
    const kept = new Set(after.objects);
    return before.objects.every((object) => kept.has(object) || this.isFree(object));
  }

  /** Hides all but one object; shows all when just that is so already. */
  only(id, objects) {
    const others = objects.map((object) => object.id).filter((other) => other !== id);
    const already = others.length > 0 && !this.hidden.has(id) && others.every((other) => this.hidden.has(other));
    this.hidden = new Set(already ? [] : others);
  }

  pack() {
    return { hidden: [...this.hidden], locked: [...this.locked] };
  }

  restore(packed) {
    this.hidden = new Set(packed?.hidden);
    this.locked = new Set(packed?.locked);
  }
}
