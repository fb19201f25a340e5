import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

export interface LoopMeasure {
  /** Mean time, since the last call, that something which came at any moment has waited for the event loop. */
  readonly waitMs: number;
  /** Part of the time in which the loop was at work, 0 to 1. */
  readonly busy: number;
}

export interface LoopWaitSource {
  take(): LoopMeasure;
}

/** How often the loop is looked at, by libuv itself: no JavaScript runs for it. */
const RESOLUTION_MS = 5;

/**
 * How long a packet waits in its socket until the event loop comes to it. The time cannot be seen on the packet: it begins
 * in the kernel. But a round of the loop that takes S ms lets what comes during it wait for S / 2 in the mean, so over a time
 * T the mean is the sum of S² / 2, divided by T. Idle rounds count for nothing: what comes then is taken at once.
 *
 * Of a round only the time counts in which this thread had a processor. Where others have it, rounds are long whatever is
 * refused here; a queue that grows for want of it still shows, since the rounds then have more to do.
 */
export class LoopWait implements LoopWaitSource {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #since = performance.now();
  #utilization = performance.eventLoopUtilization();
  #cpu = process.threadCpuUsage();
  #last: LoopMeasure = { waitMs: 0, busy: 0 };

  constructor() {
    this.#histogram.enable();
  }

  take(): LoopMeasure {
    const now = performance.now();
    const elapsed = now - this.#since;
    const { count, mean, stddev } = this.#histogram;
    // In the middle of a long round nothing new is known.
    if (count === 0 || elapsed <= 0) return this.#last;
    const late = Math.max(0, mean / 1e6 - RESOLUTION_MS);
    const spread = stddev / 1e6;
    const utilization = performance.eventLoopUtilization();
    const { utilization: busy } = performance.eventLoopUtilization(utilization, this.#utilization);
    const cpu = process.threadCpuUsage();
    const cpuMs = (cpu.user + cpu.system - this.#cpu.user - this.#cpu.system) / 1_000;
    const own = Math.min(1, cpuMs / Math.max(busy * elapsed, 1));
    this.#histogram.reset();
    this.#cpu = cpu;
    this.#since = now;
    this.#utilization = utilization;
    this.#last = { waitMs: (own * own * count * (late * late + spread * spread)) / (2 * elapsed), busy };
    return this.#last;
  }

  stop(): void {
    this.#histogram.disable();
  }
}
