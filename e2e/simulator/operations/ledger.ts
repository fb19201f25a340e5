/** One message-making operation that a device took on. */
export interface Accepted {
  readonly operation: number;
  readonly device: number;
  readonly conversationId: string;
  /** Head of the conversation in truth when it was taken on. */
  readonly head: number;
  readonly what: 'send' | 'edit';
}

/** What devices promised: an operation whose call resolved is on their disk and has to reach the server. */
export class Ledger {
  readonly #lanes: string[] = [];
  /** device → how often somebody logged out there. */
  readonly #logOuts = new Map<number, number>();
  readonly accepted = new Map<number, Accepted>();
  /** All operations tried, of any kind, and how they ended. */
  tried = 0;
  done = 0;
  refused = 0;

  /** A number for a message to come. */
  next(device: number): number {
    this.#lanes.push(`${device}.${this.#logOuts.get(device) ?? 0}`);
    return this.#lanes.length;
  }

  /** What one device sends between a log-in and the log-out keeps its order. */
  laneOf(operation: number): string | undefined {
    return this.#lanes[operation - 1];
  }

  accept(accepted: Accepted): void {
    this.accepted.set(accepted.operation, accepted);
  }

  /** The device's data is gone, with what it had not sent. */
  forget(device: number, sent: (operation: number) => boolean): void {
    this.#logOuts.set(device, (this.#logOuts.get(device) ?? 0) + 1);
    for (const [operation, accepted] of this.accepted) {
      if (accepted.device === device && !sent(operation)) this.accepted.delete(operation);
    }
  }
}
