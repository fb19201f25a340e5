import { randomBytes } from 'node:crypto';

/** What one person has sent, and what became of each message. Numbers count from 0. */
export class Lane {
  readonly index: number;
  readonly #run: Uint8Array;
  /** Times by the clock of the bench, ms. */
  readonly sentAt: number[] = [];
  readonly ackedAt: number[] = [];
  readonly deliveredAt: number[] = [];
  /** conv_seq by number; 0: not yet. */
  readonly ackedSeq: number[] = [];
  readonly deliveredSeq: number[] = [];
  lastDelivered = -1;
  lastAcked = -1;

  constructor(index: number, run: Uint8Array) {
    this.index = index;
    this.#run = run;
  }

  get inFlight(): number {
    return this.sentAt.length - this.acked;
  }

  acked = 0;

  /** Books the next message as sent at `at`, and makes its id: run, lane, number. */
  book(at: number): Uint8Array {
    const id = Buffer.alloc(16);
    id.set(this.#run);
    id.writeUInt32BE(this.index, 8);
    id.writeUInt32BE(this.sentAt.length, 12);
    this.sentAt.push(at);
    this.ackedAt.push(0);
    this.deliveredAt.push(0);
    this.ackedSeq.push(0);
    this.deliveredSeq.push(0);
    return id;
  }
}

export interface Faults {
  /** Sent, and not acknowledged or not delivered in the end; or missing in the conversation's numbers. */
  lost: number;
  /** Acknowledged or delivered more than once, or stored under two numbers. */
  duplicated: number;
  /** Delivered in another order than sent, or with a conv_seq that does not fit. */
  misordered: number;
}

/** Checks every message: acked once, delivered once, in order, each conversation numbered without a hole. */
export class Ledger {
  readonly lanes: readonly Lane[];
  readonly #run = randomBytes(8);
  readonly #faults: Faults = { lost: 0, duplicated: 0, misordered: 0 };
  /** Messages acked and delivered. */
  completed = 0;
  #onProgress: (() => void) | undefined;

  constructor(lanes: number) {
    this.lanes = Array.from({ length: lanes }, (_, index) => new Lane(index, this.#run));
  }

  /** `listener` is called after each acknowledgement and delivery. */
  set onProgress(listener: (() => void) | undefined) {
    this.#onProgress = listener;
  }

  acked(clientMsgId: Uint8Array, convSeq: number, at: number): void {
    const { lane, number } = this.#find(clientMsgId);
    if (lane.ackedSeq[number] !== 0) {
      this.#faults.duplicated += 1;
      return;
    }
    const before = lane.ackedSeq[number - 1] ?? 0;
    if (number !== lane.lastAcked + 1 || convSeq <= before) this.#faults.misordered += 1;
    if (lane.deliveredSeq[number] !== 0 && lane.deliveredSeq[number] !== convSeq) this.#faults.misordered += 1;
    lane.lastAcked = number;
    lane.acked += 1;
    lane.ackedSeq[number] = convSeq;
    lane.ackedAt[number] = at;
    if (lane.deliveredSeq[number] !== 0) this.completed += 1;
    this.#onProgress?.();
  }

  delivered(clientMsgId: Uint8Array, convSeq: number, at: number): void {
    const { lane, number } = this.#find(clientMsgId);
    if (lane.deliveredSeq[number] !== 0) {
      this.#faults.duplicated += 1;
      return;
    }
    if (number !== lane.lastDelivered + 1) this.#faults.misordered += 1;
    if (lane.ackedSeq[number] !== 0 && lane.ackedSeq[number] !== convSeq) this.#faults.misordered += 1;
    lane.lastDelivered = Math.max(lane.lastDelivered, number);
    lane.deliveredSeq[number] = convSeq;
    lane.deliveredAt[number] = at;
    if (lane.ackedSeq[number] !== 0) this.completed += 1;
    this.#onProgress?.();
  }

  /** The verdict over everything sent; `conversations` are the lanes that write into the same one. */
  faults(conversations: ReadonlyArray<readonly Lane[]>): Faults {
    const { duplicated, misordered } = this.#faults;
    let lost = 0;
    let twice = 0;
    for (const lanes of conversations) {
      const numbers = new Set<number>();
      let sent = 0;
      let complete = 0;
      let highest = 0;
      for (const { ackedSeq, deliveredSeq } of lanes) {
        sent += ackedSeq.length;
        for (let number = 0; number < ackedSeq.length; number += 1) {
          const convSeq = ackedSeq[number]!;
          if (convSeq === 0 || deliveredSeq[number] === 0) continue;
          complete += 1;
          if (numbers.has(convSeq)) twice += 1;
          numbers.add(convSeq);
          highest = Math.max(highest, convSeq);
        }
      }
      lost += sent - complete;
      // 1..n: with n different numbers, the highest is n if and only if there is no hole.
      lost += Math.max(0, highest - numbers.size - (sent - complete));
    }
    return { lost, duplicated: duplicated + twice, misordered };
  }

  #find(clientMsgId: Uint8Array): { lane: Lane; number: number } {
    const view = new DataView(clientMsgId.buffer, clientMsgId.byteOffset, clientMsgId.byteLength);
    const lane = this.lanes[view.getUint32(8)];
    const number = view.getUint32(12);
    if (!lane || number >= lane.sentAt.length || !this.#run.every((byte, index) => byte === clientMsgId[index])) {
      throw new Error('a message that nobody sent');
    }
    return { lane, number };
  }
}
