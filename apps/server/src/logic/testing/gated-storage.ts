import type { CursorRaise, RaiseOutcome } from '../../storage/conversation-store.ts';
import type { AppendOutcome, AppendRequest } from '../../storage/message-store.ts';
import { MemoryStorage } from './memory-storage.ts';

/** Writes that wait until the test lets them go on, or make them fail: batches, crashes and full disks on demand. */
export class GatedStorage extends MemoryStorage {
  /** Batches that reached the storage, in order. */
  readonly batches: (readonly AppendRequest[])[] = [];
  readonly raises: (readonly CursorRaise[])[] = [];
  #failure: Error | undefined;
  #gate: { promise: Promise<void>; open: () => void } | undefined;

  /** Every write that begins from now on fails with this; undefined: works again. */
  failWith(failure: Error | undefined): void {
    this.#failure = failure;
  }

  /** Writes from now on wait for `release`. */
  hold(): void {
    if (this.#gate) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = { promise, open: resolve };
  }

  release(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  override async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    this.batches.push(batch);
    await this.#pass();
    return super.append(batch);
  }

  override async raiseCursors(batch: readonly CursorRaise[]): Promise<RaiseOutcome> {
    this.raises.push(batch);
    await this.#pass();
    return super.raiseCursors(batch);
  }

  /** How it ends is settled when it begins, so that of two writes under way one can fail. */
  async #pass(): Promise<void> {
    const failure = this.#failure;
    await this.#gate?.promise;
    if (failure) throw failure;
  }
}
