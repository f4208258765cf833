/** Accepted annotations on their way: kept in this browser until the server has them, sent again after an outage. */
import { call } from "./api.js";

export class Outbox {
  constructor({ vault, send = call }) {
    this.vault = vault;
    this.send = send;
  }

  /** Resolves with the server's receipt. An outage or a lapsed login leaves the annotation here and throws. */
  async submit(itemId, body) {
    const name = `outbox:${itemId}`;
    this.vault.write(name, body);
    try {
      const receipt = await this.send(`items/${itemId}/annotation`, { method: "PUT", body });
      this.vault.remove(name);
      return receipt;
    } catch (error) {
      if (!error.isOutage && !error.needsLogin) this.vault.remove(name);
      throw error;
    }
  }

  get waiting() {
    return this.vault.names("outbox:").map((name) => Number(name.split(":")[1]));
  }

  /** Sends all that waits from before a reload; submission ids make a repeat harmless. Returns what was refused. */
  async flush() {
    const refused = [];
    for (const itemId of this.waiting) {
      const body = this.vault.read(`outbox:${itemId}`);
      if (!body) continue;
      try {
        await this.submit(itemId, body);
        for (const name of this.vault.names(`draft:${itemId}:`)) this.vault.remove(name);
      } catch (error) {
        if (error.isOutage || error.needsLogin) throw error;
        refused.push({ itemId, error });
      }
    }
    return refused;
  }
}
