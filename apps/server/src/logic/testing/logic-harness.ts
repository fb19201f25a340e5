import { type NodeLease, Snowflake } from '@fastim/core';
import { ManualClock, seededRandomPort } from '@fastim/core/testing';
import {
  CLIENT_MSG_ID_LENGTH,
  type Codec,
  Command,
  createGroupRequest,
  createGroupResponse,
  cursorRequest,
  type EditBody,
  type ErrorName,
  editBody,
  errorName,
  loginRequest,
  MessageKind,
  MsgType,
  plainText,
  reactionBody,
  recallBody,
  type SendResponse,
  sendRequest,
  sendResponse,
  statusResponse,
  type TextBody,
  textBody,
} from '@fastim/protocol';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import type { ConnectionRef, Identity, LogicPort } from '../../cluster/contract.ts';
import { linkToGate, linkToLogic } from '../../cluster/in-process.ts';
import { configSchema, type GateConfig, type LogicConfig } from '../../config.ts';
import type { RouteTable } from '../../routing/route-table.ts';
import type { Storage } from '../../storage/storage.ts';
import type { AccessOutcome, AccessVerifier } from '../access-verifier.ts';
import { createLogic, type Logic } from '../logic.ts';
import type { LoopWaitSource } from '../overload/loop-wait.ts';
import { GatedStorage } from './gated-storage.ts';
import { RecordingGate } from './recording-gate.ts';

/** Turns of the event loop: some seconds. */
const LONGEST_WAIT = 1_000_000;

/** Tokens of the form "user/device/session/epoch" are good, unless the test says otherwise. */
export class OpenAccess implements AccessVerifier {
  readonly answers = new Map<string, AccessOutcome | Promise<AccessOutcome> | Error>();

  async verify(accessToken: string): Promise<AccessOutcome> {
    const answer = this.answers.get(accessToken);
    if (answer instanceof Error) throw answer;
    if (answer) return answer;
    const parts = /^(\d+)\/([\w-]+)\/(\d+)\/(\d+)$/.exec(accessToken);
    if (!parts) return { outcome: 'unauthenticated' };
    const [, userId, deviceId, sessionId, epoch] = parts;
    return {
      outcome: 'granted',
      identity: {
        userId: BigInt(userId!),
        deviceId: deviceId!,
        sessionId: BigInt(sessionId!),
        epoch: Number(epoch),
      },
      expiresAtMs: Number.MAX_SAFE_INTEGER,
    };
  }
}

/** One that numbers its node by itself. */
type LeasedStorage = Storage & { readonly lease: NodeLease };

export interface HarnessOptions<S extends LeasedStorage> {
  storage?: S;
  config?: Partial<LogicConfig>;
  gateConfig?: Partial<GateConfig>;
  logger?: Logger;
  cacheHistory?: boolean;
  /** For several nodes in one test. */
  routes?: RouteTable;
  gate?: RecordingGate;
  clock?: ManualClock;
  loopWait?: LoopWaitSource;
}

/** The whole logic part between a recording gate and a storage, on a clock of its own, over the in-process links. */
export class LogicHarness<S extends LeasedStorage = GatedStorage> {
  readonly clock: ManualClock;
  readonly gate: RecordingGate;
  readonly access = new OpenAccess();
  readonly registry = new Registry();
  readonly storage: S;
  readonly snowflake: Snowflake;
  readonly logic: Logic;
  readonly linkErrors: unknown[] = [];
  readonly uplink: LogicPort;
  #nextConnection = 1;
  #nextMessage = 1;

  constructor(options: HarnessOptions<S> = {}) {
    const defaults = configSchema.parse({});
    const random = seededRandomPort(7);
    const { fraction } = random;
    this.clock = options.clock ?? new ManualClock();
    this.gate = options.gate ?? new RecordingGate();
    // Without options.storage S is GatedStorage, its default.
    this.storage = options.storage ?? (new GatedStorage() as unknown as S);
    this.snowflake = new Snowflake(this.storage.lease, () => Math.floor(fraction() * 128));
    this.logic = createLogic({
      storage: this.storage,
      access: this.access,
      snowflake: this.snowflake,
      clock: this.clock,
      random,
      logger: options.logger ?? pino({ level: 'silent' }),
      registry: this.registry,
      // Tests that are not about the spacing of batches do not wait for it.
      config: { ...defaults.logic, batchWaitMs: 0, ...options.config },
      gateConfig: { ...defaults.gate, ...options.gateConfig },
      cacheHistory: options.cacheHistory ?? false,
      ...(options.routes && { routes: options.routes }),
      ...(options.loopWait && { loopWait: options.loopWait }),
    });
    const onError = (error: unknown): void => {
      this.linkErrors.push(error);
    };
    this.logic.attachGate(linkToGate(this.gate, onError));
    this.uplink = linkToLogic(this.logic, onError);
    this.logic.start();
  }

  connect(): TestConnection {
    return new TestConnection(this, { gateId: this.gate.gateId, connectionId: this.#nextConnection++ });
  }

  /** A connection that is logged in. */
  async online(userId: bigint, deviceId = 'phone', session: { sessionId?: bigint; epoch?: number } = {}) {
    const connection = this.connect();
    const { sessionId = userId * 100n, epoch = 1 } = session;
    const sequenceId = connection.logIn(`${userId}/${deviceId}/${sessionId}/${epoch}`);
    await this.settle();
    // A storage with threads of its own takes longer than that.
    for (let turn = 0; turn < LONGEST_WAIT && !connection.answered(sequenceId); turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return connection;
  }

  async direct(userId: bigint, peerId: bigint, conversationId: bigint): Promise<bigint> {
    const opened = await this.storage.conversations.openDirect(userId, peerId, conversationId, this.clock.now());
    return opened.conversationId;
  }

  /** Users 1 to `count`, as they are after registering. */
  async users(count: number): Promise<void> {
    for (let number = 1; number <= count; number += 1) {
      await this.storage.users.create({
        userId: BigInt(number),
        username: `user${number}`,
        usernameKey: `user${number}`,
        displayName: `User ${number}`,
        passwordHash: 'x',
        createdMs: this.clock.now(),
        showOnline: true,
      });
    }
  }

  /** A group made by the connection's user, with these users besides. */
  async group(creator: TestConnection, userIds: readonly bigint[], name = 'The group'): Promise<bigint> {
    const sequenceId = creator.request(
      Command.createGroup,
      createGroupRequest.encode({ clientMsgId: this.nextClientMsgId(), name, avatarColor: 0, userIds: [...userIds] }),
    );
    await this.settle();
    return creator.read(sequenceId, createGroupResponse).conversation!.conversationId;
  }

  nextClientMsgId(): Uint8Array {
    return clientMsgId(this.#nextMessage++);
  }

  /** Everything that can happen without time passing has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass after all that was going on has ended. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    this.clock.advance(ms);
    await this.settle();
  }

  /** One figure as an operator sees it; undefined: no such series. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}

/** One client connection as logic sees it: frames in, what the gate was told out. */
export class TestConnection {
  readonly ref: ConnectionRef;
  identity: Identity | undefined;
  readonly #harness: Pick<LogicHarness, 'uplink' | 'gate' | 'nextClientMsgId'>;
  #nextSequence = 0;

  constructor(harness: Pick<LogicHarness, 'uplink' | 'gate' | 'nextClientMsgId'>, ref: ConnectionRef) {
    this.#harness = harness;
    this.ref = ref;
  }

  get id(): number {
    return this.ref.connectionId;
  }

  /** Returns the sequenceId. */
  request(cmd: number, data: Uint8Array, msgType: number = MsgType.request): number {
    const sequenceId = this.#nextSequence++;
    this.#harness.uplink.uplink({
      connection: this.ref,
      identity: this.identity,
      remoteAddress: '127.0.0.1',
      cmd,
      msgType,
      logId: this.id * 1000 + sequenceId,
      sequenceId,
      data,
    });
    return sequenceId;
  }

  logIn(accessToken: string): number {
    return this.request(
      Command.login,
      loginRequest.encode({ accessToken, clientVersion: 'test/1.0.0', gateTicket: '' }),
    );
  }

  send(conversationId: bigint, text: string, id = this.#harness.nextClientMsgId()): number {
    return this.sendBody(conversationId, MessageKind.text, textBody.encode(plainText(text)), id);
  }

  post(conversationId: bigint, body: Partial<TextBody>, id?: Uint8Array): number {
    return this.sendBody(conversationId, MessageKind.text, textBody.encode({ ...plainText('text'), ...body }), id);
  }

  edit(conversationId: bigint, targetSeq: number, text: string, more: Partial<EditBody> = {}, id?: Uint8Array): number {
    const body = editBody.encode({ targetSeq, text, mentions: [], mentionAll: false, ...more });
    return this.sendBody(conversationId, MessageKind.edit, body, id);
  }

  recall(conversationId: bigint, targetSeq: number, id?: Uint8Array): number {
    return this.sendBody(conversationId, MessageKind.recall, recallBody.encode({ targetSeq }), id);
  }

  react(conversationId: bigint, targetSeq: number, emoji: string, removed = false, id?: Uint8Array): number {
    const body = reactionBody.encode({ targetSeq, emoji, removed });
    return this.sendBody(conversationId, MessageKind.reaction, body, id);
  }

  sendBody(conversationId: bigint, kind: number, body: Uint8Array, id = this.#harness.nextClientMsgId()): number {
    return this.request(Command.send, sendRequest.encode({ clientMsgId: id, conversationId, kind, body }));
  }

  cursor(conversationId: bigint, deliveredSeq: number, readSeq = 0): number {
    return this.request(Command.cursor, cursorRequest.encode({ moves: [{ conversationId, deliveredSeq, readSeq }] }));
  }

  close(): void {
    this.#harness.uplink.connectionClosed(this.ref, this.identity);
  }

  read<T>(sequenceId: number, codec: Codec<T>): T {
    return this.#harness.gate.read(this.id, sequenceId, codec);
  }

  /** The name of the error it was answered with; undefined: OK. */
  refusal(sequenceId: number): ErrorName | undefined {
    const { status } = this.read(sequenceId, statusResponse);
    return status && errorName(status.code);
  }

  answered(sequenceId: number): boolean {
    return this.#harness.gate.response(this.id, sequenceId) !== undefined;
  }

  ack(sequenceId: number): SendResponse {
    return this.read(sequenceId, sendResponse);
  }

  texts(): string[] {
    return this.#harness.gate.messages(this.id).map((message) => textBody.decode(message.body).text);
  }
}

export function clientMsgId(number: number): Uint8Array {
  const id = new Uint8Array(CLIENT_MSG_ID_LENGTH);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}
