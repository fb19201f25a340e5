/** Ids of nodes and the lives (16 random bytes of a process) they belong to. An id never has a second life. */
export class KnownLives {
  readonly #lives = new Map<string, string>();
  readonly #most: number;

  constructor(most = 10_000) {
    this.#most = most;
  }

  /** False: the id belongs to another process. */
  fits(nodeId: string, life: Uint8Array): boolean {
    const known = this.#lives.get(nodeId);
    return known === undefined || known === Buffer.from(life).toString('hex');
  }

  /** Of somebody who proved to be of the cluster. The longest unused are forgotten first. */
  remember(nodeId: string, life: Uint8Array): void {
    this.#lives.delete(nodeId);
    this.#lives.set(nodeId, Buffer.from(life).toString('hex'));
    if (this.#lives.size <= this.#most) return;
    for (const oldest of this.#lives.keys()) {
      this.#lives.delete(oldest);
      return;
    }
  }
}
