import type { Faults } from './ledger.ts';

/** What a run found. */
export interface Measurement extends Faults {
  readonly messages: number;
  readonly seconds: number;
  /** Sorted, ms. */
  readonly ackMs: Float64Array;
  readonly deliveryMs: Float64Array;
  /** Times a device came to have the body of a message that another one sent. */
  readonly deliveries: number;
  /** What only this work has. */
  readonly more: Readonly<Record<string, number>>;
}

/** What the measuring needs of the server: it is called at both ends of what counts. */
export interface Window {
  begin(): void;
  end(): void;
}

export interface ServerCost {
  readonly cpuMicros: number;
  readonly rssMb: number;
}

export function summary(work: string, measured: Measurement, { cpuMicros, rssMb }: ServerCost) {
  const { messages, seconds, ackMs, deliveryMs, deliveries, lost, duplicated, misordered, more } = measured;
  return {
    work,
    messages,
    seconds: rounded(seconds, 3),
    perSecond: Math.round(messages / seconds),
    ackP50Ms: rounded(quantile(ackMs, 0.5), 2),
    ackP99Ms: rounded(quantile(ackMs, 0.99), 2),
    deliveryP50Ms: rounded(quantile(deliveryMs, 0.5), 2),
    deliveryP99Ms: rounded(quantile(deliveryMs, 0.99), 2),
    deliveries,
    deliveriesPerSecond: Math.round(deliveries / seconds),
    serverCpuMicrosPerMessage: rounded(cpuMicros / messages, 1),
    serverCpuMicrosPerDelivery: rounded(cpuMicros / deliveries, 2),
    serverRssMb: rounded(rssMb, 1),
    ...more,
    lost,
    duplicated,
    misordered,
  };
}

export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
