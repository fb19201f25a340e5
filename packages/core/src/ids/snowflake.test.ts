import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { seededRandom } from '../testing/index.ts';
import { BusinessLine, EPOCH_MS, type NodeLease, Snowflake, snowflakeTimeMs } from './snowflake.ts';

const START = EPOCH_MS + 1_000_000;

function lease(dataCentre = 1, node = 7): NodeLease & { lose(): void } {
  let held = true;
  return {
    dataCentre,
    node,
    held: () => held,
    lose: () => {
      held = false;
    },
  };
}

function take(snowflake: Snowflake, now: number): bigint {
  const result = snowflake.next(now, BusinessLine.direct);
  if (!result.ok) throw new Error(result.reason);
  return result.id;
}

function startAt(value: number): () => number {
  return () => value;
}

describe('snowflake ids', () => {
  it('have the documented layout', () => {
    const snowflake = new Snowflake(lease(2, 0xab), startAt(5));
    const result = snowflake.next(EPOCH_MS + 3, BusinessLine.redPacket);
    // 41 bits ms | 2 data centre | 8 node | 2 reserved | 3 line | 7 counter
    const bits = ['11'.padStart(41, '0'), '10', '10101011', '00', '100', '0000101'].join('');
    expect(result).toEqual({ ok: true, id: BigInt(`0b${bits}`) });
    expect(bits).toHaveLength(63);
  });

  it('are positive 63-bit numbers up to the last millisecond there is, and then no more', () => {
    const snowflake = new Snowflake(lease(3, 255), startAt(127));
    const last = EPOCH_MS + 2 ** 41 - 1;
    expect(take(snowflake, last)).toBeLessThan(2n ** 63n);
    expect(() => take(snowflake, last + 1)).toThrow(RangeError);
  });

  it('are 128 in a millisecond, each once, from the random start around the end of the counter', () => {
    const snowflake = new Snowflake(lease(), startAt(100));
    const ids = Array.from({ length: 128 }, () => take(snowflake, START));
    expect(ids.every((id) => snowflakeTimeMs(id) === START)).toBe(true);
    expect(ids.map((id) => Number(id & 127n))).toEqual(Array.from({ length: 128 }, (_, index) => (100 + index) % 128));
  });

  it('borrow the next millisecond when one is used up', () => {
    const snowflake = new Snowflake(lease(), startAt(0));
    const ids = Array.from({ length: 300 }, () => take(snowflake, START));
    expect(new Set(ids).size).toBe(300);
    expect(ids.map((id) => snowflakeTimeMs(id) - START).filter((ms) => ms === 1)).toHaveLength(128);
    expect(snowflakeTimeMs(ids[299]!)).toBe(START + 2);
    // Borrowed time is not given out again.
    expect(snowflakeTimeMs(take(snowflake, START + 1))).toBe(START + 2);
  });

  it('take whole milliseconds from a clock with fractions', () => {
    expect(snowflakeTimeMs(take(new Snowflake(lease(), startAt(0)), START + 0.75))).toBe(START);
  });

  it('go on while the clock is up to 5 s back, and are refused beyond', () => {
    const snowflake = new Snowflake(lease(), startAt(0));
    const before = take(snowflake, START);
    expect(take(snowflake, START - 5_000)).not.toBe(before);
    expect(snowflake.next(START - 5_001, BusinessLine.direct)).toEqual({
      ok: false,
      reason: 'clock-back',
      backMs: 5_001,
    });
    expect(snowflake.next(EPOCH_MS - 1, BusinessLine.direct)).toMatchObject({ ok: false, reason: 'clock-back' });
    // It mends itself when the clock has come near again.
    expect(take(snowflake, START - 4_000)).not.toBe(before);
  });

  it('borrow no more than 5 s, however many are asked for', () => {
    const snowflake = new Snowflake(lease(), startAt(0));
    let given = 0;
    while (snowflake.next(START, BusinessLine.direct).ok) given += 1;
    expect(given).toBe(128 * 5_001);
    expect(snowflake.next(START, BusinessLine.direct)).toMatchObject({ ok: false, reason: 'clock-back' });
    expect(take(snowflake, START + 1)).toBeGreaterThan(0n);
  });

  it('stop at once when the lease is lost', () => {
    const held = lease();
    const snowflake = new Snowflake(held, startAt(0));
    take(snowflake, START);
    held.lose();
    expect(snowflake.next(START + 1, BusinessLine.direct)).toEqual({ ok: false, reason: 'lease-lost' });
  });

  it('start after the last id of an earlier life, even if that had borrowed time', () => {
    const earlier = new Snowflake(lease(), startAt(0));
    const old = Array.from({ length: 128 * 20 }, () => take(earlier, START));
    const later = new Snowflake(lease(), startAt(0), old.at(-1));
    const fresh = Array.from({ length: 128 * 20 }, () => take(later, START + 1));
    expect(new Set([...old, ...fresh]).size).toBe(old.length + fresh.length);
    expect(new Snowflake(lease(), startAt(0), old.at(-1)).next(START - 6_000, BusinessLine.direct).ok).toBe(false);
  });

  it.each([
    [4, 0],
    [-1, 0],
    [0, 256],
    [0, 1.5],
  ])('refuse data centre %d, node %d', (dataCentre, node) => {
    expect(() => new Snowflake(lease(dataCentre, node), startAt(0))).toThrow(RangeError);
  });

  it('are unique and keep their fields with any jumps of the clock and any starts', () => {
    const step = fc.record({
      jump: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -20_000, max: 20_000 })),
      ids: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer(), (steps, seed) => {
        const random = seededRandom(seed);
        const snowflake = new Snowflake(lease(1, 200), () => Math.floor(random() * 128));
        const given = new Set<bigint>();
        let now = START;
        let previousMs = 0;
        for (const { jump, ids } of steps) {
          now += jump;
          for (let index = 0; index < ids; index += 1) {
            const result = snowflake.next(now, BusinessLine.group);
            if (!result.ok) {
              expect(result).toMatchObject({ reason: 'clock-back' });
              expect(previousMs - now).toBeGreaterThanOrEqual(5_000);
              continue;
            }
            expect(given.has(result.id)).toBe(false);
            given.add(result.id);
            const ms = snowflakeTimeMs(result.id);
            expect(ms).toBeGreaterThanOrEqual(Math.max(previousMs, now));
            expect(ms - now).toBeLessThanOrEqual(5_000);
            expect((result.id >> 7n) & 0x7fffn).toBe(BigInt((1 << 13) | (200 << 5) | BusinessLine.group));
            previousMs = ms;
          }
        }
      }),
      { numRuns: runs(60) },
    );
  });
});
