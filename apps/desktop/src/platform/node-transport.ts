import type { GateAddress, Transport } from '../engine/ports.ts';
import { connectTcp } from './tcp-channel.ts';
import { connectWebSocket } from './websocket-channel.ts';

/** TCP where the gate offers it, else WebSocket; or as told, for networks that let only one of them through. */
export function createNodeTransport(kinds: ReadonlyArray<GateAddress['kind']> = ['tcp', 'websocket']): Transport {
  return {
    kinds,
    connect: (address, events) =>
      address.kind === 'tcp' ? connectTcp(address, events) : connectWebSocket(address, events),
  };
}
