import { RelaySeal } from '../api/relay-seal.ts';
import { standardGatePolicy } from '../lsb/choose-gate.ts';
import { clusterGateDirectory } from '../lsb/gate-directory.ts';
import { GateOffers } from '../lsb/gate-offers.ts';
import { GateTickets } from '../lsb/gate-ticket.ts';
import { LsbMetrics } from '../lsb/lsb-metrics.ts';
import type { ClusterNode } from './cluster-node.ts';

/** What tells clients where to connect: the same in an LSB and in an API process that no LSB answers. */
export function offerGates(node: ClusterNode): { offers: GateOffers; metrics: LsbMetrics; seal: RelaySeal } {
  const { cluster, clock, random, registry, config } = node;
  const { secret } = config.cluster;
  const metrics = new LsbMetrics(registry);
  const offers = new GateOffers({
    directory: clusterGateDirectory(cluster.directory),
    policy: standardGatePolicy(random),
    tickets: new GateTickets({ clock, random, secret }),
    reservations: cluster.reservations,
    admissions: cluster.admissions,
    random,
    metrics,
  });
  return { offers, metrics, seal: new RelaySeal({ secret, clock }) };
}
