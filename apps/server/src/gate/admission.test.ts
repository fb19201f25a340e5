import { CloseCode } from '@fastim/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { configSchema, type GateConfig } from '../config.ts';
import { Admission } from './admission.ts';

const defaults = configSchema.parse({}).gate;
const create = (config: Partial<GateConfig> = {}) => new Admission({ ...defaults, ...config });

describe('admission', () => {
  let admission: Admission;
  beforeEach(() => {
    admission = create();
  });

  it('lets 50 connections of one address in, and others meanwhile', () => {
    admission = create({ acceptBurstPerAddress: 1_000 });
    for (let index = 0; index < 50; index += 1) expect(admission.admit('192.0.2.1', 0)).toBeUndefined();
    expect(admission.admit('192.0.2.1', 0)).toMatchObject({ code: CloseCode.rateLimited });
    expect(admission.admit('192.0.2.2', 0)).toBeUndefined();
    admission.left('192.0.2.1', true, 0);
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

  it('caps connections that have not logged in, whoever they are', () => {
    admission = create({ unauthenticatedConnections: 3 });
    for (let index = 0; index < 3; index += 1) expect(admission.admit(`192.0.2.${index}`, 0)).toBeUndefined();
    expect(admission.admit('192.0.2.9', 0)).toMatchObject({ code: CloseCode.gateFull });
    admission.authenticated();
    expect(admission.admit('192.0.2.9', 0)).toBeUndefined();
    admission.left('192.0.2.1', false, 0);
    expect(admission.unauthenticated).toBe(2);
    admission.left('192.0.2.0', true, 0);
    expect(admission.unauthenticated).toBe(2);
  });

  it('forgets addresses that have no connection any more', () => {
    for (let index = 0; index < 200; index += 1) {
      admission.admit(`198.51.100.${index}`, 0);
      if (index > 0) admission.left(`198.51.100.${index}`, false, 0);
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
