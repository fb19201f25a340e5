import type { GateAddress, Transport } from './ports.ts';

/** A gate as the LSB offered it: the addresses of its channel kinds, and the ticket for it. */
export interface OfferedGate {
  readonly addresses: readonly GateAddress[];
  readonly ticket: string;
}

/** One way to one gate. */
export interface GateCandidate {
  readonly address: GateAddress;
  readonly ticket: string;
}

/** Of each gate the address of the kind that the transport likes best; gates that it cannot reach are left out. */
export function gateCandidates(gates: readonly OfferedGate[], kinds: Transport['kinds']): GateCandidate[] {
  return gates.flatMap(({ addresses, ticket }) => {
    for (const kind of kinds) {
      const address = addresses.find((candidate) => candidate.kind === kind);
      if (address) return [{ address, ticket }];
    }
    return [];
  });
}
