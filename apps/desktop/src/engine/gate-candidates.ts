import type { GateAddress, Transport } from './ports.ts';

/** Of each gate the address of the kind that the transport likes best; gates that it cannot reach are left out. */
export function gateCandidates(gates: ReadonlyArray<readonly GateAddress[]>, kinds: Transport['kinds']): GateAddress[] {
  return gates.flatMap((addresses) => {
    for (const kind of kinds) {
      const address = addresses.find((candidate) => candidate.kind === kind);
      if (address) return [address];
    }
    return [];
  });
}
