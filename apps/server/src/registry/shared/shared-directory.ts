import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import type { Intruder, NodeDirectory, NodeRecord } from '../contract.ts';
import { readIntruder, readNodeRecord, standingOf } from './node-records.ts';
import type { Pulse } from './pulse.ts';
import { channels, type Look, MAX_INTRUDERS, type RegistryBackend } from './registry-backend.ts';

const GONE = 'gone ';
/** A report that did not arrive is tried again after this. */
const REPORT_AGAIN_MS = 500;
const MAX_SUSPECTS = 10_000;

interface Announcement {
  current(): NodeRecord;
  report(): void;
  nodeId: string;
}

/**
 * The nodes in the registry, by one look a second.
 *
 * After an outage or a flush the others have to report first: who was in the picture stays in it for `nodeExpiryMs` more.
 * So nobody is thought dead because of what happened to the registry.
 */
export class SharedDirectory implements NodeDirectory {
  readonly #backend: RegistryBackend;
  readonly #pulse: Pulse;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #reportMs: number;
  readonly #nodeExpiryMs: number;
  readonly #selfName: string;
  readonly #announcements = new Set<Announcement>();
  readonly #listeners = new Set<(nodes: readonly NodeRecord[]) => void>();
  #seen = new Map<string, NodeRecord>();
  #standing = new Map<string, string>();
  /** The picture is too old, or too new, to say that somebody is gone. */
  #fresh = false;
  #grace = false;
  #cancelGrace: (() => void) | undefined;
  #lastLook = 0;
  /** Nodes that are not in the picture, and the look that was the latest when somebody asked. */
  readonly #suspects = new Map<string, number>();
  readonly #ownIntruders: string[] = [];
  #unsentIntruders: string[] = [];
  #sendingIntruders = false;
  readonly #pretenders = new Set<string>();
  readonly #malformed = new Set<string>();
  /** Rises with every change of who is there. */
  generation = 0;

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    clock: Clock;
    logger: Logger;
    reportMs: number;
    nodeExpiryMs: number;
    selfName: string;
  }) {
    this.#backend = options.backend;
    this.#pulse = options.pulse;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#reportMs = options.reportMs;
    this.#nodeExpiryMs = options.nodeExpiryMs;
    this.#selfName = options.selfName;
    this.#pulse.listen({
      looked: (look, number) => this.#looked(look, number),
      failed: () => {
        this.#fresh = false;
      },
      rewrite: () => this.#rewrite(),
      message: (channel, text) => {
        if (channel === channels.nodes && text.startsWith(GONE)) this.#gone(text.slice(GONE.length));
      },
    });
  }

  nodes(): readonly NodeRecord[] {
    const nodes = new Map(this.#seen);
    for (const announcement of this.#announcements) nodes.set(announcement.nodeId, announcement.current());
    return [...nodes.values()];
  }

  watch(listener: (nodes: readonly NodeRecord[]) => void): () => void {
    const own = (nodes: readonly NodeRecord[]): void => listener(nodes);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /**
   * alive: in the picture. gone: not there, by a look that was started after the first question about it. unsure: the
   * picture does not say.
   */
  standing(nodeId: string): 'alive' | 'gone' | 'unsure' {
    if (this.#standing.has(nodeId)) return 'alive';
    for (const announcement of this.#announcements) if (announcement.nodeId === nodeId) return 'alive';
    if (!this.#fresh || this.#grace) return 'unsure';
    const suspectedAt = this.#suspects.get(nodeId);
    if (suspectedAt === undefined) {
      this.#suspect(nodeId, this.#pulse.looks);
      this.#pulse.lookSoon();
      return 'unsure';
    }
    return this.#lastLook > suspectedAt ? 'gone' : 'unsure';
  }

  announce(current: () => NodeRecord): { first: Promise<void>; report(): void; stop(): Promise<void> } {
    const first = Promise.withResolvers<void>();
    const { nodeId } = current();
    let stopped = false;
    let sending: Promise<void> | undefined;
    let again = false;
    let told = '';
    let cancel: (() => void) | undefined;
    const report = (): void => {
      if (stopped) return;
      if (sending) {
        again = true;
        return;
      }
      cancel?.();
      again = false;
      const record = current();
      const standing = standingOf(record);
      sending = this.#backend
        .report(nodeId, JSON.stringify(record), this.#nodeExpiryMs, standing !== told)
        .then(
          () => {
            told = standing;
            first.resolve();
            return this.#reportMs;
          },
          () => Math.min(REPORT_AGAIN_MS, this.#reportMs),
        )
        .then((nextMs) => {
          sending = undefined;
          if (again) report();
          else if (!stopped) cancel = this.#clock.setTimer(nextMs, report);
        });
    };
    const announcement: Announcement = {
      current,
      nodeId,
      report: () => {
        told = '';
        report();
      },
    };
    this.#announcements.add(announcement);
    this.#changed();
    report();
    return {
      first: first.promise,
      report: () => {
        this.#changed();
        report();
      },
      stop: async () => {
        if (stopped) return;
        stopped = true;
        cancel?.();
        // Whoever waits for the first report of a node that stops waits for nothing.
        first.resolve();
        await sending;
        this.#announcements.delete(announcement);
        this.#seen.delete(nodeId);
        this.#changed();
        try {
          await this.#backend.withdraw(nodeId);
          await this.#backend.publish(channels.nodes, `${GONE}${nodeId}`);
        } catch {
          // It expires.
        }
      },
    };
  }

  refused(intruder: Intruder): void {
    const text = JSON.stringify({
      ...intruder,
      from: intruder.from.slice(0, 1_000),
      reason: intruder.reason.slice(0, 1_000),
    });
    keepNewest(this.#ownIntruders, text);
    keepNewest(this.#unsentIntruders, text);
    this.#sendIntruders();
  }

  async intruders(): Promise<readonly Intruder[]> {
    let texts: readonly string[];
    try {
      texts = await this.#backend.intruders();
    } catch {
      texts = [];
    }
    const all = new Set([...texts, ...this.#ownIntruders]);
    return [...all]
      .flatMap((text) => readIntruder(text) ?? [])
      .sort((left, right) => right.atMs - left.atMs)
      .slice(0, MAX_INTRUDERS);
  }

  stop(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
  }

  #rewrite(): void {
    this.#grace = true;
    this.#cancelGrace?.();
    this.#cancelGrace = this.#clock.setTimer(this.#nodeExpiryMs, () => {
      this.#cancelGrace = undefined;
      this.#grace = false;
      this.#pulse.lookSoon();
    });
    for (const announcement of this.#announcements) announcement.report();
    this.#unsentIntruders = [...this.#ownIntruders];
    this.#sendIntruders();
  }

  #looked(look: Look, number: number): void {
    const seen = new Map<string, NodeRecord>();
    for (const text of look.nodes) {
      const record = readNodeRecord(text);
      if (record) seen.set(record.nodeId, record);
      else this.#complainOnce(text);
    }
    for (const [nodeId, record] of this.#seen) {
      if (seen.has(nodeId)) continue;
      if (this.#grace) seen.set(nodeId, record);
      else this.#suspect(nodeId, number - 1);
    }
    this.#seen = seen;
    this.#fresh = true;
    this.#lastLook = number;
    for (const nodeId of seen.keys()) this.#suspects.delete(nodeId);
    for (const announcement of this.#announcements) this.#checkOwn(announcement);
    this.#changed();
  }

  #gone(nodeId: string): void {
    if (!this.#seen.delete(nodeId)) return;
    // It said so itself: no look has to confirm it.
    this.#suspect(nodeId, -1);
    this.#changed();
  }

  #changed(): void {
    const nodes = this.nodes();
    const standing = new Map(nodes.map((record) => [record.nodeId, standingOf(record)]));
    const before = this.#standing;
    let same = before.size === standing.size;
    if (same) for (const [nodeId, text] of standing) if (before.get(nodeId) !== text) same = false;
    if (same) return;
    this.#standing = standing;
    this.generation += 1;
    for (const listener of this.#listeners) listener(nodes);
  }

  #suspect(nodeId: string, atLook: number): void {
    if (this.#suspects.size >= MAX_SUSPECTS) {
      const [oldest] = this.#suspects.keys();
      this.#suspects.delete(oldest!);
    }
    this.#suspects.set(nodeId, atLook);
  }

  /** Ids are made at random for each life: another process under ours wants to be taken for us. */
  #checkOwn({ nodeId, current }: Announcement): void {
    const registered = this.#seen.get(nodeId);
    const own = current();
    if (!registered || (registered.pid === own.pid && registered.startedMs === own.startedMs)) return;
    const who = `${registered.name} (process ${registered.pid})`;
    if (this.#pretenders.has(who) || this.#pretenders.size > 100) return;
    this.#pretenders.add(who);
    this.#logger.error({ nodeId, who }, 'another process reports itself under the id of this one');
    this.refused({ atMs: this.#clock.now(), by: this.#selfName, from: who, reason: `uses the id ${nodeId}` });
  }

  #complainOnce(text: string): void {
    const start = text.slice(0, 200);
    if (this.#malformed.has(start) || this.#malformed.size > 100) return;
    this.#malformed.add(start);
    this.#logger.warn({ record: start }, 'a node record in the registry is not one');
  }

  #sendIntruders(): void {
    if (this.#sendingIntruders || this.#unsentIntruders.length === 0) return;
    this.#sendingIntruders = true;
    const sent = this.#unsentIntruders;
    this.#unsentIntruders = [];
    this.#backend.addIntruders(sent).then(
      () => {
        this.#sendingIntruders = false;
        this.#sendIntruders();
      },
      () => {
        // All of them again when the registry is back.
        this.#sendingIntruders = false;
      },
    );
  }
}

function keepNewest(list: string[], text: string): void {
  list.push(text);
  if (list.length > MAX_INTRUDERS) list.shift();
}
