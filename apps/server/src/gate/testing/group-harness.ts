import { ManualClock } from '@fastim/core/testing';
import {
  Command,
  encodeFrames,
  type Frame,
  headPush,
  type Message,
  MsgType,
  messagePush,
  type OutgoingFrame,
  typingPush,
} from '@fastim/protocol';
import pino from 'pino';
import { Registry } from 'prom-client';
import type { GroupPacket } from '../../cluster/contract.ts';
import { configSchema, type GateConfig } from '../../config.ts';
import { TrustedProxies } from '../../net/trusted-proxies.ts';
import { createGate, type Gate, type Listener, type ListenerHost } from '../gate.ts';
import { HEAD_GAP_MS } from '../gate-limits.ts';
import { FakeLogic } from './fake-logic.ts';
import { FakeSocket } from './fake-socket.ts';
import { request } from './tcp-client.ts';

export const GROUP = 900n;

/** One client of the harness, and what it was told of groups. */
export class GroupClient {
  readonly socket = new FakeSocket();
  readonly userId: bigint;
  readonly id: number;
  #read = 0;

  constructor(userId: bigint, id: number) {
    this.userId = userId;
    this.id = id;
  }

  /** Bytes of these requests arrive. */
  send(...frames: OutgoingFrame[]): void {
    this.socket.arrive(encodeFrames(frames));
  }

  /** Frames since the last time it was asked. */
  news(): Frame[] {
    const { frames } = this.socket.sent;
    const fresh = frames.slice(this.#read);
    this.#read = frames.length;
    return fresh;
  }

  /** What the news say: "head 5", "body 6", "typing 2"; of other groups "head 5 of 901". */
  told(): string[] {
    return this.news().flatMap(words);
  }
}

function words(frame: Frame): string[] {
  const of = (conversationId: bigint) => (conversationId === GROUP ? '' : ` of ${conversationId}`);
  switch (frame.cmd) {
    case Command.heads:
      return headPush.decode(frame.data).heads.map((head) => `head ${head.headSeq}${of(head.conversationId)}`);
    case Command.messages:
      return messagePush.decode(frame.data).messages.map((one) => `body ${one.convSeq}${of(one.conversationId)}`);
    case Command.typingPush:
      return typingPush.decode(frame.data).typing.map((one) => `typing ${one.userId}${of(one.conversationId)}`);
    default:
      return [`${frame.cmd}/${frame.msgType}`];
  }
}

/** A gate without a network, whose ticks end when told to. */
export class GroupHarness {
  readonly clock = new ManualClock();
  readonly logic = new FakeLogic();
  readonly registry = new Registry();
  readonly gate: Gate;
  readonly config: GateConfig;
  #listener: ListenerHost | undefined;
  #deferred: Array<() => void> = [];
  readonly #clients: GroupClient[] = [];
  readonly #sockets: FakeSocket[] = [];

  constructor(config: Partial<GateConfig> = {}) {
    const limits = { unauthenticatedConnections: 100_000, connectionsPerAddress: 100_000 };
    this.config = { ...configSchema.parse({}).gate, ...limits, ...config };
    const idle: Listener = { start: async () => 1, stopAccepting: () => undefined, stop: async () => undefined };
    this.gate = createGate({
      gateId: 'gate-1',
      config: this.config,
      host: 'test',
      tcpPort: 1,
      wsPort: 2,
      allowedOrigins: [],
      trustedProxies: new TrustedProxies([]),
      logic: this.logic,
      clock: this.clock,
      random: { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
      logger: pino({ level: 'silent' }),
      registry: this.registry,
      defer: (callback) => this.#deferred.push(callback),
      listeners: (host) => {
        this.#listener = host;
        return { tcp: idle, websocket: idle };
      },
    });
    this.logic.gate = this.gate;
  }

  async start(): Promise<this> {
    await this.gate.start();
    return this;
  }

  /** Somebody connects from an address; undefined: turned away. */
  arrives(address: string): FakeSocket | undefined {
    if (this.#listener!.admit(address)) return undefined;
    const socket = new FakeSocket();
    this.#sockets.push(socket);
    this.#listener!.connected(socket, address, 0);
    return socket;
  }

  logsIn(socket: FakeSocket, userId: bigint): void {
    socket.arrive(encodeFrames([request(Command.login, 0, `${userId}:device`)]));
    this.tick();
  }

  /** A client that is logged in. */
  connect(userId: bigint): GroupClient {
    const client = new GroupClient(userId, this.#clients.length + 1);
    this.#clients.push(client);
    this.#listener!.connected(client.socket, '192.0.2.1', 0);
    client.socket.arrive(encodeFrames([request(Command.login, 0, `${userId}:device-${client.id}`)]));
    this.tick();
    client.news();
    return client;
  }

  /** A client that follows the group. */
  member(userId: bigint, asOfSeq = 1): GroupClient {
    const client = this.connect(userId);
    this.follow(client, asOfSeq);
    return client;
  }

  follow(client: GroupClient, asOfSeq: number, conversationId = GROUP): void {
    this.gate.follow(client.id, [{ conversationId, asOfSeq }]);
  }

  view(client: GroupClient, conversationId = GROUP): void {
    this.gate.view(client.id, conversationId);
  }

  lookAway(client: GroupClient): void {
    this.gate.view(client.id, undefined);
  }

  /** A packet of the group, handed to the gate. */
  group(convSeq: number, more: Partial<GroupPacket> & { bodyLength?: number } = {}): GroupPacket {
    const packet = groupPacket(convSeq, more);
    this.gate.group(packet);
    return packet;
  }

  downlink(client: GroupClient, cmd: number, data: Uint8Array = new Uint8Array(0)): void {
    const frame = { cmd, msgType: MsgType.notify, logId: 0, sequenceId: 0, data };
    this.gate.downlink({ connectionIds: [client.id], frame });
  }

  tick(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }

  /** Long enough that heads go out at once again. */
  calm(): void {
    this.clock.advance(HEAD_GAP_MS);
    this.tick();
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const metric = this.registry.getSingleMetric(name);
    if (!metric) throw new Error(`no metric ${name}`);
    const { values } = await metric.get();
    return values
      .filter((value) => Object.entries(labels).every(([key, want]) => value.labels[key] === want))
      .reduce((sum, { value }) => sum + value, 0);
  }

  stop(): Promise<void> {
    for (const client of this.#clients) client.socket.close();
    for (const socket of this.#sockets) socket.close();
    return this.gate.stop();
  }
}

export function groupPacket(convSeq: number, more: Partial<GroupPacket> & { bodyLength?: number } = {}): GroupPacket {
  const { bodyLength = 10, ...fields } = more;
  const conversationId = more.conversationId ?? GROUP;
  const removed = more.removed ?? [];
  const message: Message = {
    msgId: BigInt(convSeq),
    conversationId,
    convSeq,
    senderId: 1n,
    clientMsgId: new Uint8Array(16),
    kind: 1,
    body: new Uint8Array(bodyLength),
    serverTimeMs: 5,
    countNo: convSeq,
  };
  return {
    conversationId,
    convSeq,
    removalsSeq: removed.length > 0 ? convSeq : 0,
    removed,
    except: undefined,
    head: headPush.encode({ heads: [{ conversationId, headSeq: convSeq }] }),
    body: messagePush.encode({ messages: [message] }),
    logId: convSeq,
    ...fields,
  };
}
