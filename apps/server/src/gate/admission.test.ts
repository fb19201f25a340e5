import { CloseCode } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { configSchema, type GateConfig } from '../config.ts';
import { Admission, type Stranger } from './admission.ts';

const defaults = configSchema.parse({}).gate;
class Waiting implements Stranger {
  evicted = 0;
  evict(): void {
    this.evicted += 1;
  }
}

const create = (config: Partial<GateConfig> = {}) => new Admission({ ...defaults, ...config });

describe('admission', () => {
  let admission: Admission;
  beforeEach(() => {
    admission = create();
  });
  /** Comes in as a stranger; undefined: turned away. */
  const comes = (address: string, now = 0): Waiting | undefined => {
    if (admission.admit(address, now)) return undefined;
    const stranger = new Waiting();
    admission.entered(address, stranger);
    return stranger;
  };

  it('lets 50 connections of one address in, and others meanwhile', () => {
    admission = create({ acceptBurstPerAddress: 1_000 });
    const first = comes('192.0.2.1')!;
    for (let index = 1; index < 50; index += 1) expect(comes('192.0.2.1')).toBeDefined();
    expect(admission.admit('192.0.2.1', 0)).toMatchObject({ code: CloseCode.rateLimited });
    expect(admission.admit('192.0.2.2', 0)).toBeUndefined();
    admission.left('192.0.2.1', first, 0);
    expect(admission.admit('192.0.2.1', 0)).toBeUndefined();
  });

  it('counts a whole IPv6 /64 as one address', () => {
    admission = create({ connectionsPerAddress: 2 });
    expect(admission.admit('2001:db8::1', 0)).toBeUndefined();
    expect(admission.admit('2001:db8::2', 0)).toBeUndefined();
    expect(admission.admit('2001:db8::3', 0)).toBeDefined();
    expect(admission.admit('2001:db8:0:1::3', 0)).toBeUndefined();
  });

  it('lets 50 in at once, then 20 a second; refused attempts do not use anything up but the attempt', () => {
    admission = create({ connectionsPerAddress: 10_000 });
    const admitted = (now: number) => {
      let count = 0;
      while (admission.admit('192.0.2.1', now) === undefined) count += 1;
      return count;
    };
    expect(admitted(0)).toBe(50);
    expect(admitted(1_000)).toBe(20);
    expect(admitted(1_100)).toBe(2);
    expect(admitted(60_000)).toBe(50);
  });

  it('takes no more connections than the gate has room for, logged in or not', () => {
    admission = create({ connections: 3 });
    const [first] = [comes('192.0.2.1')!, comes('192.0.2.2')!, comes('192.0.2.3')!];
    admission.known('192.0.2.1', first);
    expect(admission.admit('192.0.2.4', 0)).toMatchObject({ code: CloseCode.gateFull });
    admission.left('192.0.2.1', first, 0);
    expect(admission.admit('192.0.2.4', 0)).toBeUndefined();
  });

  describe('of connections that have not logged in', () => {
    it('takes no more than the cap from one address; logging in and leaving make room', () => {
      admission = create({ unauthenticatedConnections: 3 });
      const strangers = [comes('192.0.2.1')!, comes('192.0.2.1')!, comes('192.0.2.1')!];
      expect(admission.admit('192.0.2.1', 0)).toMatchObject({ code: CloseCode.gateFull });
      admission.known('192.0.2.1', strangers[0]!);
      admission.known('192.0.2.1', strangers[0]!);
      expect(admission.strangers).toBe(2);
      expect(comes('192.0.2.1')).toBeDefined();
      admission.left('192.0.2.1', strangers[1]!, 0);
      expect(admission.strangers).toBe(2);
      admission.left('192.0.2.1', strangers[0]!, 0);
      expect(admission.strangers).toBe(2);
      expect(strangers.map(({ evicted }) => evicted)).toEqual([0, 0, 0]);
    });

    it('sends the oldest one of the greediest address away for a newcomer from elsewhere', () => {
      admission = create({ unauthenticatedConnections: 5 });
      const modest = [comes('192.0.2.1')!, comes('192.0.2.1')!];
      const greedy = [comes('192.0.2.2')!, comes('192.0.2.2')!, comes('192.0.2.2')!];
      const newcomer = comes('192.0.2.3')!;
      expect(greedy.map(({ evicted }) => evicted)).toEqual([1, 0, 0]);
      expect(admission.strangers).toBe(5);
      // It is counted once, however it goes now.
      admission.left('192.0.2.2', greedy[0]!, 0);
      expect(admission.strangers).toBe(5);
      expect(admission.connections).toBe(5);
      // The address that has most gets no more.
      expect(comes('192.0.2.2')).toBeUndefined();
      expect([...modest, newcomer].map(({ evicted }) => evicted)).toEqual([0, 0, 0]);
    });

    it('keeps nobody else out when twenty addresses hold a thousand connections open', () => {
      admission = create({ acceptBurstPerAddress: 1_000 });
      const held = Array.from({ length: 20 }, (_, address) =>
        Array.from({ length: 50 }, () => comes(`198.51.100.${address}`)!),
      ).flat();
      expect(admission.strangers).toBe(1_000);
      expect(admission.isCrowded).toBe(true);
      const others = Array.from({ length: 500 }, (_, index) => comes(`203.0.113.${index % 250}`));
      expect(others.every((one) => one !== undefined && one.evicted === 0)).toBe(true);
      expect(held.filter(({ evicted }) => evicted === 1)).toHaveLength(500);
      expect(admission.strangers).toBe(1_000);
    });

    it('takes a WebSocket for the same stranger as its upgrade', () => {
      admission = create({ unauthenticatedConnections: 2 });
      const upgrade = comes('192.0.2.1')!;
      const connection = new Waiting();
      admission.entered('192.0.2.1', connection, upgrade);
      expect(admission.strangers).toBe(1);
      comes('192.0.2.1');
      comes('192.0.2.2');
      expect([upgrade.evicted, connection.evicted]).toEqual([0, 1]);
      // One that was sent away while it upgraded does not become a stranger again.
      const late = new Waiting();
      admission.entered('192.0.2.1', late, connection);
      expect(admission.strangers).toBe(2);
    });
  });

  it('forgets addresses that have no connection any more', () => {
    for (let index = 0; index < 200; index += 1) {
      const stranger = comes(`198.51.100.${index}`)!;
      if (index > 0) admission.left(`198.51.100.${index}`, stranger, 0);
    }
    expect(admission.addresses).toBe(200);
    admission.admit('192.0.2.1', 61_000);
    expect(admission.addresses).toBe(2);
  });

  it('allows a complaint a minute and address', () => {
    expect(admission.mayComplain('192.0.2.1', 0)).toBe(true);
    expect(admission.mayComplain('192.0.2.1', 59_999)).toBe(false);
    expect(admission.mayComplain('192.0.2.2', 59_999)).toBe(true);
    expect(admission.mayComplain('192.0.2.1', 60_000)).toBe(true);
  });
});
