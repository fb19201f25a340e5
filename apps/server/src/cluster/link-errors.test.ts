import { Writable } from 'node:stream';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../observe/logger.ts';
import type { UplinkPacket } from './contract.ts';
import { linkToLogic } from './in-process.ts';
import { linkErrors } from './link-errors.ts';

const packet: UplinkPacket = {
  connection: { gateId: 'gate-1', connectionId: 1 },
  identity: undefined,
  remoteAddress: '127.0.0.1',
  cmd: 16,
  msgType: 1,
  logId: 0,
  sequenceId: 1,
  data: new Uint8Array(0),
};

function withLogic(uplink: (packet: UplinkPacket) => void) {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const registry = new Registry();
  const report = linkErrors(createLogger({ level: 'trace', name: 'test' }, stream), registry);
  const link = linkToLogic(
    { uplink, connectionClosed: () => undefined, interestStale: () => undefined, interested: () => undefined },
    report('to_logic'),
  );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { lines, registry, link, turn };
}

describe('an error on a link', () => {
  it('is logged with its stack and counted, and nothing else comes of it', async () => {
    const uncaught: unknown[] = [];
    const listener = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', listener);
    try {
      let taken = 0;
      const { lines, registry, link, turn } = withLogic(() => {
        taken += 1;
        if (taken < 3) throw new Error('choked');
      });
      for (let count = 0; count < 3; count += 1) link.uplink(packet);
      await turn();
      await turn();
      expect(taken).toBe(3);
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { level: 50, link: 'to_logic', err: { message: 'choked', stack: expect.stringContaining('link-errors.test') } },
        { err: { message: 'choked' } },
      ]);
      expect(await registry.metrics()).toContain('fastim_link_errors_total{link="to_logic"} 2');
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', listener);
    }
  });

  it('is reported also when what was thrown is no Error', async () => {
    const { lines, link, turn } = withLogic(() => {
      throw 'a word';
    });
    link.uplink(packet);
    await turn();
    expect(JSON.parse(lines[0]!)).toMatchObject({ err: { message: 'a word' } });
  });
});
