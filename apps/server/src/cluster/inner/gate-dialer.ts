import type { GateAttachment, GateDialer } from './contract.ts';
import type { LinkContext } from './link-context.ts';
import { LinkDialer } from './link-dialer.ts';
import { RemoteGate } from './remote-gate.ts';
import { ToLogicReader } from './wire/to-logic.ts';

/** The links of a logic node to all gates of the directory: attached to logic while they are up. */
export function createGateDialer(context: LinkContext, { logic }: { logic: GateAttachment }): GateDialer {
  const listeners = new Set<() => void>();
  const dialer = new LinkDialer(context, {
    kind: 'gate',
    role: 'gate',
    accept(link) {
      const { nodeId } = link.peer;
      const reader = new ToLogicReader(nodeId, logic);
      logic.attachGate(new RemoteGate(link, context.onError));
      return {
        take: (type, from) => reader.take(type, from),
        down: () => logic.detachGate(nodeId),
      };
    },
    changed: () => {
      for (const listener of listeners) listener();
    },
  });
  return {
    start: () => dialer.start(),
    stop: () => dialer.stop(),
    get gates() {
      return dialer.linked;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
