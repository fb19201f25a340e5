import { describe, expect, it } from 'vitest';
import { clientSessionTable } from './client-session-states.ts';
import { serverSessionTable } from './server-session-states.ts';
import { nextState, type StateTable } from './state-table.ts';

type AnyTable = StateTable<string, string>;

/** States that events lead to from `start`, without those events that need the user or end things. */
function reachable(table: AnyTable, start: string, without: readonly string[] = []): Set<string> {
  const seen = new Set([start]);
  for (const state of seen) {
    for (const [event, next] of Object.entries(table[state] ?? {})) {
      if (next !== undefined && !without.includes(event)) seen.add(next);
    }
  }
  return seen;
}

const states = <State extends string>(table: Record<State, unknown>) => Object.keys(table) as State[];

describe.each([
  ['client', clientSessionTable as AnyTable, 'stopped'],
  ['server', serverSessionTable as AnyTable, 'accepted'],
])('the %s session table', (_name, table, start) => {
  it('reaches every state, and names no state that it does not have', () => {
    expect([...reachable(table, start)].toSorted()).toEqual(Object.keys(table).toSorted());
  });
});

describe('the client session', () => {
  it('comes online on the straight way', () => {
    let state = nextState(clientSessionTable, 'stopped', 'start');
    for (const event of ['located', 'connected', 'loggedIn'] as const)
      state = nextState(clientSessionTable, state!, event);
    expect(state).toBe('online');
  });

  it('gets back online by itself from every state but stopped and ended', () => {
    for (const state of states(clientSessionTable)) {
      const alone = reachable(clientSessionTable as AnyTable, state, ['start', 'stop', 'revoked']);
      expect([state, alone.has('online')]).toEqual([state, state !== 'stopped' && state !== 'ended']);
    }
  });

  it('stops from every state', () => {
    for (const state of states(clientSessionTable)) {
      expect(nextState(clientSessionTable, state, 'stop') ?? state).toBe('stopped');
    }
  });

  it('can fail wherever it waits for somebody else, and then only a retry brings it on', () => {
    for (const state of ['locating', 'connecting', 'loggingIn', 'online', 'refreshing'] as const) {
      expect(nextState(clientSessionTable, state, 'failed')).toBe('waiting');
    }
    expect(Object.keys(clientSessionTable.waiting).toSorted()).toEqual(['retry', 'stop']);
  });

  it('starts again after it was ended, and not by itself', () => {
    expect(clientSessionTable.ended).toEqual({ start: 'locating', stop: 'stopped' });
  });
});

describe('the server session', () => {
  it('ends from every state when the socket is gone, and only then', () => {
    for (const state of states(serverSessionTable)) {
      expect(nextState(serverSessionTable, state, 'gone') ?? state).toBe('closed');
      for (const [event, next] of Object.entries(serverSessionTable[state])) {
        if (next === 'closed') expect(event).toBe('gone');
      }
    }
  });

  it('can be closed and drained in every state before that', () => {
    for (const state of ['accepted', 'authenticating', 'bound', 'draining'] as const) {
      expect(nextState(serverSessionTable, state, 'close')).toBe('closing');
    }
    expect(nextState(serverSessionTable, 'bound', 'drain')).toBe('draining');
  });

  it('is bound only by an accepted login', () => {
    for (const state of states(serverSessionTable)) {
      for (const [event, next] of Object.entries(serverSessionTable[state])) {
        if (next === 'bound') expect([state, event]).toEqual(['authenticating', 'bind']);
      }
    }
    expect(nextState(serverSessionTable, 'authenticating', 'refuse')).toBe('accepted');
    expect(nextState(serverSessionTable, 'bound', 'login')).toBeUndefined();
  });
});
