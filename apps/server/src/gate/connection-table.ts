import type { Connection } from './connection.ts';

const none: readonly Connection[] = [];

/** The gate's connections by id and by user. Ids start at 1 and are never used again in a gate's life. */
export class ConnectionTable {
  readonly #connections = new Map<number, Connection>();
  readonly #ofUser = new Map<bigint, Connection[]>();
  #lastId = 0;
  #whenEmpty: Array<() => void> = [];

  get size(): number {
    return this.#connections.size;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
  }

  get(id: number): Connection | undefined {
    return this.#connections.get(id);
  }

  /** Connections may go while this runs. */
  all(): IterableIterator<Connection> {
    return this.#connections.values();
  }

  /** The connection logged in; returns how many its user has now. */
  bound(connection: Connection, userId: bigint): number {
    const others = this.#ofUser.get(userId);
    if (!others) this.#ofUser.set(userId, [connection]);
    else others.push(connection);
    return others?.length ?? 1;
  }

  /** Logged in, and not gone yet. */
  ofUser(userId: bigint): readonly Connection[] {
    return this.#ofUser.get(userId) ?? none;
  }

  remove(connection: Connection): void {
    if (!this.#connections.delete(connection.id)) return;
    const userId = connection.identity?.userId;
    if (userId !== undefined) {
      const left = this.ofUser(userId).filter((other) => other !== connection);
      if (left.length > 0) this.#ofUser.set(userId, left);
      else this.#ofUser.delete(userId);
    }
    if (this.#connections.size > 0) return;
    const waiters = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of waiters) resolve();
  }

  /** Resolves as soon as there is no connection. */
  empty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }
}
