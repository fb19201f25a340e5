import type { GateCandidate, GateQuestion } from '../choose-gate.ts';

/** A gate that takes everybody. */
export function candidate(gateId: string, more: Partial<GateCandidate> = {}): GateCandidate {
  return {
    gateId,
    connections: 0,
    reservations: 0,
    capacity: 50_000,
    accepting: true,
    appIds: ['fastim'],
    channels: ['single', 'group'],
    grayRules: [],
    ...more,
  };
}

export function question(more: Partial<GateQuestion> = {}): GateQuestion {
  return { userId: 1n, clientVersion: 'test/1.0.0', appId: 'fastim', channel: 'both', ...more };
}
