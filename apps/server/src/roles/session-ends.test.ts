import { ManualClock } from '@fastim/core/testing';
import { CloseCode } from '@fastim/protocol';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ClusterEvent, RegistryUnavailable } from '../registry/contract.ts';
import type { SessionRecord } from '../storage/session-store.ts';
import { HearSessionEnds, TellSessionEnds } from './session-ends.ts';

const logger = pino({ level: 'silent' });
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Between processes, as far as these two need it; it can be down. */
class TestBus {
  up = true;
  readonly published: ClusterEvent[] = [];
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #resumed = new Set<(lostAtMs: number) => void>();

  async publish(event: ClusterEvent): Promise<void> {
    if (!this.up) throw new RegistryUnavailable('down');
    this.published.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onResumed(listener: (lostAtMs: number) => void): () => void {
    this.#resumed.add(listener);
    return () => this.#resumed.delete(listener);
  }

  resume(lostAtMs: number): void {
    for (const listener of this.#resumed) listener(lostAtMs);
  }
}

let clock: ManualClock;
let bus: TestBus;

beforeEach(() => {
  clock = new ManualClock(10_000_000);
  bus = new TestBus();
});

describe('telling that sessions ended', () => {
  it('tells at once, and what could not be told as soon as it can, in order', async () => {
    const tell = new TellSessionEnds({ bus, clock, logger });
    tell.ended(1n, CloseCode.loggedOut);
    await settle();
    expect(bus.published).toEqual([{ type: 'end-session', sessionId: '1', closeCode: CloseCode.loggedOut }]);
    bus.up = false;
    tell.ended(2n, CloseCode.loggedOut);
    tell.ended(3n, CloseCode.loggedOut);
    await settle();
    clock.advance(1_000);
    await settle();
    expect(bus.published).toHaveLength(1);
    bus.up = true;
    clock.advance(1_000);
    await settle();
    expect(bus.published.map((event) => 'sessionId' in event && event.sessionId)).toEqual(['1', '2', '3']);
    tell.stop();
  });
});

describe('hearing that sessions ended', () => {
  let stored: { sessionId: bigint; endedMs: number }[];
  let heard: bigint[];
  let reads: number;
  let readable: boolean;

  beforeEach(() => {
    stored = [];
    heard = [];
    reads = 0;
    readable = true;
  });

  const hear = () =>
    new HearSessionEnds({
      bus,
      sessions: {
        async endedSince(sinceMs, limit, afterId) {
          reads += 1;
          if (!readable) throw new Error('the database is away');
          return stored
            .filter(
              ({ endedMs, sessionId }) => endedMs > sinceMs || (endedMs === sinceMs && sessionId > (afterId ?? -1n)),
            )
            .toSorted((left, right) => left.endedMs - right.endedMs || Number(left.sessionId - right.sessionId))
            .slice(0, limit) as SessionRecord[];
        },
      },
      ended: (sessionId) => heard.push(sessionId),
      closeCode: CloseCode.loggedOut,
      clock,
      logger,
    });

  it('hears the bus at once', async () => {
    const ends = hear();
    ends.start();
    await bus.publish({ type: 'end-session', sessionId: '7', closeCode: CloseCode.loggedOut });
    await bus.publish({ type: 'show-online', userId: '8' });
    expect(heard).toEqual([7n]);
    await ends.stop();
    await bus.publish({ type: 'end-session', sessionId: '9', closeCode: CloseCode.loggedOut });
    expect(heard).toEqual([7n]);
  });

  it('asks the storage for what the bus lost, from before the loss on, page by page', async () => {
    const ends = hear();
    ends.start();
    const lostAtMs = clock.now();
    // All at the same moment, and more than a page holds.
    stored = Array.from({ length: 1_234 }, (_, index) => ({ sessionId: BigInt(index), endedMs: lostAtMs - 5_000 }));
    bus.resume(lostAtMs);
    await settle();
    await settle();
    expect(heard).toHaveLength(1_234);
    expect(new Set(heard).size).toBe(1_234);
    await ends.stop();
  });

  it('looks by itself too, for those whose process died before it told', async () => {
    const ends = hear();
    ends.start();
    stored = [{ sessionId: 1n, endedMs: clock.now() + 1_000 }];
    clock.advance(30_000);
    await settle();
    expect(heard).toEqual([1n]);
    await ends.stop();
  });

  it('goes back to where it was when the storage could not be read', async () => {
    const ends = hear();
    ends.start();
    stored = [{ sessionId: 1n, endedMs: clock.now() + 1_000 }];
    readable = false;
    for (let round = 0; round < 4; round += 1) {
      clock.advance(30_000);
      await settle();
      await settle();
    }
    expect(heard).toEqual([]);
    expect(reads).toBeGreaterThan(2);
    readable = true;
    clock.advance(30_000);
    await settle();
    expect(heard).toEqual([1n]);
    await ends.stop();
  });
});
