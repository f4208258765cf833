/** What this browser keeps until the server has confirmed it: drafts and accepted annotations on their way. */
export class Vault {
  constructor(storage, scope) {
    this.storage = storage;
    this.scope = `fewclick:${scope}:`;
  }

  read(name) {
    try {
      return JSON.parse(this.storage.getItem(this.scope + name));
    } catch {
      return null;
    }
  }

  /** false when the browser's storage is full or forbidden. */
  write(name, value) {
    try {
      this.storage.setItem(this.scope + name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  remove(name) {
    try {
      this.storage.removeItem(this.scope + name);
    } catch {
      // storage is forbidden: there is nothing to remove
    }
  }

  names(prefix) {
    const start = this.scope + prefix;
    return Object.keys(this.storage)
      .filter((key) => key.startsWith(start))
      .map((key) => key.slice(this.scope.length));
  }
}
