import type { GateRecord, HttpRecord } from '../../registry/contract.ts';

const base = {
  version: '1.0.0',
  clusterVersion: 1,
  pid: 1,
  startedMs: 0,
  clockMs: 0,
  metrics: { host: '127.0.0.1', port: 1 },
};

/** A gate as it reports itself. */
export function gateRecord(nodeId: string, more: Partial<GateRecord> = {}): GateRecord {
  return {
    ...base,
    role: 'gate',
    nodeId,
    name: nodeId,
    inner: { host: '127.0.0.1', port: 2 },
    tcp: { host: '192.0.2.1', port: 3 },
    websocket: 'ws://192.0.2.1:4',
    appIds: ['fastim'],
    channels: ['single', 'group'],
    grayRules: [],
    connections: 0,
    capacity: 1_000,
    accepting: true,
    ...more,
  };
}

export function httpRecord(nodeId: string, url: string, role: HttpRecord['role'] = 'lsb'): HttpRecord {
  return { ...base, role, nodeId, name: nodeId, url };
}
