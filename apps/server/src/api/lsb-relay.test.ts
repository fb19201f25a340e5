import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManualClock } from '@fastim/core/testing';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import type { AccessVerifier } from '../logic/access-verifier.ts';
import { standardGatePolicy } from '../lsb/choose-gate.ts';
import { clusterGateDirectory } from '../lsb/gate-directory.ts';
import { GateOffers } from '../lsb/gate-offers.ts';
import { GateTickets } from '../lsb/gate-ticket.ts';
import { LocalAdmissions } from '../lsb/local-admissions.ts';
import { LocalReservations } from '../lsb/local-reservations.ts';
import { LsbMetrics } from '../lsb/lsb-metrics.ts';
import { gateRecord, httpRecord } from '../lsb/testing/records.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import type { NodeRecord } from '../registry/contract.ts';
import { systemRandom } from '../roles/system-ports.ts';
import { Bearer } from './bearer.ts';
import { type ApiServer, createHttpServer, serve } from './http-server.ts';
import { LsbRelay } from './lsb-relay.ts';
import { createLsbServer } from './lsb-server.ts';
import { Readiness } from './readiness.ts';
import { RELAYED_HEADER, RelaySeal } from './relay-seal.ts';
import { addGateRoutes } from './routes/gates.ts';

const TOKEN = 'a-good-token';
const identity = { userId: 7n, deviceId: 'd', sessionId: 1n, epoch: 1 };

/** A process of the cluster that answers POST /v1/gates: an LSB, or one that asks LSBs first. */
interface Member {
  readonly url: string;
  readonly server: ApiServer;
  /** Tokens that it looked up. */
  readonly looked: string[];
}

describe('POST /v1/gates in a cluster', () => {
  const clock = new ManualClock();
  const nodes: NodeRecord[] = [];
  const stops: Array<() => Promise<unknown>> = [];
  const plain: Server[] = [];
  let seal: RelaySeal;

  beforeEach(() => {
    nodes.length = 0;
    nodes.push(gateRecord('g1', { tcp: { host: '0.0.0.0', port: 3 }, websocket: null }));
    seal = new RelaySeal({ secret: 'of the cluster', clock });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    for (const server of plain.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const start = async (
    role: 'lsb' | 'api',
    limits: { requests?: number; perSecond?: number } = {},
  ): Promise<Member> => {
    const looked: string[] = [];
    const access: AccessVerifier = {
      verify: async (token) => {
        looked.push(token);
        return token === TOKEN
          ? { outcome: 'granted', identity, expiresAtMs: Number.MAX_SAFE_INTEGER }
          : { outcome: 'unauthenticated' };
      },
    };
    const defaults = configSchema.parse({ port: 0 });
    const api = { ...defaults.api, requestsBurstPerAddress: limits.requests ?? 1_000 };
    const registry = new Registry();
    const logger = pino({ level: 'silent' });
    const perSecond = limits.perSecond ?? 500;
    const metrics = new LsbMetrics(registry);
    const options = {
      config: { ...defaults, api },
      trustedProxies: new TrustedProxies([]),
      seal,
      clock,
      random: systemRandom,
      logger,
      registry,
    };
    const offers = new GateOffers({
      directory: clusterGateDirectory({ nodes: () => nodes }),
      policy: standardGatePolicy(systemRandom),
      tickets: new GateTickets({ clock, random: systemRandom, secret: 'of the cluster' }),
      reservations: new LocalReservations({ clock, reservationMs: 10_000 }),
      admissions: new LocalAdmissions({ clock, perSecond, burst: perSecond }),
      random: systemRandom,
      metrics,
    });
    const readiness = new Readiness({ clock, check: async () => ({ gates: 'ok' }) });
    let server: ApiServer;
    if (role === 'lsb') {
      server = await createLsbServer({ ...options, access, offers, readiness });
    } else {
      const built = createHttpServer(options);
      const relay = new LsbRelay({
        directory: { nodes: () => nodes },
        seal,
        clock,
        random: systemRandom,
        logger,
        metrics,
      });
      addGateRoutes(built.api, { offers, relay, seal, bearer: new Bearer(access) });
      server = await serve(built.http, options);
    }
    const url = `http://127.0.0.1:${await server.start()}`;
    stops.push(() => server.stop());
    if (role === 'lsb') nodes.push(httpRecord(`lsb-${nodes.length}`, url));
    return { url, server, looked };
  };

  /** An address of an LSB that does not do what it should. */
  const startBroken = async (answer: Parameters<typeof createServer>[1] & {}) => {
    const server = createServer(answer);
    plain.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    nodes.push(httpRecord(`broken-${nodes.length}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  };

  const ask = async (
    member: Member,
    more: { token?: string; headers?: Record<string, string>; body?: object } = {},
  ) => {
    const response = await fetch(`${member.url}/v1/gates`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${more.token ?? TOKEN}`,
        ...more.headers,
      },
      body: JSON.stringify(more.body ?? { clientVersion: 'test/1.0.0' }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  const goodAnswer = {
    status: 200,
    body: {
      gates: [{ gateId: 'g1', tcp: { host: '127.0.0.1', port: 3 }, websocket: null, ticket: expect.any(String) }],
      ticket: expect.any(String),
      delayMs: 0,
    },
  };

  it('is answered by an LSB itself, which also says how it is', async () => {
    const lsb = await start('lsb');
    expect(await ask(lsb)).toMatchObject(goodAnswer);
    expect(await ask(lsb, { token: 'bad' })).toMatchObject({
      status: 401,
      body: { error: { code: 'UNAUTHENTICATED' } },
    });
    expect(await ask(lsb, { body: { clientVersion: 'x/1.0.0', appId: 'other' } })).toMatchObject({ status: 503 });
    expect(await ask(lsb, { body: { clientVersion: 'x', channel: 'some' } })).toMatchObject({ status: 400 });
    expect((await fetch(`${lsb.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${lsb.url}/v1/me`)).status).toBe(404);
  });

  it('is passed on by an API process to an LSB, which alone looks at the token', async () => {
    const lsb = await start('lsb');
    const api = await start('api');
    expect(await ask(api)).toMatchObject(goodAnswer);
    expect(await ask(api, { token: 'bad' })).toMatchObject({ status: 401 });
    expect([lsb.looked, api.looked]).toEqual([[TOKEN, 'bad'], []]);
  });

  it('is answered by the API process itself when there is no LSB, or none that works', async () => {
    const api = await start('api');
    expect(await ask(api)).toMatchObject(goodAnswer);
    nodes.push(httpRecord('dead', 'http://127.0.0.1:1'));
    await startBroken((_request, response) => response.end('{}'));
    await startBroken((_request, response) => response.writeHead(500).end('not JSON'));
    for (let round = 0; round < 5; round += 1) expect(await ask(api)).toMatchObject(goodAnswer);
    expect(await ask(api, { token: 'bad' })).toMatchObject({ status: 401 });
    expect(api.looked.length).toBeGreaterThan(5);
  });

  it('waits a second for an LSB that hangs, and asks it last from then on', async () => {
    await startBroken(() => undefined);
    const lsb = await start('lsb');
    const api = await start('api');
    let slow = 0;
    for (let round = 0; round < 12; round += 1) {
      const before = performance.now();
      expect(await ask(api)).toMatchObject(goodAnswer);
      if (performance.now() - before > 900) slow += 1;
    }
    expect(slow).toBeLessThanOrEqual(1);
    expect([lsb.looked.length, api.looked.length]).toEqual([12, 0]);
  });

  it('gives the client what the LSB refused for good: the API process lets nobody in behind its back', async () => {
    await start('lsb', { perSecond: 1 });
    const api = await start('api');
    const answers = [];
    for (let round = 0; round < 40; round += 1) answers.push(await ask(api));
    expect(answers.at(-1)).toMatchObject({ status: 503, body: { error: { code: 'OVERLOADED' } } });
    expect(api.looked).toEqual([]);
  });

  it('passes nothing on twice, and believes nobody who only says that he was passed on', async () => {
    const lsb = await start('lsb', { requests: 3 });
    const api = await start('api');
    expect(await ask(api, { headers: { [RELAYED_HEADER]: 'anything' } })).toMatchObject(goodAnswer);
    expect([lsb.looked.length, api.looked.length]).toEqual([0, 1]);
    // What processes pass on was counted where the client came in; a client's own word is not taken.
    for (let round = 0; round < 10; round += 1) expect((await ask(api)).status).toBe(200);
    const forged = new RelaySeal({ secret: 'guessed', clock }).seal({ address: '192.0.2.1', host: 'evil.example' });
    const statuses = [];
    for (let round = 0; round < 5; round += 1) {
      const { status, body } = await ask(lsb, { headers: { [RELAYED_HEADER]: forged } });
      statuses.push(status);
      if (status === 200) expect({ status, body }).toMatchObject(goodAnswer);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it('hands out the name by which the client reached the process that it asked', async () => {
    const lsb = await start('lsb');
    const sealed = seal.seal({ address: '192.0.2.1', host: 'chat.example' });
    const { body } = await ask(lsb, { headers: { [RELAYED_HEADER]: sealed } });
    expect(body).toMatchObject({ gates: [{ tcp: { host: 'chat.example', port: 3 } }] });
    clock.advance(60_000);
    expect(await ask(lsb, { headers: { [RELAYED_HEADER]: sealed } })).toMatchObject(goodAnswer);
  });
});
