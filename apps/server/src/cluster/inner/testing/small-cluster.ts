import { Snowflake } from '@fastim/core';
import { seededRandomPort } from '@fastim/core/testing';
import pino from 'pino';
import { Registry } from 'prom-client';
import { type Config, configSchema } from '../../../config.ts';
import { createGate, type Gate } from '../../../gate/gate.ts';
import { TcpClient } from '../../../gate/testing/tcp-client.ts';
import { createLogic, type Logic } from '../../../logic/logic.ts';
import { GatedStorage } from '../../../logic/testing/gated-storage.ts';
import { OpenAccess } from '../../../logic/testing/logic-harness.ts';
import { TrustedProxies } from '../../../net/trusted-proxies.ts';
import type { ClusterRegistry, NodeRecord } from '../../../registry/contract.ts';
import { MemoryRegistry } from '../../../registry/memory/memory-registry.ts';
import { openMemoryRegistry } from '../../../registry/memory/open-memory-registry.ts';
import { LogicLinks } from '../../logic-links.ts';
import { acceptLogicLinks } from '../accept-logic-links.ts';
import { acceptPeers } from '../accept-peers.ts';
import { CLUSTER_VERSION } from '../cluster-version.ts';
import type { InnerListener, OwnerAppends } from '../contract.ts';
import { createGateDialer } from '../gate-dialer.ts';
import { createInnerListener } from '../inner-listener.ts';
import { ownerAppends } from '../owner-appends.ts';
import { createPeerLinks } from '../peer-links.ts';
import { realClock, type TestNode, testNode, until } from './inner-world.ts';

export interface GateMember {
  readonly nodeId: string;
  readonly gate: Gate;
  readonly listener: InnerListener;
  readonly tcpPort: number;
  readonly node: TestNode;
  stop(): Promise<void>;
}

export interface LogicMember {
  readonly nodeId: string;
  readonly logic: Logic;
  readonly appends: OwnerAppends;
  /** What this node itself appended to the one store. */
  readonly appended: { messages: number };
  readonly gates: () => readonly string[];
  readonly peers: () => readonly string[];
  readonly node: TestNode;
  stop(): Promise<void>;
}

/** Real gates and logic nodes in one process, linked over TCP; one store and one registry in memory. */
export class SmallCluster {
  readonly storage = new GatedStorage();
  readonly registry = new MemoryRegistry(realClock);
  readonly gates: GateMember[] = [];
  readonly logics: LogicMember[] = [];
  readonly #config: Config = configSchema.parse({
    cluster: { secret: 'of the small cluster', linkSilenceMs: 1_000 },
    gate: { connectionsPerAddress: 1_000, acceptBurstPerAddress: 1_000, drainMs: 200 },
  });
  readonly #clients: TcpClient[] = [];
  #lives = 0;

  async start(gates: number, logics: number): Promise<this> {
    for (let index = 1; index <= gates; index += 1) await this.addGate(`gate-${index}`);
    for (let index = 1; index <= logics; index += 1) await this.addLogic(`logic-${index}`);
    await this.linked();
    return this;
  }

  /** Everybody has a link to everybody. */
  async linked(): Promise<void> {
    await until('all are linked', () =>
      this.logics.every(
        (logic) => logic.gates().length === this.gates.length && logic.peers().length === this.logics.length - 1,
      ),
    );
    await until('gates know too', () =>
      this.gates.every(({ listener }) => listener.linked.length === this.logics.length),
    );
  }

  async addGate(name: string): Promise<GateMember> {
    const { node, cluster, nodeId, random } = this.#node(name, 'gate');
    const links = new LogicLinks({ gateId: nodeId, close: (connectionId, close) => gate.close(connectionId, close) });
    const gate: Gate = createGate({
      gateId: nodeId,
      config: this.#config.gate,
      host: '127.0.0.1',
      tcpPort: 0,
      wsPort: 0,
      allowedOrigins: [],
      trustedProxies: new TrustedProxies([]),
      logic: links,
      clock: realClock,
      random,
      logger: pino({ level: 'silent' }),
      registry: new Registry(),
    });
    const { tcpPort } = await gate.start();
    const listener = createInnerListener(node.context, acceptLogicLinks(node.context, { gate, links }));
    const inner = await listener.start();
    const announced = cluster.directory.announce(() => ({
      ...this.#facts(nodeId, name),
      role: 'gate',
      inner,
      tcp: { host: '127.0.0.1', port: tcpPort },
      websocket: null,
      appIds: ['fastim'],
      channels: ['single', 'group'],
      grayRules: [],
      connections: gate.load().connections,
      capacity: 1_000,
      accepting: true,
    }));
    await announced.first;
    const member: GateMember = {
      nodeId,
      gate,
      listener,
      tcpPort,
      node,
      stop: async () => {
        await gate.stop();
        await announced.stop();
        await listener.stop();
        await cluster.stop();
        remove(this.gates, member);
      },
    };
    this.gates.push(member);
    return member;
  }

  async addLogic(name: string): Promise<LogicMember> {
    const { node, cluster, nodeId, random } = this.#node(name, 'logic');
    const { storage } = this;
    const appended = { messages: 0 };
    const peers = createPeerLinks(node.context);
    const appends = ownerAppends(node.context, {
      messages: {
        append(batch) {
          appended.messages += batch.length;
          return storage.append(batch);
        },
        history: (query) => storage.history(query),
        seqAt: (conversationId, timeMs) => storage.seqAt(conversationId, timeMs),
      },
      peers,
      batchLimit: 512,
    });
    const listener = createInnerListener(
      node.context,
      acceptPeers(node.context, { append: (batch) => appends.appendHere(batch) }),
    );
    const inner = await listener.start();
    const { conversations, groups, users, sessions, historyEpoch } = storage;
    const number = this.logics.length + 1;
    const logic = createLogic({
      storage: {
        messages: appends,
        conversations,
        groups,
        users,
        sessions,
        historyEpoch,
        highestId: () => storage.highestId(),
        check: () => storage.check(),
        close: () => storage.close(),
      },
      access: new OpenAccess(),
      snowflake: new Snowflake({ dataCentre: 0, node: number, held: () => true }, () =>
        Math.floor(random.fraction() * 128),
      ),
      clock: realClock,
      random,
      logger: pino({ level: 'silent' }),
      registry: new Registry(),
      config: this.#config.logic,
      gateConfig: this.#config.gate,
      routes: cluster.routes,
    });
    await cluster.routes.start();
    const dialer = createGateDialer(node.context, { logic });
    const announced = cluster.directory.announce(() => ({
      ...this.#facts(nodeId, name),
      role: 'logic',
      number,
      inner,
      routes: cluster.routes.size,
      gates: dialer.gates,
    }));
    await announced.first;
    logic.start();
    peers.start();
    dialer.start();
    const member: LogicMember = {
      nodeId,
      logic,
      appends,
      appended,
      gates: () => dialer.gates,
      peers: () => peers.linked,
      node,
      stop: async () => {
        await logic.stop();
        await dialer.stop();
        await announced.stop();
        await listener.stop();
        await peers.stop();
        await appends.stop();
        await cluster.stop();
        remove(this.logics, member);
      },
    };
    this.logics.push(member);
    return member;
  }

  /** A client of a gate, connected. */
  async connect(gate: GateMember): Promise<TcpClient> {
    const client = await TcpClient.connect(gate.tcpPort);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    this.storage.release();
    for (const client of this.#clients) client.destroy();
    for (const member of [...this.logics, ...this.gates]) await member.stop();
  }

  #node(name: string, role: 'gate' | 'logic') {
    this.#lives += 1;
    const random = seededRandomPort(this.#lives);
    const nodeId = `${name}.${Buffer.from(random.bytes(4)).toString('hex')}`;
    const self = { nodeId, name, role };
    const cluster: ClusterRegistry = openMemoryRegistry(this.registry, {
      self,
      reportMs: 3_000,
      nodeExpiryMs: 10_000,
      clock: realClock,
      random,
      logger: pino({ level: 'silent' }),
      metrics: new Registry(),
    });
    return { node: testNode(cluster.directory, self, { config: this.#config.cluster }), cluster, nodeId, random };
  }

  #facts(nodeId: string, name: string): Omit<NodeRecord, 'role'> {
    return {
      nodeId,
      name,
      version: '1.0.0',
      clusterVersion: CLUSTER_VERSION,
      pid: process.pid,
      startedMs: 0,
      clockMs: realClock.now(),
      metrics: { host: '127.0.0.1', port: 1 },
    };
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
