import { CloseCode } from '@fastim/protocol';
import type { SessionAccess } from '../auth/session-access.ts';
import type { SessionStore } from '../storage/session-store.ts';
import type { ClusterNode } from './cluster-node.ts';
import { HearSessionEnds } from './session-ends.ts';
import type { StopStack } from './stop-stack.ts';

/** What a process remembers of sessions is forgotten when they end anywhere; `ended` may close their connections. */
export function forgetEndedSessions(
  node: ClusterNode,
  parts: {
    readonly sessions: SessionStore;
    readonly access: SessionAccess;
    readonly ended?: (sessionId: bigint, closeCode: number) => void;
  },
  stops: StopStack,
): void {
  const hear = new HearSessionEnds({
    bus: node.cluster.bus,
    sessions: parts.sessions,
    ended: (sessionId, closeCode) => {
      parts.access.forget(sessionId);
      parts.ended?.(sessionId, closeCode);
    },
    closeCode: CloseCode.loggedOut,
    clock: node.clock,
    logger: node.part('sessions'),
  });
  hear.start();
  stops.add('ended sessions', () => hear.stop());
}
