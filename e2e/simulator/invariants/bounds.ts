import type { System } from '../system.ts';

/** Far more than any run of the simulator may pile up: what passes it grows without bound. */
const MOST_WRITES = 2_000;
const MOST_PACKETS = 5_000;
const MOST_STORE_CALLS = 1_000;

/** No queue grew past its bound at any time (I10). */
export function checkBounds(system: System, report: (invariant: string, message: string) => void): void {
  const { database, nodes, devices } = system;
  if (database.mostQueued > MOST_WRITES) report('I10', `${database.mostQueued} writes waited for the disk`);
  for (const node of nodes) {
    for (const [gate, { mostQueued }] of node.links) {
      if (mostQueued > MOST_PACKETS) report('I10', `${mostQueued} packets waited between ${node.name} and ${gate}`);
    }
  }
  for (const { name, diskStore } of devices) {
    const waiting = diskStore?.mostWaiting ?? 0;
    if (waiting > MOST_STORE_CALLS) report('I10', `${waiting} calls waited for the store of ${name}`);
  }
}
