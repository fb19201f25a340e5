import { describe, expect, it } from 'vitest';
import type { NodeRecord } from '../registry/contract.ts';
import { clusterGateDirectory, gateAddresses, localGateDirectory } from './gate-directory.ts';
import { gateRecord, httpRecord } from './testing/records.ts';

describe('the address of the local gate', () => {
  const directory = (host: string, more: { advertise?: { tcp: string; ws: string }; secure?: boolean } = {}) =>
    localGateDirectory({
      gateId: 'g',
      host,
      tcpPort: 1,
      wsPort: 2,
      advertise: { tcp: '', ws: '' },
      appIds: ['fastim'],
      channels: ['single'],
      load: () => ({ connections: 3, capacity: 5, accepting: true }),
      accepting: () => false,
      ...more,
    });

  it.each([
    ['127.0.0.1', 'chat.example', '127.0.0.1', 'ws://127.0.0.1:2'],
    ['0.0.0.0', 'chat.example', 'chat.example', 'ws://chat.example:2'],
    ['::', '2001:db8::1', '2001:db8::1', 'ws://[2001:db8::1]:2'],
    ['2001:db8::2', 'chat.example', '2001:db8::2', 'ws://[2001:db8::2]:2'],
  ])('listening on %s and asked as %s is %s', (host, asked, tcpHost, websocket) => {
    expect(directory(host).address('g', asked)).toEqual({ tcp: { host: tcpHost, port: 1 }, websocket });
  });

  it('is what the operator advertises', () => {
    const advertise = { tcp: '[2001:db8::7]:443', ws: 'wss://chat.example/ws' };
    expect(directory('127.0.0.1', { advertise }).address('g', 'x')).toEqual({
      tcp: { host: '2001:db8::7', port: 443 },
      websocket: 'wss://chat.example/ws',
    });
    expect(directory('0.0.0.0', { secure: true }).address('g', 'x')?.websocket).toBe('wss://x:2');
  });

  it('knows no other gate, and that of a process on its way out takes nobody', () => {
    expect(directory('127.0.0.1').address('other', 'x')).toBeUndefined();
    expect(directory('127.0.0.1').gates()).toEqual([
      {
        gateId: 'g',
        connections: 3,
        capacity: 5,
        accepting: false,
        appIds: ['fastim'],
        channels: ['single'],
        grayRules: [],
      },
    ]);
  });
});

describe('the gates of a cluster', () => {
  it('are those that report themselves, where they say they are', () => {
    let nodes: NodeRecord[] = [
      gateRecord('g1', { connections: 7, grayRules: [{ percentage: 5 }] }),
      httpRecord('l', 'http://x'),
    ];
    const directory = clusterGateDirectory({ nodes: () => nodes });
    expect(directory.gates()).toMatchObject([{ gateId: 'g1', connections: 7, grayRules: [{ percentage: 5 }] }]);
    expect(directory.address('g1', 'chat.example')).toEqual({
      tcp: { host: '192.0.2.1', port: 3 },
      websocket: 'ws://192.0.2.1:4',
    });
    expect(directory.address('l', 'chat.example')).toBeUndefined();
    nodes = [];
    expect(directory.gates()).toEqual([]);
    expect(directory.address('g1', 'chat.example')).toBeUndefined();
  });

  it('listening everywhere are reached by the name that the client knows', () => {
    const shown = gateAddresses({ host: '0.0.0.0', tcpPort: 3, wsPort: 4, advertise: { tcp: '', ws: '' } });
    const directory = clusterGateDirectory({
      nodes: () => [gateRecord('g1', shown), gateRecord('g2', { tcp: null, websocket: null })],
    });
    expect(directory.address('g1', 'chat.example')).toEqual({
      tcp: { host: 'chat.example', port: 3 },
      websocket: 'ws://chat.example:4',
    });
    expect(directory.address('g2', 'chat.example')).toEqual({ tcp: null, websocket: null });
  });
});
