import { describe, expect, it } from 'vitest';
import { gateCandidates } from './gate-candidates.ts';

describe('the ways to the gates offered', () => {
  const tcp = { kind: 'tcp', host: 'a', port: 1 } as const;
  const websocket = { kind: 'websocket', url: 'ws://a' } as const;

  it('are one to each gate, with its own ticket, of the kind that is liked best', () => {
    const gates = [
      { addresses: [websocket, tcp], ticket: 'first' },
      { addresses: [websocket], ticket: 'second' },
      { addresses: [], ticket: 'third' },
    ];
    expect(gateCandidates(gates, ['tcp', 'websocket'])).toEqual([
      { address: tcp, ticket: 'first' },
      { address: websocket, ticket: 'second' },
    ]);
    expect(gateCandidates(gates, ['tcp'])).toEqual([{ address: tcp, ticket: 'first' }]);
  });
});
