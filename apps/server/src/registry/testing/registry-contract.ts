import { seededRandomPort } from '@fastim/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Route } from '../../routing/route-table.ts';
import type { ClusterEvent, ClusterRegistry, NodeRecord } from '../contract.ts';
import { EXPIRY_MS, gateRecord, logicRecord, type RegistryWorld } from './registry-world.ts';

const unavailable = { name: 'RegistryUnavailable' };
const USERS = 1_000;

/** What every registry promises. */
export function registryContract(name: string, makeWorld: () => Promise<RegistryWorld>): void {
  describe(`the registry on ${name}`, () => {
    let world: RegistryWorld;

    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.stop());

    const ids = (registry: ClusterRegistry): string[] =>
      registry.directory
        .nodes()
        .map((node) => node.nodeId)
        .sort();
    const routesOf = async (registry: ClusterRegistry, userId: bigint): Promise<string[]> =>
      (await registry.routes.ofUser(userId)).map((route) => where(route)).sort();

    /** Two logic nodes and a gate that all know of each other. */
    const setUp = async (options: { cachedUsers?: number } = {}) => {
      const [a, b, g] = await Promise.all([
        world.open('a', 'logic', options),
        world.open('b', 'logic', options),
        world.open('g', 'gate'),
      ]);
      const reports = [
        a.directory.announce(() => logicRecord('a')),
        b.directory.announce(() => logicRecord('b')),
        g.directory.announce(() => gateRecord('g')),
      ];
      await Promise.all([a.routes.start(), b.routes.start()]);
      await world.until(() => {
        for (const registry of [a, b, g]) expect(ids(registry)).toEqual(['a', 'b', 'g']);
      });
      return { a, b, g, reports };
    };
    /** Knows the routes from memory. */
    const cached = (registry: ClusterRegistry, userId: bigint): Promise<number> =>
      world.until(async () => {
        await registry.routes.ofUser(userId);
        expect(Array.isArray(registry.routes.ofUser(userId))).toBe(true);
      });

    describe('nodes', () => {
      it('see each other, know themselves before anybody does, and are gone when they stop', async () => {
        const a = await world.open('a');
        const announced = a.directory.announce(() => logicRecord('a', { number: 7 }));
        expect(ids(a)).toEqual(['a']);
        await world.until(() => expect(a.reachable).toBe(true));
        await announced.first;
        const b = await world.open('b');
        await world.until(() => expect(ids(b)).toEqual(['a']));
        expect(b.directory.nodes()[0]).toEqual(logicRecord('a', { number: 7 }));
        await announced.stop();
        await world.until(() => expect(ids(b)).toEqual([]), EXPIRY_MS - 200);
      });

      it('are told of once for each change, and not for a report', async () => {
        const a = await world.open('a');
        const b = await world.open('b');
        let record: NodeRecord = gateRecord('g');
        const pictures: (readonly NodeRecord[])[] = [];
        b.directory.watch((nodes) => pictures.push(nodes));
        const announced = a.directory.announce(() => record);
        await world.until(() => expect(pictures).toHaveLength(1));
        record = gateRecord('g', { connections: 50, clockMs: 99 });
        await world.until(() => expect(b.directory.nodes()[0]).toMatchObject({ connections: 50 }));
        expect(pictures).toHaveLength(1);
        record = gateRecord('g', { accepting: false });
        announced.report();
        await world.until(() => expect(pictures).toHaveLength(2), 900);
        expect(pictures[1]).toMatchObject([{ accepting: false }]);
      });

      it('that say nothing are gone when their time is over, and not before', async () => {
        const { a, b } = await setUp();
        await world.pass(EXPIRY_MS + 1_500);
        world.partition('a', true);
        await world.pass(EXPIRY_MS / 3);
        expect(ids(b)).toContain('a');
        await world.until(() => expect(ids(b)).toEqual(['b', 'g']), EXPIRY_MS + 2_500);
        // The one that was cut off keeps its picture, and is back at once.
        expect(ids(a)).toEqual(['a', 'b', 'g']);
        world.partition('a', false);
        await world.until(() => expect(ids(b)).toEqual(['a', 'b', 'g']), 5_000);
      });

      it('stay in the picture while the registry is away, and after it lost everything', async () => {
        const { a, b, g } = await setUp();
        const missing: string[][] = [];
        for (const registry of [a, b]) {
          registry.directory.watch((nodes) => {
            if (nodes.length < 3) missing.push(nodes.map((node) => node.nodeId));
          });
        }
        await world.down();
        await world.pass(EXPIRY_MS + 1_000);
        expect(ids(a)).toEqual(['a', 'b', 'g']);
        await world.up();
        await world.until(() => expect([a, b, g].every((registry) => registry.reachable)).toBe(true));
        await world.flush();
        await world.pass(EXPIRY_MS + 2_500);
        expect(ids(b)).toEqual(['a', 'b', 'g']);
        expect(missing).toEqual([]);
      });

      it('with a clock that is wrong or set while it runs are there like the others', async () => {
        let skewMs = 3_600_000;
        const [a, b] = await Promise.all([world.open('a', 'logic', { skewMs: () => skewMs }), world.open('b')]);
        a.directory.announce(() => logicRecord('a', { clockMs: world.now() + skewMs }));
        b.directory.announce(() => logicRecord('b', { clockMs: world.now() }));
        await world.until(() =>
          expect([ids(a), ids(b)]).toEqual([
            ['a', 'b'],
            ['a', 'b'],
          ]),
        );
        // Whoever has to judge it sees it.
        expect(b.directory.nodes().find((node) => node.nodeId === 'a')!.clockMs).toBeGreaterThan(
          world.now() + 3_000_000,
        );
        skewMs = -3_600_000;
        await world.pass(EXPIRY_MS + 1_500);
        expect([ids(a), ids(b)]).toEqual([
          ['a', 'b'],
          ['a', 'b'],
        ]);
      });

      it('tell who was refused, the newest first, each once, also after a flush', async () => {
        const { a, b } = await setUp();
        a.directory.refused({ atMs: 1, by: 'a', from: '10.0.0.1', reason: 'wrong secret' });
        b.directory.refused({ atMs: 2, by: 'b', from: '10.0.0.2', reason: 'its clock is off' });
        const expected = [
          { atMs: 2, by: 'b', from: '10.0.0.2', reason: 'its clock is off' },
          { atMs: 1, by: 'a', from: '10.0.0.1', reason: 'wrong secret' },
        ];
        await world.until(async () => expect(await a.directory.intruders()).toEqual(expected));
        await world.flush();
        await world.until(async () => expect(await a.directory.intruders()).toEqual(expected));
        await world.down();
        expect(await a.directory.intruders()).toEqual([expected[1]]);
      });
    });

    describe('orders', () => {
      it('reach every node in order, also the one that gives them', async () => {
        const { a, b, g } = await setUp();
        const heard = [a, b, g].map((registry) => {
          const events: ClusterEvent[] = [];
          registry.bus.subscribe((event) => events.push(event));
          return events;
        });
        const orders: ClusterEvent[] = Array.from({ length: 50 }, (_, index) => ({
          type: 'end-session',
          sessionId: String(index),
          closeCode: 4_000,
        }));
        for (const order of orders) await a.bus.publish(order);
        await world.until(() => expect(heard).toEqual([orders, orders, orders]));
      });

      it('that are questions collect their answers, and end without those that do not come', async () => {
        const { a, b, g } = await setUp();
        for (const registry of [b, g]) {
          registry.bus.subscribe((event) => {
            if (event.type !== 'ask') return;
            const nodeId = registry === b ? 'b' : 'g';
            registry.bus.reply(event.askId, {
              nodeId,
              name: nodeId,
              role: 'logic',
              found: { question: event.question },
            });
          });
        }
        const question = { about: 'message', logId: 7, msgId: null } as const;
        const both = a.bus.ask(question, 2, 30_000);
        let answers: readonly { nodeId: string; found: unknown }[] = [];
        both.then((found) => {
          answers = found;
        });
        await world.until(() => expect(answers).toHaveLength(2));
        expect(answers.map((answer) => answer.nodeId).sort()).toEqual(['b', 'g']);
        expect(answers[0]!.found).toEqual({ question });
        const three = a.bus.ask(question, 3, 500);
        let late: readonly unknown[] | undefined;
        three.then((found) => {
          late = found;
        });
        await world.until(() => expect(late).toHaveLength(2), 3_000);
      });

      it('are refused while the registry is away; when it is back nodes learn since when they were deaf', async () => {
        const { a, b } = await setUp();
        const resumed: number[] = [];
        b.bus.onResumed((lostAtMs) => resumed.push(lostAtMs));
        const beforeMs = world.now();
        await world.down();
        await world.until(async () => {
          const publishing = a.bus.publish({ type: 'show-online', userId: '1' });
          await expect(publishing).rejects.toMatchObject(unavailable);
        });
        await world.up();
        await world.until(() => expect(resumed).toHaveLength(1));
        expect(resumed[0]).toBeGreaterThanOrEqual(beforeMs);
        expect(resumed[0]).toBeLessThanOrEqual(world.now());
      });
    });

    describe('routes', () => {
      it('of one node are found by another, first asked for and then from memory, and follow every change', async () => {
        const { a, b } = await setUp();
        const one = routeOf(1n, 'g', 1);
        a.routes.add(one);
        await a.routes.written(one.connection);
        expect(await routesOf(b, 1n)).toEqual(['g/1']);
        await cached(b, 1n);
        expect((await b.routes.ofUser(1n))[0]).toEqual(one);
        // The same object, by which pushes are merged.
        expect((await b.routes.ofUser(1n))[0]).toBe((await b.routes.ofUser(1n))[0]);
        const two = routeOf(1n, 'g', 2, 'tablet');
        b.routes.add(two);
        expect((await b.routes.ofUser(1n)).map(where)).toEqual(['g/2', 'g/1']);
        await world.until(async () => expect(await routesOf(a, 1n)).toEqual(['g/1', 'g/2']));
        expect(a.routes.remove(one.connection)).toBe(one);
        expect(a.routes.remove(one.connection)).toBeUndefined();
        await world.until(() => expect(b.routes.ofUser(1n)).toEqual([two]));
        expect([a.routes.size, b.routes.size]).toEqual([0, 1]);
        expect(b.routes.ofSession(two.identity.sessionId)).toEqual([two]);
        expect(a.routes.ofSession(two.identity.sessionId)).toEqual([]);
      });

      it('tell when a user comes and goes, whichever node it was', async () => {
        const { a, b } = await setUp();
        const told: string[] = [];
        a.routes.watch((userId, online) => told.push(`${userId} ${online}`));
        expect(await routesOf(a, 5n)).toEqual([]);
        const one = routeOf(5n, 'g', 1);
        const two = routeOf(5n, 'g', 2, 'tablet');
        b.routes.add(one);
        b.routes.add(two);
        await world.until(() => expect(told).toEqual(['5 true']));
        b.routes.remove(one.connection);
        await b.routes.written(two.connection);
        a.routes.add(routeOf(5n, 'g', 3, 'desk'));
        b.routes.remove(two.connection);
        await world.until(async () => expect(await routesOf(a, 5n)).toEqual(['g/3']));
        expect(told).toEqual(['5 true']);
        a.routes.remove({ gateId: 'g', connectionId: 3 });
        await world.until(() => expect(told).toEqual(['5 true', '5 false']));
        // Also of somebody whom nobody asked for.
        b.routes.add(routeOf(6n, 'g', 4));
        await world.until(() => expect(told.at(-1)).toBe('6 true'));
        b.routes.remove({ gateId: 'g', connectionId: 4 });
        await world.until(() => expect(told.at(-1)).toBe('6 false'));
      });

      it('of a gate that is gone, or of a node that is, are left out, taken away, and told of', async () => {
        const { a, b, reports } = await setUp();
        const c = await world.open('c', 'gate');
        const gate = c.directory.announce(() => gateRecord('c'));
        await world.until(() =>
          expect([ids(a), ids(b)]).toEqual([
            ['a', 'b', 'c', 'g'],
            ['a', 'b', 'c', 'g'],
          ]),
        );
        const told: string[] = [];
        b.routes.watch((userId, online) => told.push(`${userId} ${online}`));
        a.routes.add(routeOf(1n, 'c', 1));
        a.routes.add(routeOf(2n, 'g', 2));
        await a.routes.written({ gateId: 'g', connectionId: 2 });
        expect([await routesOf(b, 1n), await routesOf(b, 2n)]).toEqual([['c/1'], ['g/2']]);
        await world.pass(EXPIRY_MS + 500);
        await gate.stop();
        await world.until(async () => expect(await routesOf(b, 1n)).toEqual([]));
        await world.until(() => expect(told).toContain('1 false'));
        expect(await routesOf(b, 2n)).toEqual(['g/2']);
        world.partition('a', true);
        await reports[0]!.stop();
        await world.until(() => expect(told).toContain('2 false'));
        expect(await routesOf(b, 2n)).toEqual([]);
        await world.until(async () => {
          expect(await b.routes.page({ userId: null, gateId: null, limit: 10 })).toEqual([]);
        });
      });

      it('of a gate are removed together', async () => {
        const { a, b } = await setUp();
        for (let user = 1; user <= 20; user += 1) a.routes.add(routeOf(BigInt(user), user % 2 ? 'g' : 'other', user));
        expect(a.routes.removeGate('g')).toHaveLength(10);
        expect(a.routes.size).toBe(10);
        await world.until(async () => expect(await routesOf(b, 1n)).toEqual([]));
      });

      it('can be removed by a node that only heard of them: a newer connection of the device is elsewhere', async () => {
        const { a, b } = await setUp();
        const old = routeOf(1n, 'g', 1);
        a.routes.add(old);
        await a.routes.written(old.connection);
        expect(await routesOf(b, 1n)).toEqual(['g/1']);
        expect(b.routes.remove(old.connection)).toEqual(old);
        expect(await routesOf(b, 1n)).toEqual([]);
        a.routes.remove(old.connection);
        await world.until(async () => {
          expect(await b.routes.page({ userId: 1n, gateId: null, limit: 10 })).toEqual([]);
        });
      });

      it('that are not known reject while the registry is away; those that are known go on, and log-ins wait', async () => {
        const { a, b } = await setUp();
        a.routes.add(routeOf(1n, 'g', 1));
        a.routes.add(routeOf(2n, 'g', 2));
        await a.routes.written({ gateId: 'g', connectionId: 2 });
        expect(await routesOf(b, 1n)).toEqual(['g/1']);
        await cached(b, 1n);
        await world.down();
        await world.until(() => expect([a.reachable, b.reachable]).toEqual([false, false]));
        expect((b.routes.ofUser(1n) as readonly Route[]).map(where)).toEqual(['g/1']);
        await expect(Promise.resolve(b.routes.ofUser(2n))).rejects.toMatchObject(unavailable);
        const late = routeOf(3n, 'g', 3);
        b.routes.add(late);
        await expect(b.routes.written(late.connection)).rejects.toMatchObject(unavailable);
        a.routes.remove({ gateId: 'g', connectionId: 1 });
        await world.up();
        await world.until(async () => expect(await routesOf(b, 1n)).toEqual([]));
        await world.until(async () => expect(await routesOf(a, 3n)).toEqual(['g/3']));
        await world.until(() => b.routes.written(late.connection));
      });

      it(`of ${USERS} users are back within 15 s after the registry lost everything`, async () => {
        const { a, b } = await setUp();
        for (let user = 1; user <= USERS; user += 1) {
          (user % 2 ? a : b).routes.add(routeOf(BigInt(user), 'g', user));
        }
        const all = () => a.routes.page({ userId: null, gateId: null, limit: 2 * USERS });
        await world.until(async () => expect(await all()).toHaveLength(USERS));
        expect(await routesOf(a, 2n)).toEqual(['g/2']);
        await cached(a, 2n);
        await world.flush();
        const tookMs = await world.until(async () => {
          expect(await all()).toHaveLength(USERS);
          // What was known meanwhile was not forgotten.
          expect((a.routes.ofUser(2n) as readonly Route[]).map(where)).toEqual(['g/2']);
        }, 15_000);
        expect(tookMs).toBeLessThan(15_000);
        await world.pass(EXPIRY_MS);
        expect(await routesOf(b, 1n)).toEqual(['g/1']);
      });

      it('are kept for a bounded number of users, those used last and those connected here', async () => {
        const { a } = await setUp({ cachedUsers: 10 });
        a.routes.add(routeOf(1n, 'g', 1));
        await a.routes.written({ gateId: 'g', connectionId: 1 });
        for (let user = 100n; user < 140n; user += 1n) expect(await routesOf(a, user)).toEqual([]);
        expect(Array.isArray(a.routes.ofUser(1n))).toBe(true);
        expect(Array.isArray(a.routes.ofUser(139n))).toBe(true);
        expect(Array.isArray(a.routes.ofUser(100n))).toBe(false);
      });

      it('are listed by user, by gate and up to a limit', async () => {
        const { a, b } = await setUp();
        for (let user = 1; user <= 30; user += 1) a.routes.add(routeOf(BigInt(user % 10), user % 3 ? 'g' : 'h', user));
        await a.routes.written({ gateId: 'h', connectionId: 30 });
        expect(await b.routes.page({ userId: 4n, gateId: null, limit: 10 })).toHaveLength(3);
        expect(await b.routes.page({ userId: null, gateId: null, limit: 7 })).toHaveLength(7);
        const [first] = await b.routes.page({ userId: 4n, gateId: 'g', limit: 10 });
        expect(first).toMatchObject({ logicNodeId: 'a', identity: { userId: 4n }, connection: { gateId: 'g' } });
      });
    });

    describe('node numbers', () => {
      const GRACE_MS = 12_000;
      /** The storage's side: every holder of a number raises its fence. */
      const storage = () => {
        const fences = new Map<number, bigint>();
        return {
          fences,
          takeNumber: async (number: number) => {
            const fence = (fences.get(number) ?? 0n) + 1n;
            fences.set(number, fence);
            return fence;
          },
        };
      };
      const lease = async (registry: ClusterRegistry, takeNumber: (number: number) => Promise<bigint>) => {
        const leasing = registry.leaseNumber({ takeNumber, graceMs: GRACE_MS });
        let got: Awaited<typeof leasing> | undefined;
        leasing.then((each) => {
          got = each;
        });
        await world.until(() => expect(got).toBeDefined(), 10_000);
        return got!;
      };

      it('are of one holder each, and survive a flush', async () => {
        const { takeNumber, fences } = storage();
        const nodes = await Promise.all(['a', 'b', 'c', 'd'].map((nodeId) => world.open(nodeId)));
        const leases = await Promise.all(nodes.map((node) => lease(node, takeNumber)));
        const numbers = leases.map((each) => each.number);
        expect(new Set(numbers).size).toBe(4);
        for (const number of numbers) expect(number).toSatisfy((n: number) => n >= 0 && n < 1_024);
        const changes: number[] = [];
        for (const each of leases) each.onChange(() => changes.push(each.number));
        await world.flush();
        await world.pass(5_000);
        expect(leases.map((each) => [each.number, each.held, each.fence])).toEqual(numbers.map((n) => [n, true, 1n]));
        expect(changes).toEqual([]);
        expect([...fences.values()]).toEqual([1n, 1n, 1n, 1n]);
      });

      it('that the storage refuses are given up for another', async () => {
        const { takeNumber } = storage();
        const held = await lease(await world.open('a'), takeNumber);
        const [number, fence] = [held.number, held.fence];
        let changes = 0;
        held.onChange(() => {
          changes += 1;
        });
        held.giveUp(fence + 1n);
        expect(held.held).toBe(true);
        held.giveUp(fence);
        expect([held.held, held.number, changes]).toEqual([false, -1, 1]);
        await world.until(() => expect(held.held).toBe(true));
        expect(held.number).not.toBe(number);
        expect(changes).toBe(2);
      });

      it('stay good while the registry is away, until the grace is over; then nobody has them', async () => {
        const { takeNumber } = storage();
        const held = await lease(await world.open('a'), takeNumber);
        await world.down();
        await world.pass(GRACE_MS / 4);
        expect(held.held).toBe(true);
        await world.until(() => expect(held.held).toBe(false), GRACE_MS);
        expect(held.number).toBe(-1);
        await world.up();
        await world.until(() => expect(held.held).toBe(true));
      });

      it('of a node that was cut off are not given to another while they may be used', async () => {
        const { takeNumber } = storage();
        // Both would choose the same.
        const random = { ...seededRandomPort(5), fraction: () => 0.3 };
        const [a, b] = await Promise.all([world.open('a', 'logic', { random }), world.open('b', 'logic', { random })]);
        const held = await lease(a, takeNumber);
        const { number } = held;
        world.partition('a', true);
        const other = await lease(b, takeNumber);
        expect(held.held).toBe(true);
        expect(other.number).not.toBe(number);
        await world.until(() => expect(held.held).toBe(false), GRACE_MS);
        world.partition('a', false);
        await world.until(() => expect(held.held).toBe(true));
      });

      it('held by two after a flush behind the back of one: the storage decides for the younger', async () => {
        const { takeNumber, fences } = storage();
        // Both choose the same.
        const random = { ...seededRandomPort(5), fraction: () => 0.3 };
        const [a, b] = await Promise.all([world.open('a', 'logic', { random }), world.open('b', 'logic', { random })]);
        const old = await lease(a, takeNumber);
        const [number, fence] = [old.number, old.fence];
        world.partition('a', true);
        await world.flush();
        const young = await lease(b, takeNumber);
        expect([young.number, young.fence]).toEqual([number, fence + 1n]);
        // Within its grace the other does not know; what it wants to store is refused, and it says so here.
        expect(old.held).toBe(true);
        expect(fences.get(number)).toBeGreaterThan(old.fence);
        old.giveUp(old.fence);
        expect(old.held).toBe(false);
        world.partition('a', false);
        await world.until(() => expect(old.held).toBe(true));
        expect(old.number).not.toBe(number);
        expect([young.number, young.held]).toEqual([number, true]);
      });

      it('are not lost when the clock is set, and two nodes never use one at once', async () => {
        const { takeNumber } = storage();
        let skewMs = 0;
        const [a, b] = await Promise.all([world.open('a', 'logic', { skewMs: () => skewMs }), world.open('b')]);
        const [held, other] = await Promise.all([lease(a, takeNumber), lease(b, takeNumber)]);
        const number = held.number;
        skewMs = -3_600_000;
        await world.pass(4_000);
        expect([held.held, held.number]).toEqual([true, number]);
        skewMs = 3_600_000;
        // As after a sleep of the machine: not used before it was renewed.
        expect(held.held).toBe(false);
        await world.until(() => expect(held.held).toBe(true));
        expect(held.number).not.toBe(other.number);
      });

      it('are tried again when the storage is away, and given back at the end', async () => {
        let broken = true;
        const { takeNumber } = storage();
        const a = await world.open('a');
        const leasing = lease(a, async (number) => {
          if (broken) throw new Error('the database is away');
          return takeNumber(number);
        });
        await world.pass(1_500);
        broken = false;
        const held = await leasing;
        expect(held.fence).toBe(1n);
        await held.stop();
        await held.stop();
        expect(held.held).toBe(false);
      });
    });

    describe('admissions', () => {
      it('are of one bucket for all, with a turn of its own for each who waits, up to a limit', async () => {
        const admissions = { perSecond: 10, burst: 20 };
        const [a, b] = [await world.open('a', 'lsb', { admissions }), await world.open('b', 'lsb', { admissions })];
        await world.until(() => expect([a.reachable, b.reachable]).toEqual([true, true]));
        const delays: number[] = [];
        for (let turn = 0; turn < 60; turn += 1) delays.push((await (turn % 2 ? a : b).admissions.take()).delayMs);
        expect(delays.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
        expect(delays.at(-1)).toBeGreaterThan(3_000);
        expect(delays.at(-1)).toBeLessThanOrEqual(4_000);
        let refused = 0;
        for (let turn = 0; turn < 300; turn += 1) refused += (await a.admissions.take()).admitted ? 0 : 1;
        expect(refused).toBeGreaterThan(20);
      });

      it('go on with a part of the rate for each while the registry is away', async () => {
        const admissions = { perSecond: 10, burst: 20 };
        const [a, b] = [await world.open('a', 'lsb', { admissions }), await world.open('b', 'lsb', { admissions })];
        for (const [registry, nodeId] of [
          [a, 'a'],
          [b, 'b'],
        ] as const) {
          registry.directory.announce(() => ({
            ...logicRecord(nodeId),
            role: 'lsb' as const,
            url: 'http://127.0.0.1:1',
          }));
        }
        await world.until(() =>
          expect([ids(a), ids(b)]).toEqual([
            ['a', 'b'],
            ['a', 'b'],
          ]),
        );
        await world.down();
        const taken: { delayMs: number }[] = [];
        for (let turn = 0; turn < 12; turn += 1) taken.push(await a.admissions.take());
        expect(taken.slice(0, 10).every((each) => each.delayMs === 0)).toBe(true);
        expect(taken.at(-1)!.delayMs).toBeGreaterThan(0);
      });
    });

    describe('reservations', () => {
      it('of all LSBs count, until they arrive or their time is over', async () => {
        const reservationMs = 4_000;
        const [a, b] = [
          await world.open('a', 'lsb', { reservationMs }),
          await world.open('b', 'lsb', { reservationMs }),
        ];
        a.directory.announce(() => gateRecord('g'));
        await world.until(() => expect([ids(a), ids(b)]).toEqual([['g'], ['g']]));
        expect(b.reservations.count('g')).toBe(0);
        for (let user = 1n; user <= 5n; user += 1n) a.reservations.add('g', user);
        b.reservations.add('g', 6n);
        expect(a.reservations.count('g')).toBe(5);
        await world.until(() => expect([a.reservations.count('g'), b.reservations.count('g')]).toEqual([6, 6]), 3_000);
        b.reservations.arrived('g');
        expect(b.reservations.count('g')).toBe(5);
        await world.until(() => expect(a.reservations.count('g')).toBe(5), 3_000);
        await world.until(() => expect([a.reservations.count('g'), b.reservations.count('g')]).toEqual([0, 0]));
      });
    });
  });
}

function routeOf(userId: bigint, gateId: string, connectionId: number, deviceId = 'phone'): Route {
  return {
    connection: { gateId, connectionId },
    identity: { userId, deviceId, sessionId: userId * 1_000n + BigInt(connectionId), epoch: 1 },
  };
}

function where({ connection }: Route): string {
  return `${connection.gateId}/${connection.connectionId}`;
}
