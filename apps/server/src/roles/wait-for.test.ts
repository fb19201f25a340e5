import { ManualClock } from '@fastim/core/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { StartAborted } from './running-role.ts';
import { untilStopping, waitFor } from './wait-for.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

function waiting(attempt: () => Promise<string>, stopping?: AbortSignal) {
  const clock = new ManualClock(0);
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line).msg) });
  const isFinal = (error: unknown) => (error as Error).message === 'final';
  const result = waitFor(attempt, { what: 'PostgreSQL', clock, logger, stopping, isFinal });
  result.catch(() => undefined);
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      await settle();
    }
  };
  return { result, lines, pass };
}

describe('waiting for what is not there yet', () => {
  it('tries until it is, and says so now and then', async () => {
    let up = false;
    const { result, lines, pass } = waiting(async () => {
      if (!up) throw new Error('refused');
      return 'here';
    });
    await settle();
    await pass(25_000);
    expect(lines).toEqual(Array(3).fill('waiting for PostgreSQL, which does not answer'));
    up = true;
    await pass(2_000);
    expect(await result).toBe('here');
  });

  it('gives up at once on what waiting does not mend', async () => {
    let tries = 0;
    const { result } = waiting(async () => {
      tries += 1;
      throw new Error('final');
    });
    await expect(result).rejects.toThrow('final');
    expect(tries).toBe(1);
  });

  it('ends when the process is to stop, also in the middle of a pause', async () => {
    const stop = new AbortController();
    const { result } = waiting(async () => {
      throw new Error('refused');
    }, stop.signal);
    await settle();
    stop.abort();
    await expect(result).rejects.toThrow(StartAborted);
    await expect(untilStopping(new Promise(() => undefined), stop.signal)).rejects.toThrow(StartAborted);
    expect(await untilStopping(Promise.resolve('done'), new AbortController().signal)).toBe('done');
  });
});
