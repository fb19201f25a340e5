import { describe, expect, it } from 'vitest';
import { MemoryRouteTable, type Route } from './route-table.ts';

function route(connectionId: number, userId: bigint, gateId = 'gate-1', sessionId = userId * 10n): Route {
  return { connection: { gateId, connectionId }, identity: { userId, deviceId: 'phone', sessionId, epoch: 1 } };
}

describe('MemoryRouteTable', () => {
  it('finds a route by connection, by user and by session', () => {
    const table = new MemoryRouteTable();
    const [a, b, c] = [route(1, 1n), route(2, 1n, 'gate-1', 11n), route(1, 2n, 'gate-2')];
    for (const each of [a, b, c]) table.add(each);
    expect(table.find({ gateId: 'gate-1', connectionId: 1 })).toBe(a);
    expect(table.find({ gateId: 'gate-2', connectionId: 1 })).toBe(c);
    expect(table.ofUser(1n)).toEqual([a, b]);
    expect(table.ofSession(11n)).toEqual([b]);
    expect(table.size).toBe(3);
  });

  it('has nothing of a route that was removed, and says which it was', () => {
    const table = new MemoryRouteTable();
    const [a, b] = [route(1, 1n), route(2, 1n)];
    table.add(a);
    table.add(b);
    expect(table.remove(a.connection)).toBe(a);
    expect(table.remove(a.connection)).toBeUndefined();
    expect(table.find(a.connection)).toBeUndefined();
    expect(table.ofUser(1n)).toEqual([b]);
    expect(table.size).toBe(1);
    table.remove(b.connection);
    expect(table.ofUser(1n)).toEqual([]);
    expect(table.ofSession(10n)).toEqual([]);
  });

  it('does not disturb who goes through the routes of a user while they change', () => {
    const table = new MemoryRouteTable();
    for (const id of [1, 2, 3]) table.add(route(id, 1n));
    const visited: number[] = [];
    for (const each of table.ofUser(1n)) {
      visited.push(each.connection.connectionId);
      table.remove(each.connection);
      table.add(route(each.connection.connectionId + 10, 1n));
    }
    expect(visited).toEqual([1, 2, 3]);
    expect(table.ofUser(1n).map((each) => each.connection.connectionId)).toEqual([11, 12, 13]);
  });

  it('clears all routes of a gate and of no other', () => {
    const table = new MemoryRouteTable();
    const stays = route(1, 1n, 'gate-2');
    for (const each of [route(1, 1n), route(2, 2n), stays]) table.add(each);
    expect(table.removeGate('gate-1')).toHaveLength(2);
    expect(table.removeGate('gate-1')).toEqual([]);
    expect(table.ofUser(1n)).toEqual([stays]);
    expect(table.ofUser(2n)).toEqual([]);
    expect(table.size).toBe(1);
  });

  it('holds one route per connection', () => {
    const table = new MemoryRouteTable();
    table.add(route(1, 1n));
    const again = route(1, 2n);
    table.add(again);
    expect(table.ofUser(1n)).toEqual([]);
    expect(table.ofUser(2n)).toEqual([again]);
    expect(table.size).toBe(1);
  });
});
