import {
  type ConversationState,
  type ErrorName,
  editBody,
  GroupChange,
  GroupRole,
  type Message,
  MessageKind,
  plainText,
  reactionBody,
  recallBody,
  textBody,
} from '@fastim/protocol';
import { afterAll, beforeAll } from 'vitest';
import type { GroupChangeRequest, GroupOutcome, GroupStore, JoinByLink, NewGroup } from '../group-store.ts';
import type { AppendAction, AppendOutcome, AppendRequest, HistoryQuery } from '../message-store.ts';
import type { NewSession, SessionRecord } from '../session-store.ts';
import type { Storage } from '../storage.ts';
import type { UserRecord } from '../user-store.ts';

/** Opens an empty storage; the suite closes it. */
export type OpenStorage = () => Promise<Storage>;

export type StoredOutcome = Extract<AppendOutcome, { outcome: 'stored' | 'repeated' }>;

export type ChangedOutcome = Extract<GroupOutcome, { outcome: 'stored' | 'repeated' }>;

export type NewLink = Parameters<GroupStore['makeLink']>[0];

export interface TestGroup {
  conversationId: bigint;
  owner: UserRecord;
  admin: UserRecord;
  members: UserRecord[];
}

/** More rounds for a long run. */
export const TEST_SCALE = Math.max(1, Number(process.env.FASTIM_TEST_SCALE ?? 1) || 1);

const START_MS = 1_800_000_000_000;

/** One storage for a group of tests that each use their own users and conversations. */
export function useStorage(open: OpenStorage): Fixture {
  const fixture = new Fixture();
  beforeAll(async () => {
    fixture.storage = await open();
  });
  afterAll(async () => {
    await fixture.storage.close();
  });
  return fixture;
}

/** Makes people, conversations and messages with ids that were never used before. */
export class Fixture {
  storage!: Storage;
  #ids = 0n;
  #nowMs = START_MS;

  /** A new 63-bit id, past what a JavaScript number holds. */
  id(): bigint {
    this.#ids += 1n;
    return (1n << 61n) + this.#ids * 4_194_305n;
  }

  /** Later by a second at each call. */
  later(): number {
    this.#nowMs += 1_000;
    return this.#nowMs;
  }

  clientMsgId(): Uint8Array {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigInt64(0, this.id());
    return bytes;
  }

  hash(): Uint8Array {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setBigInt64(12, this.id());
    return bytes;
  }

  async user(overrides: Partial<UserRecord> = {}): Promise<UserRecord> {
    const userId = this.id();
    const user: UserRecord = {
      userId,
      username: `User-${userId}`,
      usernameKey: `user-${userId}`,
      displayName: `Person ${userId}`,
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$salt$hash',
      createdMs: this.later(),
      showOnline: true,
      ...overrides,
    };
    if ((await this.storage.users.create(user)) === 'taken') throw new Error(`${user.usernameKey} is taken`);
    return user;
  }

  /** Two users with a direct conversation. */
  async pair(): Promise<{ conversationId: bigint; first: UserRecord; second: UserRecord }> {
    const [first, second] = [await this.user(), await this.user()];
    const { conversationId } = await this.storage.conversations.openDirect(
      first.userId,
      second.userId,
      this.id(),
      this.later(),
    );
    return { conversationId, first, second };
  }

  request(conversationId: bigint, senderId: bigint, overrides: Partial<AppendRequest> = {}): AppendRequest {
    return {
      conversationId,
      senderId,
      clientMsgId: this.clientMsgId(),
      msgId: this.id(),
      kind: MessageKind.text,
      body: textBody.encode(plainText('hello 你好')),
      serverTimeMs: this.later(),
      action: post,
      ...overrides,
    };
  }

  edit(conversationId: bigint, senderId: bigint, targetSeq: number, edited = 'edited'): AppendRequest {
    return this.request(conversationId, senderId, {
      kind: MessageKind.edit,
      body: editBody.encode({ targetSeq: Math.max(0, targetSeq), text: edited, mentions: [], mentionAll: false }),
      action: { type: 'edit', targetSeq, notBeforeMs: 0, mentions: [], mentionAll: false },
    });
  }

  recall(conversationId: bigint, senderId: bigint, targetSeq: number, notBeforeMs = 0): AppendRequest {
    return this.request(conversationId, senderId, {
      kind: MessageKind.recall,
      body: recallBody.encode({ targetSeq }),
      action: { type: 'recall', targetSeq, notBeforeMs },
    });
  }

  reaction(
    conversationId: bigint,
    senderId: bigint,
    targetSeq: number,
    { emoji = '👍', removed = false }: { emoji?: string; removed?: boolean } = {},
  ): AppendRequest {
    return this.request(conversationId, senderId, {
      kind: MessageKind.reaction,
      body: reactionBody.encode({ targetSeq, emoji, removed }),
      action: { type: 'reaction', targetSeq, emoji, removed },
    });
  }

  /** One request, one call. */
  async append(request: AppendRequest): Promise<AppendOutcome> {
    const [outcome] = await this.storage.messages.append([request]);
    return outcome!;
  }

  /** All messages of a conversation as one user gets them. */
  history(conversationId: bigint, viewerId = 0n, range: Partial<HistoryQuery> = {}): Promise<Message[]> {
    return this.storage.messages.history({
      conversationId,
      fromSeq: 1,
      toSeq: Number.MAX_SAFE_INTEGER,
      limit: 1_000,
      newestFirst: false,
      viewerId,
      ...range,
    });
  }

  async state(userId: bigint, conversationId: bigint): Promise<ConversationState> {
    const [state] = await this.storage.conversations.states(userId, [conversationId]);
    if (!state) throw new Error('there is no state');
    return state;
  }

  /** Stores `count` messages of one sender, one batch. */
  async send(conversationId: bigint, senderId: bigint, count = 1): Promise<StoredOutcome[]> {
    const batch = Array.from({ length: count }, () => this.request(conversationId, senderId));
    return (await this.storage.messages.append(batch)).map(stored);
  }

  /** A group with an owner, an admin and members, besides those that the test adds. */
  async group(members = 2): Promise<TestGroup> {
    const [owner, admin] = [await this.user(), await this.user()];
    const others: UserRecord[] = [];
    for (let index = 0; index < members; index += 1) others.push(await this.user());
    const memberIds = [admin, ...others].map(({ userId }) => userId);
    const made = await this.storage.groups.create(this.newGroup(owner.userId, memberIds));
    const { conversationId } = changed(made);
    const role = this.change(conversationId, owner.userId, GroupChange.role, [admin.userId], GroupRole.admin);
    changed(await this.storage.groups.change(role));
    return { conversationId, owner, admin, members: others };
  }

  newGroup(creatorId: bigint, memberIds: readonly bigint[]): NewGroup {
    return {
      creatorId,
      clientMsgId: this.clientMsgId(),
      conversationId: this.id(),
      msgId: this.id(),
      name: 'Walkers',
      avatarColor: 3,
      memberIds,
      nowMs: this.later(),
    };
  }

  change(
    conversationId: bigint,
    actorId: bigint,
    change: number,
    userIds: readonly bigint[] = [],
    number = 0,
  ): GroupChangeRequest {
    return {
      conversationId,
      actorId,
      clientMsgId: this.clientMsgId(),
      msgId: this.id(),
      change,
      userIds,
      text: '',
      number,
      nowMs: this.later(),
      maxMembers: 1_000,
    };
  }

  newLink(conversationId: bigint, creatorId: bigint): NewLink {
    return {
      conversationId,
      creatorId,
      clientMsgId: this.clientMsgId(),
      token: `token-${this.id()}`,
      expiresMs: 0,
      maxUses: 0,
      maxLinks: 50,
      nowMs: this.later(),
    };
  }

  join(token: string, userId: bigint): JoinByLink {
    return {
      token,
      userId,
      clientMsgId: this.clientMsgId(),
      msgId: this.id(),
      nowMs: this.later(),
      maxMembers: 1_000,
    };
  }

  newSession(userId: bigint, overrides: Partial<NewSession> = {}): NewSession {
    const nowMs = this.later();
    return {
      sessionId: this.id(),
      userId,
      deviceId: 'd'.repeat(32),
      deviceName: 'test device',
      accessHash: this.hash(),
      accessExpiresMs: nowMs + 15 * 60_000,
      refreshHash: this.hash(),
      refreshExpiresMs: nowMs + 30 * 24 * 3_600_000,
      nowMs,
      ...overrides,
    };
  }

  async session(userId: bigint, overrides: Partial<NewSession> = {}): Promise<SessionRecord> {
    return this.storage.sessions.create(this.newSession(userId, overrides));
  }
}

/** The outcome of a change that was made, now or before. */
export function changed(outcome: GroupOutcome): ChangedOutcome {
  if (outcome.outcome === 'stored' || outcome.outcome === 'repeated') return outcome;
  throw new Error(`was not changed: ${outcome.outcome === 'refused' ? outcome.reason : outcome.outcome}`);
}

/** Mentions nobody and answers nothing. */
export const post: AppendAction = { type: 'post', mentions: [], mentionAll: false, replySeq: 0 };

export function stored(outcome: AppendOutcome | undefined): StoredOutcome {
  if (outcome?.outcome === 'stored' || outcome?.outcome === 'repeated') return outcome;
  throw new Error(`was not stored: ${JSON.stringify(outcome)}`);
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** What a text message says. */
export function words(message: Message | undefined): string {
  if (!message) throw new Error('there is no message');
  return textBody.decode(message.body).text;
}

export function sorted(ids: readonly bigint[]): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** An outcome as it has to be. */
export function refused(reason: ErrorName): { outcome: 'refused'; reason: ErrorName } {
  return { outcome: 'refused', reason };
}
