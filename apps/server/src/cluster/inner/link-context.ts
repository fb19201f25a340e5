import { hkdfSync } from 'node:crypto';
import { RateLimiter } from '@fastim/core';
import type { LinkParts } from './contract.ts';
import { type InnerTls, readInnerTls } from './inner-tls.ts';
import { KnownLives } from './known-lives.ts';
import { LinkMetrics } from './link-metrics.ts';
import type { Refusal } from './refusal.ts';

/** The same refusal of the same peer is told once in this time. */
const TOLD_AGAIN_PER_SECOND = 1 / 30;

/** What the links of one process share; made once. */
export interface LinkContext extends LinkParts {
  readonly defer: (flush: () => void) => void;
  /** Made of the cluster's secret; proves nothing but membership in handshakes. */
  readonly key: Uint8Array;
  /** Of this life of the process. */
  readonly life: Uint8Array;
  readonly tls: InnerTls | undefined;
  readonly metrics: LinkMetrics;
  readonly lives: KnownLives;
  /** Logs a refusal, and puts those that we made into the admin list. */
  refused(side: 'ours' | 'theirs', from: string, refusal: Refusal): void;
}

/** Throws for an empty secret and for certificates that cannot be read. */
export function createLinkContext(parts: LinkParts): LinkContext {
  const { config, self, directory, clock } = parts;
  if (config.secret === '') throw new Error('cluster.secret is empty: without it anybody could link in');
  const logger = parts.logger.child({ part: 'links' });
  const metrics = new LinkMetrics(parts.registry);
  const told = new RateLimiter<string>({ perSecond: TOLD_AGAIN_PER_SECOND, burst: 1, maxKeys: 1_000 });
  return {
    ...parts,
    logger,
    metrics,
    defer: parts.defer ?? setImmediate,
    key: new Uint8Array(hkdfSync('sha256', config.secret, '', 'fastim inner link', 32)),
    life: parts.random.bytes(16),
    tls: readInnerTls(config.tls),
    lives: new KnownLives(),
    refused(side, from, { code, reason }) {
      metrics.refused(code, side);
      const now = clock.now();
      if (told.take(`${side} ${code} ${from}`, now) > 0) return;
      // A node that was started anew at its address is looked for under its old id for a moment: nothing is wrong.
      const level = code === 'another' ? 'info' : 'warn';
      logger[level]({ from, code, reason }, side === 'ours' ? 'link refused' : 'the other side refused the link');
      if (side === 'ours' && code !== 'another') directory.refused({ atMs: now, by: self.nodeId, from, reason });
    },
  };
}
