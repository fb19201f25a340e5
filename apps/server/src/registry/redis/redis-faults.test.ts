import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Route } from '../../routing/route-table.ts';
import { RegistryUnavailable } from '../contract.ts';
import { redisServerBinary } from '../testing/redis-server.ts';
import { gateRecord, logicRecord, type RegistryWorld, redisWorld } from '../testing/registry-world.ts';

function routeOf(userId: number, connectionId: number): Route {
  return {
    connection: { gateId: 'g', connectionId },
    identity: { userId: BigInt(userId), deviceId: 'phone', sessionId: BigInt(connectionId), epoch: 1 },
  };
}

describe.skipIf(!redisServerBinary)('what can happen to Redis', () => {
  let world: RegistryWorld;
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);

  beforeEach(async () => {
    rejections.length = 0;
    process.on('unhandledRejection', note);
    world = await redisWorld();
  });
  afterEach(async () => {
    await world.stop();
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  const setUp = async () => {
    const [a, b] = await Promise.all([world.open('a'), world.open('b')]);
    a.directory.announce(() => logicRecord('a'));
    b.directory.announce(() => logicRecord('b'));
    b.directory.announce(() => gateRecord('g'));
    await Promise.all([a.routes.start(), b.routes.start()]);
    await world.until(() => {
      for (const registry of [a, b]) expect(registry.directory.nodes()).toHaveLength(3);
    });
    return { a, b };
  };

  it('it is not there when nodes start: they wait, and go on when it comes', async () => {
    await world.down();
    const a = await world.open('a');
    const { first } = a.directory.announce(() => logicRecord('a'));
    let isFirst = false;
    first.then(() => {
      isFirst = true;
    });
    await a.routes.start();
    a.routes.add(routeOf(1, 1));
    await expect(a.routes.written({ gateId: 'g', connectionId: 1 })).rejects.toBeInstanceOf(RegistryUnavailable);
    await world.pass(1_500);
    expect([isFirst, a.reachable]).toEqual([false, false]);
    await world.up();
    await world.until(() => expect([isFirst, a.reachable]).toEqual([true, true]), 5_000);
    await world.until(() => a.routes.written({ gateId: 'g', connectionId: 1 }), 5_000);
  });

  it('it hangs: calls fail, soon at once, and chat goes on; it goes on: everything is as it was', async () => {
    const { a, b } = await setUp();
    a.routes.add(routeOf(1, 1));
    await a.routes.written({ gateId: 'g', connectionId: 1 });
    await b.routes.ofUser(1n);
    await world.until(() => expect(Array.isArray(b.routes.ofUser(1n))).toBe(true));
    await world.down(true);
    await world.until(() => expect([a.reachable, b.reachable]).toEqual([false, false]), 6_000);
    const startedMs = performance.now();
    await expect(Promise.resolve(b.routes.ofUser(9n))).rejects.toBeInstanceOf(RegistryUnavailable);
    await expect(b.bus.publish({ type: 'show-online', userId: '1' })).rejects.toBeInstanceOf(RegistryUnavailable);
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect((b.routes.ofUser(1n) as readonly Route[]).map((route) => route.connection.connectionId)).toEqual([1]);
    // What is done meanwhile waits in memory, and does not grow with every call.
    for (let turn = 0; turn < 20_000; turn += 1) b.directory.refused({ atMs: turn, by: 'b', from: 'x', reason: 'y' });
    a.routes.add(routeOf(2, 2));
    a.routes.remove({ gateId: 'g', connectionId: 1 });
    await world.up();
    await world.until(async () => {
      const routes = await b.routes.page({ userId: null, gateId: null, limit: 10 });
      expect(routes.map((route) => route.connection.connectionId)).toEqual([2]);
      expect(await b.routes.ofUser(1n)).toEqual([]);
    });
    expect(await b.directory.intruders()).toHaveLength(200);
  });

  it('one node is cut off without a word: it notices, catches up, and says since when it was deaf', async () => {
    const { a, b } = await setUp();
    const resumed: number[] = [];
    b.bus.onResumed((lostAtMs) => resumed.push(lostAtMs));
    const told: string[] = [];
    b.routes.watch((userId, online) => told.push(`${userId} ${online}`));
    a.routes.add(routeOf(1, 1));
    await a.routes.written({ gateId: 'g', connectionId: 1 });
    await b.routes.ofUser(1n);
    await world.until(() => expect(Array.isArray(b.routes.ofUser(1n))).toBe(true));
    world.silence('b', true);
    const cutMs = world.now();
    a.routes.add(routeOf(1, 2));
    a.routes.remove({ gateId: 'g', connectionId: 1 });
    a.routes.add(routeOf(3, 3));
    await world.until(() => expect(b.reachable).toBe(false), 8_000);
    world.silence('b', false);
    await world.until(() => expect(resumed).toHaveLength(1));
    expect(resumed[0]).toBeGreaterThanOrEqual(cutMs);
    await world.until(async () => {
      expect((await b.routes.ofUser(1n)).map((route) => route.connection.connectionId)).toEqual([2]);
    });
    expect(told.filter((each) => each.endsWith('false'))).toEqual([]);
  });

  it('it is flushed again and again while routes come and go: in the end it has what is there', async () => {
    const { a, b } = await setUp();
    for (let round = 0; round < 5; round += 1) {
      for (let user = 0; user < 100; user += 1) a.routes.add(routeOf(user, round * 100 + user));
      const writing = a.routes.written({ gateId: 'g', connectionId: round * 100 });
      await world.flush();
      await writing;
      for (let user = 0; user < 50; user += 1) a.routes.remove({ gateId: 'g', connectionId: round * 100 + user });
      await world.pass(200);
    }
    await world.until(async () => {
      const found = await b.routes.page({ userId: null, gateId: null, limit: 2_000 });
      const expected = [0, 1, 2, 3, 4].flatMap((round) => Array.from({ length: 50 }, (_, i) => round * 100 + 50 + i));
      expect(found.map((route) => route.connection.connectionId).sort((x, y) => x - y)).toEqual(expected);
    }, 15_000);
  });

  it('another process took the number: it is given up, another is had', async () => {
    const a = await world.open('a');
    let fence = 0n;
    const held = await a.leaseNumber({
      takeNumber: async () => {
        fence += 1n;
        return fence;
      },
      graceMs: 60_000,
    });
    const { number } = held;
    const changes: number[] = [];
    held.onChange(() => changes.push(held.number));
    await world.raw('SET', `{test}:number:${number}`, 'somebody else');
    await world.until(() => expect(changes).toHaveLength(2));
    expect(changes[0]).toBe(-1);
    expect(held.number).not.toBe(number);
    expect(held.fence).toBe(2n);
  });

  it('somebody wrote what is none: it is left alone, and the rest goes on', async () => {
    const { a, b } = await setUp();
    await world.raw('SADD', '{test}:nodes', 'x', 'y');
    await world.raw('SET', '{test}:node:x', '{"role":"gate"}');
    await world.raw('SET', '{test}:node:y', 'not json');
    for (const channel of ['bus', 'routes', 'replies:a', 'nodes']) {
      for (const text of ['', '{', '[]', '{"type":"end-session","sessionId":"x"}', '[["1"]]', 'null']) {
        await world.raw('PUBLISH', `{test}:${channel}`, text);
      }
    }
    await world.raw(
      'HSET',
      '{test}:user:5',
      'nothing',
      'x',
      'g/1',
      '["a"]',
      'g/x',
      '["a","d","1",1]',
      'g/7',
      '["b","d","1",1]',
    );
    await world.raw('SET', '{test}:user:6', 'no hash');
    a.routes.add(routeOf(1, 1));
    await a.routes.written({ gateId: 'g', connectionId: 1 });
    expect((await b.routes.ofUser(1n)).map((route) => route.connection.connectionId)).toEqual([1]);
    expect((await a.routes.ofUser(5n)).map((route) => route.connection.connectionId)).toEqual([7]);
    await expect(Promise.resolve(a.routes.ofUser(6n))).rejects.toBeInstanceOf(RegistryUnavailable);
    await world.pass(1_200);
    expect(a.directory.nodes()).toHaveLength(3);
  });
});
