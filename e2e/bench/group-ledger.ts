import { randomBytes } from 'node:crypto';
import type { Faults } from './ledger.ts';

interface Sent {
  readonly sender: number;
  readonly at: number;
  /** 0: not acknowledged. */
  ackedAt: number;
  convSeq: number;
}

/**
 * What was sent into one group, and what each device has stored of it. Everybody has to end with the same messages in the
 * same order: each once, without a hole, and each sender's in the order in which they were sent.
 */
export class GroupLedger {
  readonly devices: readonly DeviceLog[];
  readonly #run = randomBytes(8);
  readonly #sent: Sent[] = [];
  readonly #bySeq = new Map<number, number>();
  readonly #faults: Faults = { lost: 0, duplicated: 0, misordered: 0 };
  readonly ackMs: number[] = [];
  readonly deliveryMs: number[] = [];
  acked = 0;
  /** By all devices together. */
  stored = 0;
  onProgress: (() => void) | undefined;

  constructor(devices: number) {
    this.devices = Array.from({ length: devices }, (_, index) => new DeviceLog(this, index));
  }

  get sent(): number {
    return this.#sent.length;
  }

  /** Acknowledged, and stored by every device. */
  get isComplete(): boolean {
    return this.acked === this.sent && this.stored === this.sent * this.devices.length;
  }

  /** Books the next message of the device `sender` as sent at `at`, and makes its id. */
  book(sender: number, at: number): Uint8Array {
    const id = Buffer.alloc(16);
    id.set(this.#run);
    id.writeUInt32BE(this.#sent.length, 12);
    this.#sent.push({ sender, at, ackedAt: 0, convSeq: 0 });
    return id;
  }

  acknowledged(clientMsgId: Uint8Array, convSeq: number, at: number): void {
    const number = this.#number(clientMsgId);
    const message = this.#sent[number]!;
    if (message.ackedAt !== 0) this.#faults.duplicated += 1;
    else {
      message.ackedAt = at;
      this.acked += 1;
      this.ackMs.push(at - message.at);
    }
    this.#place(number, convSeq);
    this.onProgress?.();
  }

  /** A device has it now. Returns which of the messages it is. */
  take(device: number, clientMsgId: Uint8Array, convSeq: number, at: number): { number: number; sender: number } {
    const number = this.#number(clientMsgId);
    const message = this.#sent[number]!;
    this.#place(number, convSeq);
    this.stored += 1;
    if (message.sender !== device) this.deliveryMs.push(at - message.at);
    this.onProgress?.();
    return { number, sender: message.sender };
  }

  misordered(): void {
    this.#faults.misordered += 1;
  }

  duplicated(): void {
    this.#faults.duplicated += 1;
  }

  /** From here on latencies count. */
  beginMeasuring(): void {
    this.ackMs.length = 0;
    this.deliveryMs.length = 0;
  }

  faults(): Faults {
    const missing = this.sent - this.acked + this.sent * this.devices.length - this.stored;
    return { ...this.#faults, lost: this.#faults.lost + Math.max(0, missing) };
  }

  /** One message has one place, and one place has one message, whoever says so. */
  #place(number: number, convSeq: number): void {
    const message = this.#sent[number]!;
    if (message.convSeq === 0) message.convSeq = convSeq;
    else if (message.convSeq !== convSeq) this.#faults.duplicated += 1;
    const there = this.#bySeq.get(convSeq);
    if (there === undefined) this.#bySeq.set(convSeq, number);
    else if (there !== number) this.#faults.misordered += 1;
  }

  #number(clientMsgId: Uint8Array): number {
    const view = new DataView(clientMsgId.buffer, clientMsgId.byteOffset, clientMsgId.byteLength);
    const number = view.getUint32(12);
    if (number >= this.#sent.length || !this.#run.every((byte, index) => byte === clientMsgId[index])) {
      throw new Error('a message that nobody sent');
    }
    return number;
  }
}

/** What one device has stored, in the order in which it stored it. */
export class DeviceLog {
  readonly #ledger: GroupLedger;
  readonly #index: number;
  readonly #lastOfSender = new Map<number, number>();
  /** Everything up to here is stored. */
  lastSeq = 0;

  constructor(ledger: GroupLedger, index: number) {
    this.#ledger = ledger;
    this.#index = index;
  }

  /** The device is a member as of here. */
  beginAt(convSeq: number): void {
    this.lastSeq = convSeq;
  }

  store(clientMsgId: Uint8Array, convSeq: number, at: number): void {
    if (convSeq !== this.lastSeq + 1) this.#ledger.misordered();
    this.lastSeq = Math.max(this.lastSeq, convSeq);
    const { number, sender } = this.#ledger.take(this.#index, clientMsgId, convSeq, at);
    const before = this.#lastOfSender.get(sender) ?? -1;
    if (number === before) this.#ledger.duplicated();
    else if (number < before) this.#ledger.misordered();
    this.#lastOfSender.set(sender, Math.max(before, number));
  }
}
