import { type Clock, toHex } from '@fastim/core';
import {
  CloseCode,
  type Codec,
  Command,
  type ConversationState,
  conversationsRequest,
  conversationsResponse,
  cursorPush,
  cursorRequest,
  cursorResponse,
  type ErrorName,
  errorCatalogue,
  type Frame,
  heartbeatRequest,
  heartbeatResponse,
  historyRequest,
  historyResponse,
  loginRequest,
  loginResponse,
  type MemberCursor,
  type Message,
  MessageKind,
  MsgType,
  messagePush,
  reconnect,
  type SyncMark,
  sendRequest,
  sendResponse,
  statusOf,
  statusResponse,
  syncRequest,
  syncResponse,
  textBody,
} from '@fastim/protocol';
import type { HttpRequest, HttpResponse } from '../ports.ts';
import { FakeNetwork, type ServerEnd, type ServerSide } from './fake-network.ts';

interface User {
  userId: bigint;
  username: string;
  displayName: string;
  password: string;
}

interface Session {
  sessionId: bigint;
  userId: bigint;
  deviceId: string;
  epoch: number;
  accessToken: string;
  accessExpiresAt: number;
  refreshToken: string;
  /** The token before, and until when it still gets the successor. */
  spent: { token: string; graceUntil: number } | undefined;
  ended: boolean;
}

interface Member {
  userId: bigint;
  deliveredSeq: number;
  readSeq: number;
}

interface Conversation {
  conversationId: bigint;
  members: Member[];
  messages: Message[];
  /** By sender and client_msg_id. */
  byKey: Map<string, Message>;
  activityMs: number;
}

interface Connection {
  end: ServerEnd;
  session: Session | undefined;
  lastSequenceId: number;
  /** Conversation → the SEND that was refused and is expected again: what the client sent behind it is refused too. */
  heldUp: Map<bigint, { expected: string; reason: ErrorName }>;
}

const LANE_PATIENCE_MS = 10_000;

const REFRESH_GRACE_MS = 30_000;

/**
 * A FastIM server in memory that speaks the real codecs: users, sessions with rotating tokens, direct conversations,
 * idempotent sends, pushes, cursors, sync, history. Stored is stored: connections may be cut at any time.
 */
export class FakeServer implements ServerSide {
  readonly #clock: Clock;
  readonly network: FakeNetwork;
  readonly #users: User[] = [];
  readonly #sessions: Session[] = [];
  readonly #conversations: Conversation[] = [];
  readonly #connections = new Set<Connection>();
  /** By Idempotency-Key. */
  readonly #answers = new Map<string, { body: string; answer: HttpResponse }>();
  #nextId = 1_000_000_000_000_000_001n;
  accessTokenMs = 15 * 60_000;
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
    this.#clock = clock;
    this.network = new FakeNetwork(clock, this);
  }

  // ---- for the tests ----

  addUser(username: string): bigint {
    const userId = this.#id();
    this.#users.push({ userId, username, displayName: username.toUpperCase(), password: 'password' });
    return userId;
  }

  openDirect(a: bigint, b: bigint): bigint {
    const found = this.#conversations.find(({ members }) => [a, b].every((id) => members.some((m) => m.userId === id)));
    if (found) return found.conversationId;
    const conversationId = this.#id();
    const members = [a, b].map((userId) => ({ userId, deliveredSeq: 0, readSeq: 0 }));
    this.#conversations.push({
      conversationId,
      members,
      messages: [],
      byKey: new Map(),
      activityMs: this.#clock.now(),
    });
    return conversationId;
  }

  /** Somebody writes from a device that the test does not run. */
  write(conversationId: bigint, senderId: bigint, text: string): Message {
    return this.writeBody(conversationId, senderId, MessageKind.text, textBody.encode({ text }));
  }

  writeBody(conversationId: bigint, senderId: bigint, kind: number, body: Uint8Array): Message {
    const clientMsgId = new Uint8Array(16);
    new DataView(clientMsgId.buffer).setBigUint64(8, this.#id());
    return this.#append(this.#conversation(conversationId)!, senderId, clientMsgId, kind, body, undefined);
  }

  /** What a server does that heard no cursor: the newest message goes out again, to every device. */
  pushAgain(conversationId: bigint): void {
    const conversation = this.#conversation(conversationId)!;
    const data = messagePush.encode({ messages: conversation.messages.slice(-1) });
    this.#push(conversation, Command.messages, data, () => true);
  }

  /** Somebody's cursors move on a device that the test does not run. */
  moveCursor(conversationId: bigint, userId: bigint, deliveredSeq: number, readSeq: number): void {
    this.#raise(this.#conversation(conversationId)!, userId, deliveredSeq, readSeq, undefined);
  }

  history(conversationId: bigint): readonly Message[] {
    return this.#conversation(conversationId)!.messages;
  }

  cursorsOf(conversationId: bigint, userId: bigint): Readonly<Member> {
    return this.#conversation(conversationId)!.members.find((member) => member.userId === userId)!;
  }

  unread(conversationId: bigint, userId: bigint): number {
    const state = this.#state(this.#conversation(conversationId)!, userId);
    return Math.max(0, state.headCountNo - state.unreadBaseCountNo);
  }

  sessionsOf(userId: bigint): ReadonlyArray<Readonly<Session>> {
    return this.#sessions.filter((session) => session.userId === userId);
  }

  /** The process dies and is started again: stored data stays. */
  restart(): void {
    this.network.cutAll();
  }

  /** Restored from a backup: what came after `headSeq` was never there, and its conv_seqs are given again. */
  loseAfter(conversationId: bigint, headSeq: number): void {
    const conversation = this.#conversation(conversationId)!;
    for (const { senderId, clientMsgId } of conversation.messages.splice(headSeq)) {
      conversation.byKey.delete(`${senderId}:${toHex(clientMsgId)}`);
    }
    for (const member of conversation.members) {
      member.deliveredSeq = Math.min(member.deliveredSeq, headSeq);
      member.readSeq = Math.min(member.readSeq, headSeq);
    }
    conversation.activityMs = conversation.messages.at(-1)?.serverTimeMs ?? 0;
  }

  /** As if the conversation had never been opened. */
  forget(conversationId: bigint): void {
    const index = this.#conversations.findIndex((conversation) => conversation.conversationId === conversationId);
    if (index >= 0) this.#conversations.splice(index, 1);
  }

  expireAccessTokens(): void {
    for (const session of this.#sessions) session.accessExpiresAt = 0;
  }

  /** Closes the connections of a user, with a close code. */
  closeConnections(userId: bigint, code: number): void {
    for (const { end, session } of [...this.#connections]) if (session?.userId === userId) end.close(code);
  }

  endSessions(userId: bigint): void {
    for (const session of this.#sessions) if (session.userId === userId) session.ended = true;
    this.closeConnections(userId, CloseCode.loggedOut);
  }

  askToReconnect(delayMs: number): void {
    const data = reconnect.encode({ delayMs });
    for (const { end } of this.#connections) {
      end.send({ cmd: Command.reconnect, msgType: MsgType.notify, logId: 0, sequenceId: 0, data });
    }
  }

  // ---- HTTP ----

  http(request: HttpRequest): HttpResponse {
    const path = request.url.replace(/^https?:\/\/[^/]+/, '');
    const body = (request.body === undefined ? {} : JSON.parse(request.body)) as Record<string, unknown>;
    if (path === '/v1/server') {
      return ok({ name: 'Fake', version: '1.0.0', protocol: { min: 1, max: 1 }, tls: false, serverTimeMs: 0 });
    }
    if (path === '/v1/auth/register') return this.#once(request, () => this.#register(body));
    if (path === '/v1/auth/login') return this.#logIn(body);
    if (path === '/v1/auth/refresh') return this.#refresh(body);
    const session = this.#sessions.find(({ accessToken }) => request.headers.authorization === `Bearer ${accessToken}`);
    if (session?.ended) return failed('SESSION_ENDED');
    if (!session || session.accessExpiresAt <= this.#clock.now()) return failed('UNAUTHENTICATED');
    if (path === '/v1/auth/logout') {
      session.ended = true;
      return { status: 204, body: '' };
    }
    if (path.startsWith('/v1/users')) {
      const query = decodeURIComponent(/query=([^&]*)/.exec(path)?.[1] ?? '');
      return ok({ users: this.#users.filter(({ username }) => username.includes(query)).map(userJson) });
    }
    if (path === '/v1/conversations/direct') {
      const peer = this.#users.find(({ userId }) => userId.toString() === body.userId);
      if (!peer) return failed('NOT_FOUND');
      const conversationId = this.openDirect(session.userId, peer.userId).toString();
      return ok({ conversationId, created: true, peer: userJson(peer) });
    }
    if (path === '/v1/gates') {
      return ok({ gates: this.gates, ticket: 'ticket', ticketExpiresAt: 0, delayMs: this.gateDelayMs });
    }
    return failed('NOT_FOUND');
  }

  /** Idempotency-Key: the same request brings the same answer. */
  #once({ headers, body = '' }: HttpRequest, handle: () => HttpResponse): HttpResponse {
    const key = headers['idempotency-key'];
    if (key === undefined) return handle();
    const known = this.#answers.get(key);
    if (known) return known.body === body ? known.answer : failed('ID_REUSED');
    const answer = handle();
    this.#answers.set(key, { body, answer });
    return answer;
  }

  #register(body: Record<string, unknown>): HttpResponse {
    const username = String(body.username);
    if (this.#users.some((user) => user.username === username)) return failed('NAME_TAKEN');
    const displayName = String(body.displayName ?? username);
    const user = { userId: this.#id(), username, displayName, password: String(body.password) };
    this.#users.push(user);
    return this.#newSession(user, body);
  }

  #logIn(body: Record<string, unknown>): HttpResponse {
    const user = this.#users.find(({ username }) => username === body.username);
    if (!user || user.password !== body.password) return failed('INVALID_CREDENTIALS');
    return this.#newSession(user, body);
  }

  #newSession(user: User, body: Record<string, unknown>): HttpResponse {
    const { deviceId } = body.device as { deviceId: string };
    const earlier = this.#sessions.filter((session) => session.userId === user.userId && session.deviceId === deviceId);
    for (const session of earlier) session.ended = true;
    const session: Session = {
      sessionId: this.#id(),
      userId: user.userId,
      deviceId,
      epoch: earlier.length + 1,
      accessToken: '',
      accessExpiresAt: 0,
      refreshToken: '',
      spent: undefined,
      ended: false,
    };
    this.#renew(session);
    this.#sessions.push(session);
    return ok({ user: userJson(user), session: sessionJson(session) });
  }

  #refresh(body: Record<string, unknown>): HttpResponse {
    const now = this.#clock.now();
    const token = body.refreshToken;
    const session = this.#sessions.find(({ refreshToken, spent }) => refreshToken === token || spent?.token === token);
    if (!session) return failed('UNAUTHENTICATED');
    if (session.spent && session.spent.token === token && now > session.spent.graceUntil) session.ended = true;
    if (session.ended || session.deviceId !== body.deviceId) return failed('SESSION_ENDED');
    if (session.refreshToken === token) session.spent = { token, graceUntil: now + REFRESH_GRACE_MS };
    this.#renew(session);
    return ok({ session: sessionJson(session) });
  }

  #renew(session: Session): void {
    session.accessToken = `access-${this.#id()}`;
    session.refreshToken = `refresh-${this.#id()}`;
    session.accessExpiresAt = this.#clock.now() + this.accessTokenMs;
  }

  // ---- connections ----

  connected(end: ServerEnd): { frame(frame: Frame): void; closed(): void } {
    const connection: Connection = { end, session: undefined, lastSequenceId: -1, heldUp: new Map() };
    this.#connections.add(connection);
    return {
      frame: (frame) => this.#frame(connection, frame),
      closed: () => {
        this.#connections.delete(connection);
      },
    };
  }

  #frame(connection: Connection, frame: Frame): void {
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
      const { accessToken } = loginRequest.decode(data);
      const session = this.#sessions.find((candidate) => candidate.accessToken === accessToken);
      if (session?.ended) answer(statusResponse, { status: statusOf('SESSION_ENDED') });
      else if (!session || session.accessExpiresAt <= this.#clock.now()) {
        answer(statusResponse, { status: statusOf('UNAUTHENTICATED') });
      } else {
        connection.session = session;
        answer(loginResponse, {
          status: undefined,
          userId: session.userId,
          deviceId: session.deviceId,
          epoch: session.epoch,
          serverTimeMs: this.#clock.now(),
          heartbeatIntervalMs: 30_000,
          heartbeatTimeoutMs: 75_000,
          maxDataLength: 65_536,
        });
      }
      return;
    }
    const { session } = connection;
    if (!session) {
      answer(statusResponse, { status: statusOf('UNAUTHENTICATED') });
      return;
    }
    this.#request(connection, session.userId, cmd, data, answer);
  }

  /** A refused SEND holds up those behind it, so that none of them overtakes it. */
  #refuseSend(connection: Connection, data: Uint8Array): { reason: ErrorName; retryAfterMs?: number } | undefined {
    const { clientMsgId, conversationId } = sendRequest.decode(data);
    const key = toHex(clientMsgId);
    const lane = connection.heldUp.get(conversationId);
    if (lane && lane.expected !== key) return { reason: lane.reason };
    connection.heldUp.delete(conversationId);
    const refusal = this.refuse(Command.send, data);
    if (refusal && errorCatalogue[refusal.reason].retry === 'later') {
      const { reason } = refusal;
      const held = { expected: key, reason };
      connection.heldUp.set(conversationId, held);
      // By time that passes, not by what the clock shows: the tests set the clock.
      this.#clock.setTimer(LANE_PATIENCE_MS, () => {
        if (connection.heldUp.get(conversationId) === held) connection.heldUp.delete(conversationId);
      });
    }
    return refusal;
  }

  #request(
    connection: Connection,
    userId: bigint,
    cmd: number,
    data: Uint8Array,
    answer: <T>(codec: Codec<T>, value: T) => void,
  ): void {
    switch (cmd) {
      case Command.heartbeat: {
        const { mark } = heartbeatRequest.decode(data);
        const truth = this.#mark(userId);
        const same =
          mark.conversationCount === truth.conversationCount &&
          mark.headSum === truth.headSum &&
          mark.readSum === truth.readSum;
        const moved = same ? [] : this.#states(userId).slice(0, 50);
        answer(heartbeatResponse, { status: undefined, serverTimeMs: this.#clock.now(), moved, more: false });
        return;
      }
      case Command.send: {
        const { clientMsgId, conversationId, kind, body } = sendRequest.decode(data);
        this.sends.push(toHex(clientMsgId));
        const conversation = this.#conversationOf(conversationId, userId);
        if (!conversation) {
          answer(statusResponse, { status: statusOf('NOT_A_MEMBER') });
          return;
        }
        const { msgId, convSeq, serverTimeMs, countNo } = this.#append(
          conversation,
          userId,
          clientMsgId.slice(),
          kind,
          body.slice(),
          connection,
        );
        answer(sendResponse, { status: undefined, clientMsgId, conversationId, msgId, convSeq, serverTimeMs, countNo });
        return;
      }
      case Command.cursor: {
        for (const move of cursorRequest.decode(data).moves) {
          const conversation = this.#conversationOf(move.conversationId, userId);
          if (conversation) this.#raise(conversation, userId, move.deliveredSeq, move.readSeq, connection);
        }
        answer(cursorResponse, { status: undefined });
        return;
      }
      case Command.sync: {
        const { sinceMs, beforeActivityMs, beforeConversationId, limit } = syncRequest.decode(data);
        const rows = this.#states(userId).filter(
          (row) =>
            row.lastActivityMs >= sinceMs &&
            (beforeActivityMs === 0 ||
              row.lastActivityMs < beforeActivityMs ||
              (row.lastActivityMs === beforeActivityMs && row.conversationId < beforeConversationId)),
        );
        answer(syncResponse, {
          status: undefined,
          conversations: rows.slice(0, limit),
          more: rows.length > limit,
          serverTimeMs: this.#clock.now(),
          mark: this.#mark(userId),
        });
        return;
      }
      case Command.conversations: {
        const { conversationIds } = conversationsRequest.decode(data);
        const conversations = this.#states(userId).filter(({ conversationId }) =>
          conversationIds.includes(conversationId),
        );
        answer(conversationsResponse, { status: undefined, conversations });
        return;
      }
      case Command.history: {
        const { conversationId, fromSeq, toSeq, limit, newestFirst } = historyRequest.decode(data);
        const conversation = this.#conversationOf(conversationId, userId);
        if (!conversation) {
          answer(statusResponse, { status: statusOf('NOT_A_MEMBER') });
          return;
        }
        const range = conversation.messages.filter(
          ({ convSeq }) => convSeq >= fromSeq && convSeq <= toSeq && !this.historyIsLost,
        );
        const messages = newestFirst ? range.slice(-limit) : range.slice(0, limit);
        answer(historyResponse, { status: undefined, conversationId, messages, headSeq: conversation.messages.length });
        return;
      }
      default:
        answer(statusResponse, { status: statusOf('UNKNOWN_CMD') });
    }
  }

  #append(
    conversation: Conversation,
    senderId: bigint,
    clientMsgId: Uint8Array,
    kind: number,
    body: Uint8Array,
    from: Connection | undefined,
  ): Message {
    const key = `${senderId}:${toHex(clientMsgId)}`;
    const repeated = conversation.byKey.get(key);
    if (repeated) return repeated;
    const convSeq = conversation.messages.length + 1;
    const message: Message = {
      msgId: this.#id(),
      conversationId: conversation.conversationId,
      convSeq,
      senderId,
      clientMsgId,
      kind,
      body,
      serverTimeMs: this.#clock.now(),
      countNo: convSeq,
    };
    conversation.messages.push(message);
    conversation.byKey.set(key, message);
    conversation.activityMs = this.#clock.now();
    const data = messagePush.encode({ messages: [message] });
    this.#push(conversation, Command.messages, data, (connection) => connection !== from);
    return message;
  }

  #raise(
    conversation: Conversation,
    userId: bigint,
    deliveredSeq: number,
    readSeq: number,
    from: Connection | undefined,
  ): void {
    const member = conversation.members.find((candidate) => candidate.userId === userId)!;
    const head = conversation.messages.length;
    const before = { ...member };
    member.readSeq = Math.max(member.readSeq, Math.min(head, readSeq));
    member.deliveredSeq = Math.max(member.deliveredSeq, Math.min(head, deliveredSeq), member.readSeq);
    if (before.readSeq === member.readSeq && before.deliveredSeq === member.deliveredSeq) return;
    conversation.activityMs = this.#clock.now();
    const data = cursorPush.encode({ cursors: [this.#cursor(conversation, userId)] });
    this.#push(conversation, Command.cursors, data, (connection) => connection !== from);
  }

  #push(conversation: Conversation, cmd: number, data: Uint8Array, to: (connection: Connection) => boolean): void {
    for (const connection of this.#connections) {
      const { session, end } = connection;
      if (!session || !to(connection)) continue;
      if (!conversation.members.some(({ userId }) => userId === session.userId)) continue;
      end.send({ cmd, msgType: MsgType.notify, logId: 0, sequenceId: 0, data });
    }
  }

  #cursor(conversation: Conversation, userId: bigint): MemberCursor {
    const { deliveredSeq, readSeq } = conversation.members.find((member) => member.userId === userId)!;
    const { conversationId } = conversation;
    return { conversationId, userId, deliveredSeq, readSeq, readCountNo: readSeq };
  }

  /** Newest activity first. */
  #states(userId: bigint): ConversationState[] {
    return this.#conversations
      .filter(({ members }) => members.some((member) => member.userId === userId))
      .map((conversation) => this.#state(conversation, userId))
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs || (a.conversationId < b.conversationId ? 1 : -1));
  }

  #state(conversation: Conversation, userId: bigint): ConversationState {
    const { conversationId, members, messages, activityMs } = conversation;
    const peerId = members.find((member) => member.userId !== userId)!.userId;
    const peer = this.#users.find((user) => user.userId === peerId)!;
    const { readSeq } = members.find((member) => member.userId === userId)!;
    const lastOwn = messages.findLast((message) => message.senderId === userId)?.convSeq ?? 0;
    return {
      conversationId,
      kind: 1,
      headSeq: messages.length,
      headCountNo: messages.length,
      joinSeq: 1,
      readSeq,
      unreadBaseCountNo: Math.max(readSeq, lastOwn),
      lastActivityMs: activityMs,
      peer: { userId: peer.userId, username: peer.username, displayName: peer.displayName },
      peerCursor: this.#cursor(conversation, peerId),
      lastMessage: messages.at(-1),
    };
  }

  #mark(userId: bigint): SyncMark {
    const rows = this.#states(userId);
    return {
      conversationCount: rows.length,
      headSum: rows.reduce((sum, row) => sum + row.headSeq, 0),
      readSum: rows.reduce((sum, row) => sum + row.readSeq, 0),
      sinceMs: this.#clock.now(),
    };
  }

  #conversation(conversationId: bigint): Conversation | undefined {
    return this.#conversations.find((conversation) => conversation.conversationId === conversationId);
  }

  #conversationOf(conversationId: bigint, userId: bigint): Conversation | undefined {
    const conversation = this.#conversation(conversationId);
    return conversation?.members.some((member) => member.userId === userId) ? conversation : undefined;
  }

  #id(): bigint {
    this.#nextId += 1n;
    return this.#nextId;
  }
}

function ok(value: unknown): HttpResponse {
  return { status: 200, body: JSON.stringify(value) };
}

function failed(code: ErrorName, retryAfterMs = 0): HttpResponse {
  const { http, code: number, text } = errorCatalogue[code];
  return {
    status: http,
    body: JSON.stringify({ error: { code, number, message: text, retryAfterMs, requestId: '1' } }),
  };
}

function userJson({ userId, username, displayName }: User) {
  return { userId: userId.toString(), username, displayName };
}

function sessionJson({ sessionId, deviceId, epoch, accessToken, accessExpiresAt, refreshToken }: Session) {
  return {
    sessionId: sessionId.toString(),
    deviceId,
    epoch,
    accessToken,
    accessExpiresAt,
    refreshToken,
    refreshExpiresAt: accessExpiresAt + 30 * 24 * 3_600_000,
  };
}
