import { type Clock, toHex } from '@fastim/core';
import {
  CloseCode,
  type Codec,
  Command,
  type ConversationState,
  type ErrorName,
  errorCatalogue,
  type Frame,
  loginRequest,
  loginResponse,
  type Message,
  MessageKind,
  MsgType,
  messagePush,
  plainText,
  reconnect,
  sendRequest,
  statusOf,
  statusResponse,
  textBody,
} from '@fastim/protocol';
import type { HttpRequest, HttpResponse } from '../ports.ts';
import type { FakeAccounts, FakeSession } from './fake-accounts.ts';
import type { FakeConversation, FakeMember } from './fake-conversation.ts';
import type { ChangeAsked } from './fake-groups.ts';
import { answerHttp } from './fake-http.ts';
import { FakeNetwork, type ServerEnd, type ServerSide } from './fake-network.ts';
import { EDIT_WINDOW_MS, RECALL_WINDOW_MS } from './fake-posting.ts';
import { answerRequest } from './fake-requests.ts';
import { type FakeConnection, FakeState } from './fake-state.ts';

const LANE_PATIENCE_MS = 10_000;

/**
 * A FastIM server in memory that speaks the real codecs: users, sessions with rotating tokens, direct conversations and
 * groups, idempotent sends, events with core's rules, pushes, heads, cursors, settings, sync, history. Stored is stored:
 * connections may be cut at any time.
 */
export class FakeServer implements ServerSide {
  readonly state: FakeState;
  readonly network: FakeNetwork;
  readonly #accounts: FakeAccounts;
  historyEpoch = 1n;
  /** HISTORY brings nothing, whatever the heads say. */
  historyIsLost = false;
  gateDelayMs = 0;
  /** What POST /v1/gates hands out. */
  gates: unknown[] = [{ gateId: 'gate', tcp: { host: 'gate', port: 1 }, websocket: null }];
  /** Refuses requests of this kind before they have an effect; undefined: takes them. */
  refuse: (cmd: number, data: Uint8Array) => { reason: ErrorName; retryAfterMs?: number } | undefined = () => undefined;
  /** Requests that were handled, by command. */
  readonly handled = new Map<number, number>();
  /** SENDs in the order in which they came, by client_msg_id. */
  readonly sends: string[] = [];

  constructor(clock: Clock) {
    this.state = new FakeState(clock);
    this.#accounts = this.state.accounts;
    this.network = new FakeNetwork(clock, this);
  }

  // ---- for the tests ----

  addUser(username: string): bigint {
    return this.#accounts.addUser(username, username.toUpperCase(), 'password').userId;
  }

  openDirect(a: bigint, b: bigint): bigint {
    return this.state.openDirect(a, b).conversationId;
  }

  createGroup(creatorId: bigint, name: string, userIds: readonly bigint[]): bigint {
    const group = this.state.createGroup(creatorId, this.state.makeKey(), { name, avatarColor: 0, userIds });
    return group.conversationId;
  }

  /** Somebody changes a group from a device that the test does not run. */
  change(conversationId: bigint, actorId: bigint, change: number, uses: Partial<ChangeAsked> = {}): void {
    const asked: ChangeAsked = { userIds: [], text: '', number: 0, ...uses, change };
    const outcome = this.state.change(this.#conversation(conversationId), actorId, this.state.makeKey(), asked);
    if (typeof outcome === 'string') throw new Error(`the change was refused: ${outcome}`);
  }

  /** Somebody writes from a device that the test does not run. */
  write(conversationId: bigint, senderId: bigint, text: string): Message {
    return this.writeBody(conversationId, senderId, MessageKind.text, textBody.encode(plainText(text)));
  }

  /** Without any rule. */
  writeBody(conversationId: bigint, senderId: bigint, kind: number, body: Uint8Array): Message {
    const conversation = this.#conversation(conversationId);
    return this.state.append(conversation, senderId, this.state.makeKey(), kind, body, undefined);
  }

  /** What a server does that heard no cursor: the newest message goes out again, to every device. */
  pushAgain(conversationId: bigint): void {
    const conversation = this.#conversation(conversationId);
    const data = messagePush.encode({ messages: conversation.messages.slice(-1) });
    this.#pushToMembers(conversation, Command.messages, data);
  }

  /** Somebody's cursors move on a device that the test does not run. */
  moveCursor(conversationId: bigint, userId: bigint, deliveredSeq: number, readSeq: number): void {
    this.state.raise(
      this.#conversation(conversationId),
      this.#member(conversationId, userId),
      { deliveredSeq, readSeq },
      undefined,
    );
  }

  history(conversationId: bigint): readonly Message[] {
    return this.#conversation(conversationId).messages;
  }

  /** The conversation's messages as a user would be given them now. */
  presentHistory(conversationId: bigint, viewerId: bigint): Message[] {
    const conversation = this.#conversation(conversationId);
    return conversation.messages.map((message) => conversation.presentForm(message, viewerId));
  }

  cursorsOf(conversationId: bigint, userId: bigint): Readonly<FakeMember> {
    return this.#member(conversationId, userId);
  }

  stateOf(conversationId: bigint, userId: bigint): ConversationState {
    const member = this.#member(conversationId, userId);
    return this.#conversation(conversationId).state(member, (id) => this.#accounts.profileOf(id));
  }

  unread(conversationId: bigint, userId: bigint): number {
    const { headCountNo, unreadBaseCountNo } = this.stateOf(conversationId, userId);
    return Math.max(0, headCountNo - unreadBaseCountNo);
  }

  sessionsOf(userId: bigint): ReadonlyArray<Readonly<FakeSession>> {
    return this.#accounts.sessions.filter((session) => session.userId === userId);
  }

  /** The process dies and is started again: stored data stays. */
  restart(): void {
    this.network.cutAll();
  }

  /** Restored from a backup: what came after `headSeq` was never there, and its conv_seqs are given again. */
  loseAfter(conversationId: bigint, headSeq: number): void {
    this.historyEpoch += 1n;
    const conversation = this.#conversation(conversationId);
    const lost = conversation.messages.splice(headSeq);
    for (const { senderId, clientMsgId } of lost) conversation.byKey.delete(conversation.keyOf(senderId, clientMsgId));
    for (const [targetSeq, target] of [...conversation.targets]) {
      if (targetSeq > headSeq || Math.max(target.editedSeq, target.recalledSeq, target.reactionsSeq) > headSeq) {
        conversation.targets.delete(targetSeq);
      }
    }
    for (const [userId, places] of conversation.mentions) {
      conversation.mentions.set(
        userId,
        places.filter((place) => place <= headSeq),
      );
    }
    for (const member of conversation.members.values()) {
      member.deliveredSeq = Math.min(member.deliveredSeq, headSeq);
      member.readSeq = Math.min(member.readSeq, headSeq);
      member.ownSeq = conversation.messages.findLast(({ senderId }) => senderId === member.userId)?.convSeq ?? 0;
    }
    conversation.activityMs = conversation.messages.at(-1)?.serverTimeMs ?? 0;
  }

  /** As if the conversation had never been opened. */
  forget(conversationId: bigint): void {
    const { conversations } = this.state;
    conversations.splice(conversations.indexOf(this.#conversation(conversationId)), 1);
  }

  expireAccessTokens(): void {
    for (const session of this.#accounts.sessions) session.accessExpiresAt = 0;
  }

  /** Closes the connections of a user, with a close code. */
  closeConnections(userId: bigint, code: number): void {
    for (const { end, session } of [...this.state.connections]) if (session?.userId === userId) end.close(code);
  }

  /** Those who have not logged in. */
  closeStrangers(code: number): void {
    for (const { end, session } of [...this.state.connections]) if (!session) end.close(code);
  }

  endSessions(userId: bigint): void {
    for (const session of this.#accounts.sessions) if (session.userId === userId) session.ended = true;
    this.closeConnections(userId, CloseCode.loggedOut);
  }

  askToReconnect(delayMs: number): void {
    const data = reconnect.encode({ delayMs });
    for (const connection of this.state.connections) this.state.push(connection, Command.reconnect, data);
  }

  /** Any notification, to every device of a user. */
  pushTo(userId: bigint, cmd: number, data: Uint8Array): void {
    for (const connection of this.state.connections) {
      if (connection.session?.userId === userId) this.state.push(connection, cmd, data);
    }
  }

  http(request: HttpRequest): HttpResponse {
    return answerHttp(this.state, request, { gates: this.gates, delayMs: this.gateDelayMs });
  }

  // ---- connections ----

  connected(end: ServerEnd): { frame(frame: Frame): void; closed(): void } {
    const connection: FakeConnection = {
      end,
      session: undefined,
      lastSequenceId: -1,
      heldUp: new Map(),
      viewing: 0n,
      watching: new Set(),
    };
    this.state.connections.add(connection);
    return {
      frame: (frame) => this.#frame(connection, frame),
      closed: () => {
        this.state.connections.delete(connection);
      },
    };
  }

  #frame(connection: FakeConnection, frame: Frame): void {
    const { cmd, data } = frame;
    if (frame.sequenceId <= connection.lastSequenceId) return;
    connection.lastSequenceId = frame.sequenceId;
    this.handled.set(cmd, (this.handled.get(cmd) ?? 0) + 1);
    const answer = <T>(codec: Codec<T>, value: T) =>
      connection.end.send({
        cmd,
        msgType: MsgType.response,
        logId: frame.logId,
        sequenceId: frame.sequenceId,
        data: codec.encode(value),
      });
    const refusal = cmd === Command.send ? this.#refuseSend(connection, data) : this.refuse(cmd, data);
    if (refusal) {
      answer(statusResponse, { status: statusOf(refusal.reason, undefined, refusal.retryAfterMs ?? 0) });
      return;
    }
    if (cmd === Command.login) {
      this.#logIn(connection, data, answer);
      return;
    }
    const { session } = connection;
    if (!session) {
      answer(statusResponse, { status: statusOf('UNAUTHENTICATED') });
      return;
    }
    if (cmd === Command.send) this.sends.push(toHex(sendRequest.decode(data).clientMsgId));
    answerRequest(this.state, connection, session.userId, cmd, data, answer, this.historyIsLost);
  }

  #logIn(connection: FakeConnection, data: Uint8Array, answer: <T>(codec: Codec<T>, value: T) => void): void {
    const session = this.#accounts.sessionOf(loginRequest.decode(data).accessToken);
    if (typeof session === 'string') {
      answer(statusResponse, { status: statusOf(session) });
      return;
    }
    connection.session = session;
    answer(loginResponse, {
      status: undefined,
      userId: session.userId,
      deviceId: session.deviceId,
      epoch: session.epoch,
      serverTimeMs: this.state.clock.now(),
      heartbeatIntervalMs: 30_000,
      heartbeatTimeoutMs: 75_000,
      maxDataLength: 65_536,
      historyEpoch: this.historyEpoch,
      editWindowMs: EDIT_WINDOW_MS,
      recallWindowMs: RECALL_WINDOW_MS,
    });
  }

  /** A refused SEND holds up those behind it, so that none of them overtakes it. */
  #refuseSend(connection: FakeConnection, data: Uint8Array): { reason: ErrorName; retryAfterMs?: number } | undefined {
    const { clientMsgId, conversationId } = sendRequest.decode(data);
    const key = toHex(clientMsgId);
    const lane = connection.heldUp.get(conversationId);
    if (lane && lane.expected !== key) return { reason: lane.reason };
    connection.heldUp.delete(conversationId);
    const refusal = this.refuse(Command.send, data);
    if (refusal && errorCatalogue[refusal.reason].retry === 'later') {
      const held = { expected: key, reason: refusal.reason };
      connection.heldUp.set(conversationId, held);
      // By a timer: tests set the clock.
      this.state.clock.setTimer(LANE_PATIENCE_MS, () => {
        if (connection.heldUp.get(conversationId) === held) connection.heldUp.delete(conversationId);
      });
    }
    return refusal;
  }

  #pushToMembers(conversation: FakeConversation, cmd: number, data: Uint8Array): void {
    for (const connection of this.state.connections) {
      const userId = connection.session?.userId;
      if (userId !== undefined && conversation.present(userId)) this.state.push(connection, cmd, data);
    }
  }

  #conversation(conversationId: bigint): FakeConversation {
    const found = this.state.conversation(conversationId);
    if (!found) throw new Error('no such conversation');
    return found;
  }

  #member(conversationId: bigint, userId: bigint): FakeMember {
    const member = this.#conversation(conversationId).members.get(userId);
    if (!member) throw new Error('never was a member');
    return member;
  }
}
