import type { NodeLease } from '@fastim/core';
import type { Storage } from '../../../apps/server/src/storage/storage.ts';
import { StorageError } from '../../../apps/server/src/storage/storage.ts';
import type { Life } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import { Pipe } from '../world/pipe.ts';
import { type Answer, type Database, HIGHEST_ID } from './database.ts';
import { type StorageCall, storesOver } from './storage-calls.ts';

/** A database that has not answered for so long is given up, and its connection with it. */
const PATIENCE_MS = 3_000;
const RECONNECT_MS = 200;

interface Request {
  readonly call: StorageCall;
  readonly answer: Answer;
}

/** One connection to the database; what it carries stays in order. */
interface Connection {
  readonly calls: Pipe<Request>;
  readonly answers: Pipe<() => void>;
  readonly pending: Set<Answer>;
  broken: boolean;
}

/**
 * A node's way to the database. A call whose connection breaks rejects with 'io': whether it had an effect is not known.
 * Calls on a connection that was given up may still arrive at the database.
 */
export class StorageLink {
  readonly #network: Network;
  readonly #life: Life;
  readonly #database: Database;
  #connection: Connection | undefined;
  #notBefore = 0;

  constructor(parts: { network: Network; life: Life; database: Database }) {
    this.#network = parts.network;
    this.#life = parts.life;
    this.#database = parts.database;
  }

  /** The contracts as this node sees them. `node` is its own number in ids. */
  storage(node: number): Storage & { readonly lease: NodeLease } {
    const lease: NodeLease = { dataCentre: 0, node, held: () => this.#life.alive };
    return {
      ...storesOver((call) => this.#call(call)),
      historyEpoch: this.#database.historyEpoch,
      lease,
      // Of this node's own ids: another node's clock may run ahead.
      highestId: () => this.#call({ store: 'messages', method: HIGHEST_ID, args: [node] }) as Promise<bigint>,
      check: () => this.#call({ store: 'conversations', method: 'mark', args: [0n] }).then(() => undefined),
      close: () => Promise.resolve(),
    };
  }

  #call(call: StorageCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const connection = this.#connected();
      if (!connection) {
        this.#life.after(1, () => reject(new StorageError('io', 'the database cannot be reached')));
        return;
      }
      let over = false;
      const cancel = this.#life.after(PATIENCE_MS, () => this.#breakOff(connection));
      const settle = (run: () => void) => {
        if (over) return;
        over = true;
        cancel();
        connection.pending.delete(answer);
        run();
      };
      const answer: Answer = {
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      };
      connection.pending.add(answer);
      connection.calls.put({ call, answer });
    });
  }

  #connected(): Connection | undefined {
    if (this.#connection && !this.#connection.broken) return this.#connection;
    const { time } = this.#network;
    const { life } = this.#database;
    if (time.now < this.#notBefore || !life.alive) return undefined;
    if (!this.#network.reachable(this.#life.machine, life.machine)) return undefined;
    const pending = new Set<Answer>();
    const answers = new Pipe<() => void>(this.#network, life, this.#life, (deliver) => deliver());
    const calls = new Pipe<Request>(this.#network, this.#life, life, ({ call, answer }) =>
      this.#database.take(call, {
        resolve: (value) => answers.put(() => answer.resolve(value)),
        reject: (error) => answers.put(() => answer.reject(error)),
      }),
    );
    const connection: Connection = { calls, answers, pending, broken: false };
    this.#connection = connection;
    const forget = [
      life.onEnd(() => {
        calls.cut();
        // A dead process's sockets are closed by its system; the node sees it a moment later.
        this.#life.after(this.#network.latency(life.machine, this.#life.machine), () => this.#breakOff(connection));
      }),
      this.#life.onEnd(() => {
        for (const each of forget) each();
      }),
    ];
    return connection;
  }

  #breakOff(connection: Connection): void {
    if (connection.broken) return;
    connection.broken = true;
    connection.answers.cut();
    if (this.#connection === connection) {
      this.#connection = undefined;
      this.#notBefore = this.#network.time.now + RECONNECT_MS;
    }
    for (const answer of [...connection.pending]) {
      answer.reject(new StorageError('io', 'the driver died under the call: its effect is not known'));
    }
  }
}
