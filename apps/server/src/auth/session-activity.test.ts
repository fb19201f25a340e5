import { ManualClock } from '@fastim/core/testing';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Identity, LogicPort, UplinkPacket } from '../cluster/contract.ts';
import { SessionActivity } from './session-activity.ts';

const identity: Identity = { userId: 1n, deviceId: 'phone', sessionId: 5n, epoch: 1 };

function packet(who: Identity | undefined): UplinkPacket {
  return {
    connection: { gateId: 'gate-1', connectionId: 1 },
    identity: who,
    remoteAddress: '192.0.2.1',
    cmd: 16,
    msgType: 1,
    logId: 0,
    sequenceId: 0,
    data: new Uint8Array(0),
  };
}

function setUp() {
  const clock = new ManualClock();
  const touched: Array<[sessionId: bigint, at: number]> = [];
  const warnings: string[] = [];
  const state = { failing: false };
  const activity = new SessionActivity({
    sessions: {
      touch: async (sessionId, nowMs) => {
        if (state.failing) throw new Error('disk');
        touched.push([sessionId, nowMs - start]);
      },
    },
    clock,
    logger: pino({ level: 'warn' }, { write: (line) => void warnings.push(line) }),
  });
  const start = clock.now();
  const calls: string[] = [];
  const logic: LogicPort = {
    uplink: () => calls.push('uplink'),
    connectionClosed: () => calls.push('closed'),
    interestStale: (_gateId, conversationId) => calls.push(`stale ${conversationId}`),
    interested: (_gateId, { on }) => calls.push(`interested ${on}`),
  };
  return { clock, touched, warnings, state, activity, calls, watched: activity.watching(logic) };
}

describe('the activity of sessions', () => {
  it('is written a moment after the first frame, and at most once a minute after that', () => {
    const { clock, touched, watched } = setUp();
    for (let second = 0; second < 150; second += 1) {
      watched.uplink(packet(identity));
      clock.advance(1_000);
    }
    expect(touched).toEqual([
      [5n, 1_000],
      [5n, 61_000],
      [5n, 121_000],
    ]);
  });

  it('is written when a connection ends, however short ago the last time was', () => {
    const { clock, touched, watched } = setUp();
    watched.uplink(packet(identity));
    clock.advance(10_000);
    watched.connectionClosed({ gateId: 'gate-1', connectionId: 1 }, identity);
    clock.advance(10_000);
    expect(touched).toEqual([
      [5n, 1_000],
      [5n, 11_000],
    ]);
  });

  it('is written for many sessions at the same moment', () => {
    const { clock, touched, activity } = setUp();
    for (let session = 1n; session <= 100n; session += 1n) activity.seen(session);
    clock.advance(1_000);
    expect(touched).toHaveLength(100);
    expect(new Set(touched.map(([, at]) => at)).size).toBe(1);
  });

  it('passes everything on, also of connections without a session', () => {
    const { clock, touched, watched, calls } = setUp();
    watched.uplink(packet(undefined));
    watched.connectionClosed({ gateId: 'gate-1', connectionId: 1 }, undefined);
    watched.interestStale('gate-1', 7n, [1n]);
    watched.interested('gate-1', { on: [8n], off: [], whole: false });
    clock.advance(5_000);
    expect([calls, touched]).toEqual([['uplink', 'closed', 'stale 7', 'interested 8'], []]);
  });

  it('is written at the stop, and not after it', async () => {
    const { clock, touched, activity } = setUp();
    activity.seen(5n);
    await activity.stop();
    expect(touched).toEqual([[5n, 0]]);
    activity.seen(6n);
    await activity.stop();
    clock.advance(5_000);
    expect(touched).toHaveLength(1);
  });

  it('does not mind a store that fails, nor a clock that goes back', async () => {
    const { clock, touched, warnings, state, activity } = setUp();
    state.failing = true;
    activity.seen(5n);
    clock.advance(1_000);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toHaveLength(1);
    state.failing = false;
    clock.jump(-600_000);
    activity.seen(5n);
    clock.advance(1_000);
    expect(touched).toHaveLength(1);
  });
});
