import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRecordingClient, type RecordingClient } from '../bridge/testing/recording-client.ts';
import { createEnginePool, type EngineOptions, EngineRefused, MAX_PROFILES } from './engine-pool.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'fastim-pool-'));
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

function pool(prepare: (client: RecordingClient) => void = () => undefined) {
  const made: { options: EngineOptions; client: RecordingClient }[] = [];
  const engines = createEnginePool({
    data,
    logger: pino({ level: 'silent' }),
    suggestedServerUrl: 'http://127.0.0.1:8600',
    clientVersion: '0.1.0',
    createClient: (options) => {
      const client = createRecordingClient();
      prepare(client);
      made.push({ options, client });
      return client;
    },
  });
  const methods = (index: number) => made[index]?.client.calls.map((call) => call.method);
  return { engines, made, methods };
}

describe('the engines of a host', () => {
  it('are made once for each profile, in a folder of its own, and started', async () => {
    const { engines, made, methods } = pool();
    const [first, again, other] = await Promise.all([
      engines.client('alice'),
      engines.client('alice'),
      engines.client('bob'),
    ]);
    expect(first).toBe(again);
    expect(other).not.toBe(first);
    expect(made.map(({ options }) => [options.profile, options.directory])).toEqual([
      ['alice', join(data, 'profiles')],
      ['bob', join(data, 'profiles')],
    ]);
    expect(made[0]?.options).toMatchObject({ suggestedServerUrl: 'http://127.0.0.1:8600', clientVersion: '0.1.0' });
    expect(methods(0)).toEqual(['start']);
  });

  it.each(['', '..', 'a/b', 'A', '../../etc', 'con'])(
    'are not made for %j: the name becomes a folder',
    async (profile) => {
      const { engines, made } = pool();
      await expect(engines.client(profile)).rejects.toThrow(EngineRefused);
      expect(made).toEqual([]);
    },
  );

  it('one that cannot start says why, is closed again, and is tried anew by the next call', async () => {
    let fail = true;
    const { engines, methods } = pool((client) =>
      client.behave('start', () => {
        if (fail) throw new Error('the folder is in use');
      }),
    );
    await expect(engines.client('alice')).rejects.toThrow('the folder is in use');
    expect(methods(0)).toEqual(['start', 'stop']);
    fail = false;
    await expect(engines.client('alice')).resolves.toBeDefined();
    expect(methods(1)).toEqual(['start']);
  });

  it('stop all at once, also those still starting, wait for each, once, and start no more', async () => {
    let release = (): void => undefined;
    const { engines, methods } = pool((client) => {
      client.behave(
        'start',
        () =>
          new Promise<void>((resolve) => {
            release = resolve;
          }),
      );
      client.behave('stop', () => new Promise<void>((resolve) => setTimeout(resolve, 5)));
    });
    const starting = engines.client('alice');
    await Promise.resolve();
    const stopping = engines.stop();
    expect(engines.stop()).toBe(stopping);
    await expect(engines.client('bob')).rejects.toThrow('stopping');
    release();
    await starting;
    await stopping;
    expect(methods(0)).toEqual(['start', 'stop']);
  });

  it('one that cannot stop does not keep the others', async () => {
    let made = 0;
    const { engines, methods } = pool((client) => {
      made += 1;
      if (made === 1) {
        client.behave('stop', () => {
          throw new Error('disk gone');
        });
      }
    });
    await engines.client('alice');
    await engines.client('bob');
    await engines.stop();
    expect(methods(1)).toEqual(['start', 'stop']);
  });

  it('are bounded', async () => {
    const { engines } = pool();
    for (let index = 0; index < MAX_PROFILES; index++) await engines.client(`p${index}`);
    await expect(engines.client('one-more')).rejects.toThrow(EngineRefused);
    await expect(engines.client('p0')).resolves.toBeDefined();
  });
});
