import type { GatePort, LogicPort } from '../../contract.ts';
import { LogicLinks } from '../../logic-links.ts';
import { acceptLogicLinks } from '../accept-logic-links.ts';
import type { GateDialer, InnerListener } from '../contract.ts';
import { createGateDialer } from '../gate-dialer.ts';
import { createInnerListener } from '../inner-listener.ts';
import { gateSelf, logicSelf, record, TestDirectory, type TestNode, testNode, until } from './inner-world.ts';

type Config = NonNullable<Parameters<typeof testNode>[2]>;

/** A gate's end and a logic node's end of one link over loopback. */
export interface GateLink {
  readonly directory: TestDirectory;
  readonly gateNode: TestNode;
  readonly logicNode: TestNode;
  /** What the gate's side calls. */
  readonly links: LogicLinks;
  readonly listener: InnerListener;
  readonly dialer: GateDialer;
  /** Ids attached to logic now. */
  readonly attached: Map<string, GatePort>;
  /** What the logic side calls. */
  gate(): GatePort;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export async function gateLink(parts: {
  gate: GatePort;
  logic: LogicPort;
  gateOptions?: Config;
  logicOptions?: Config;
  /** Where logic dials instead. */
  via?: (inner: { host: string; port: number }) => Promise<{ host: string; port: number }>;
}): Promise<GateLink> {
  const directory = new TestDirectory();
  const { gateId } = parts.gate;
  const gateNode = testNode(directory, gateSelf(gateId), parts.gateOptions);
  const logicNode = testNode(directory, logicSelf('logic-1'), parts.logicOptions);
  const links = new LogicLinks(parts.gate);
  const listener = createInnerListener(
    gateNode.context,
    acceptLogicLinks(gateNode.context, { gate: parts.gate, links }),
  );
  const attached = new Map<string, GatePort>();
  const dialer = createGateDialer(logicNode.context, {
    logic: {
      uplink: (packet) => parts.logic.uplink(packet),
      connectionClosed: (connection, identity) => parts.logic.connectionClosed(connection, identity),
      interestStale: (from, conversationId, userIds) => parts.logic.interestStale(from, conversationId, userIds),
      interested: (from, change) => parts.logic.interested(from, change),
      attachGate: (gate) => attached.set(gate.gateId, gate),
      detachGate: (gone) => attached.delete(gone),
    },
  });
  const inner = await listener.start();
  directory.add(record(gateSelf(gateId), (await parts.via?.(inner)) ?? inner));
  return {
    directory,
    gateNode,
    logicNode,
    links,
    listener,
    dialer,
    attached,
    gate() {
      const gate = attached.get(gateId);
      if (!gate) throw new Error('the link is not up');
      return gate;
    },
    async up() {
      dialer.start();
      await until('the link is up', () => attached.has(gateId) && listener.linked.length === 1);
    },
    async stop() {
      await dialer.stop();
      await listener.stop();
    },
  };
}
