import type { LogicLinksParts } from './contract.ts';
import type { LinkAcceptor } from './inner-listener.ts';
import type { LinkContext } from './link-context.ts';
import { RemoteLogic } from './remote-logic.ts';
import { PacketType } from './wire/packet-type.ts';
import { takeForGate } from './wire/to-gate.ts';

/** What a gate's inner port does with the links of logic nodes. */
export function acceptLogicLinks(context: LinkContext, { gate, links }: LogicLinksParts): LinkAcceptor {
  return {
    kind: 'logic',
    from: 'logic',
    accept(link) {
      const { nodeId } = link.peer;
      links.nodeCame(nodeId, new RemoteLogic(link, () => context.clock.now(), context.onError));
      return {
        take(type, from) {
          if (type !== PacketType.leaving) return takeForGate(gate, type, from);
          from.end();
          links.nodeLeaves(nodeId);
          return true;
        },
        down: () => links.nodeGone(nodeId),
      };
    },
  };
}
