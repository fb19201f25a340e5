import { GroupChange, GroupRole, plainText, textBody } from '@fastim/protocol';
import { type Fixture, type StoredOutcome, stored, type TestGroup } from '../../contract-suite/fixtures.ts';
import type { AppendRequest } from '../../message-store.ts';
import type { SessionRecord } from '../../session-store.ts';
import type { Storage } from '../../storage.ts';

/** Who and what is in a store that has a row of every kind. */
export interface FullStore {
  readonly userIds: readonly bigint[];
  readonly conversationIds: readonly bigint[];
  readonly groups: readonly TestGroup[];
  readonly tokens: readonly string[];
  readonly sessions: readonly SessionRecord[];
  /** A refresh token that was spent. */
  readonly spentRefreshHash: Uint8Array;
  /** Stored requests with what they were answered. */
  readonly sent: readonly { readonly request: AppendRequest; readonly outcome: StoredOutcome }[];
}

const DEVICE = 'e'.repeat(32);

/** Fills an empty storage with everything there is: all kinds of messages, members, settings, links, sessions. */
export async function fillStore(fixture: Fixture): Promise<FullStore> {
  const { storage } = fixture;
  const sent: { request: AppendRequest; outcome: StoredOutcome }[] = [];
  const send = async (request: AppendRequest): Promise<number> => {
    const outcome = stored(await fixture.append(request));
    sent.push({ request, outcome });
    return outcome.convSeq;
  };

  const pairs = [await fixture.pair(), await fixture.pair(), await fixture.pair()];
  for (const { conversationId, first, second } of pairs) {
    for (let index = 0; index < 40; index += 1) {
      const senderId = index % 3 === 0 ? first.userId : second.userId;
      const body = textBody.encode(plainText(`words ${index} 你好 \0 🙂`));
      await send(fixture.request(conversationId, senderId, { body }));
    }
    await send(fixture.edit(conversationId, first.userId, 1, 'better words'));
    await send(fixture.recall(conversationId, first.userId, 4));
    await send(fixture.reaction(conversationId, second.userId, 7));
    await send(fixture.reaction(conversationId, first.userId, 7, { emoji: '❤️' }));
    await send(fixture.reaction(conversationId, first.userId, 7, { emoji: '❤️', removed: true }));
    const move = { conversationId, deviceId: DEVICE, nowMs: fixture.later() };
    await storage.conversations.raiseCursors([
      { ...move, userId: first.userId, deliveredSeq: 30, readSeq: 20 },
      { ...move, userId: second.userId, deliveredSeq: 12, readSeq: 0 },
    ]);
    const unset = { silentUntilMs: undefined, pinnedMs: undefined, archived: undefined, markedUnread: undefined };
    await storage.conversations.changeSettings(
      first.userId,
      { conversationId, ...unset, pinnedMs: 77, archived: true, draft: 'half a \0 word', hideSeqs: [3, 5] },
      fixture.later(),
    );
    await storage.conversations.changeSettings(
      second.userId,
      { conversationId, ...unset, silentUntilMs: 99, markedUnread: true, draft: undefined, hideSeqs: [6] },
      fixture.later(),
    );
  }

  const groups: TestGroup[] = [];
  const tokens: string[] = [];
  const outsiders: bigint[] = [];
  for (let index = 0; index < 3; index += 1) {
    const group = await fixture.group(6);
    groups.push(group);
    const { conversationId, owner, admin, members } = group;
    const change = (actorId: bigint, kind: number, userIds: bigint[] = [], number = 0, text = '') =>
      storage.groups.change({ ...fixture.change(conversationId, actorId, kind, userIds, number), text });
    const leaver = members[0]!.userId;
    for (const { userId } of members) {
      await send(
        fixture.request(conversationId, userId, {
          body: textBody.encode({ ...plainText('look'), mentions: [owner.userId] }),
          action: { type: 'post', mentions: [owner.userId], mentionAll: false, replySeq: 0 },
        }),
      );
    }
    const posted = await send(
      fixture.request(conversationId, admin.userId, {
        action: { type: 'post', mentions: [], mentionAll: true, replySeq: 2 },
      }),
    );
    await change(leaver, GroupChange.leave);
    await change(owner.userId, GroupChange.remove, [members[1]!.userId]);
    await send(fixture.edit(conversationId, admin.userId, posted, 'what those who left do not see'));
    await send(fixture.reaction(conversationId, members[2]!.userId, posted, { emoji: '👀' }));
    await change(owner.userId, GroupChange.invite, [members[1]!.userId]);
    await change(owner.userId, GroupChange.announce, [], 0, 'Tuesday\n\0 at 6');
    await change(owner.userId, GroupChange.mute, [members[3]!.userId], fixture.later() + 1e9);
    await change(owner.userId, GroupChange.role, [members[4]!.userId], GroupRole.admin);
    for (const maker of [owner.userId, admin.userId, members[5]!.userId]) {
      const link = fixture.newLink(conversationId, maker);
      await storage.groups.makeLink(link);
      tokens.push(link.token);
    }
    const guest = await fixture.user();
    outsiders.push(guest.userId);
    await storage.groups.joinByLink(fixture.join(tokens.at(-1)!, guest.userId));
    await storage.groups.revokeLink(conversationId, owner.userId, tokens.at(-1)!, fixture.later());
    await change(owner.userId, GroupChange.approval, [], 1);
    const asking = await fixture.user({ displayName: `Asking ＺＯË ${index}` });
    outsiders.push(asking.userId);
    await storage.groups.joinByLink(fixture.join(tokens.at(-2)!, asking.userId));
    await storage.conversations.raiseCursors([
      {
        conversationId,
        userId: owner.userId,
        deviceId: DEVICE,
        deliveredSeq: 0,
        readSeq: posted,
        nowMs: fixture.later(),
      },
    ]);
  }

  const [someone] = pairs;
  const userId = someone!.first.userId;
  const first = await fixture.session(userId);
  const rotation = {
    oldRefreshHash: first.refreshHash,
    deviceId: first.deviceId,
    accessHash: fixture.hash(),
    accessExpiresMs: first.accessExpiresMs,
    refreshHash: fixture.hash(),
    refreshExpiresMs: first.refreshExpiresMs,
    nowMs: fixture.later(),
    graceMs: 30_000,
  };
  await storage.sessions.rotate(rotation);
  const sessions = [(await storage.sessions.byId(first.sessionId))!];
  for (const { second } of pairs) sessions.push(await fixture.session(second.userId));
  await storage.sessions.end(sessions.at(-1)!.sessionId, fixture.later());
  sessions[sessions.length - 1] = (await storage.sessions.byId(sessions.at(-1)!.sessionId))!;
  const spentRefreshHash = first.refreshHash;

  const userIds = [
    ...pairs.flatMap((pair) => [pair.first.userId, pair.second.userId]),
    ...groups.flatMap(({ owner, admin, members }) => [owner, admin, ...members].map((user) => user.userId)),
    ...outsiders,
  ];
  const conversationIds = [...pairs, ...groups].map(({ conversationId }) => conversationId);
  return { userIds, conversationIds, groups, tokens, sessions, spentRefreshHash, sent };
}

/** Everything that a storage says of it, by its own reads. */
export async function readStore(storage: Storage, full: FullStore, nowMs: number): Promise<unknown> {
  const { conversations, groups, messages, sessions, users } = storage;
  const ofUsers = await inOrder(full.userIds, async (userId) => ({
    list: await conversations.syncPage({
      userId,
      sinceMs: 0,
      beforeActivityMs: 0,
      beforeConversationId: 0n,
      limit: 100,
    }),
    states: await conversations.states(userId, full.conversationIds),
    mark: await conversations.mark(userId),
    groups: await conversations.groupIdsOf(userId),
    sessions: await sessions.ofUser(userId),
    inConversations: await inOrder(full.conversationIds, async (conversationId) => ({
      membership: await conversations.membership(conversationId, userId),
      hidden: await conversations.hidden(userId, conversationId, 0),
      history: await messages.history({
        conversationId,
        fromSeq: 1,
        toSeq: Number.MAX_SAFE_INTEGER,
        limit: 1_000,
        newestFirst: false,
        viewerId: userId,
      }),
    })),
    links: await inOrder(full.tokens, (token) => groups.lookAtLink(token, userId, nowMs)),
  }));
  const seqs = Array.from({ length: 30 }, (_, index) => index + 1);
  const ofConversations = await inOrder(full.conversationIds, async (conversationId) => ({
    direct: await conversations.directMembers(conversationId),
    counts: await groups.readCounts(conversationId, seqs),
    readers: await groups.readers({ conversationId, convSeq: 8, unread: false, after: '', limit: 100 }),
    unread: await groups.readers({ conversationId, convSeq: 8, unread: true, after: '', limit: 100 }),
    members: await groups.members({ conversationId, queryKey: '', after: '', limit: 100 }),
    seqAt: await messages.seqAt(conversationId, nowMs - 60_000),
  }));
  const ofGroups = await inOrder(full.groups, async ({ conversationId, owner }) => ({
    links: await groups.links(conversationId, owner.userId, nowMs),
    pending: await groups.pendingJoins(conversationId, owner.userId),
  }));
  return {
    historyEpoch: storage.historyEpoch,
    highestId: await storage.highestId(),
    users: await users.byIds(full.userIds),
    found: await inOrder(['zoë', 'person', 'user-2'], (query) => users.search(query, 1_000)),
    sessions: await inOrder(full.sessions, async ({ sessionId, accessHash }) => [
      await sessions.byId(sessionId),
      await sessions.byAccessHash(accessHash),
    ]),
    ended: await sessions.endedSince(0, 1_000),
    ofUsers,
    ofConversations,
    ofGroups,
  };
}

/** What a new answer to an old request says, and that everybody who was logged in still is. */
export async function useStore(fixture: Fixture, full: FullStore): Promise<void> {
  const { storage } = fixture;
  for (const { request, outcome } of full.sent) {
    const again = stored(await fixture.append({ ...request, msgId: fixture.id() }));
    const { msgId, convSeq, countNo, serverTimeMs } = outcome;
    if (again.outcome !== 'repeated') throw new Error('a message was stored twice');
    if (again.msgId !== msgId || again.convSeq !== convSeq || again.countNo !== countNo) throw new Error('renumbered');
    if (again.serverTimeMs !== serverTimeMs) throw new Error('another time');
  }
  const [live] = full.sessions;
  const rotation = {
    deviceId: live!.deviceId,
    accessHash: fixture.hash(),
    accessExpiresMs: live!.accessExpiresMs,
    refreshHash: fixture.hash(),
    refreshExpiresMs: live!.refreshExpiresMs,
    nowMs: fixture.later(),
    graceMs: 1e9,
  };
  const lostAnswer = await storage.sessions.rotate({ ...rotation, oldRefreshHash: full.spentRefreshHash });
  if (lostAnswer.outcome !== 'replaced') throw new Error(`a lost answer is ${lostAnswer.outcome}`);
  const next = await storage.sessions.rotate({
    ...rotation,
    oldRefreshHash: rotation.refreshHash,
    accessHash: fixture.hash(),
    refreshHash: fixture.hash(),
  });
  if (next.outcome !== 'rotated') throw new Error(`a session goes on as ${next.outcome}`);
  for (const conversationId of full.conversationIds) {
    const before = await fixture.history(conversationId);
    const sender = full.groups.find((group) => group.conversationId === conversationId)?.owner.userId;
    const senderId = sender ?? (await storage.conversations.directMembers(conversationId))[0]!;
    const [sent] = await fixture.send(conversationId, senderId);
    if (sent!.convSeq !== before.length + 1) throw new Error('the order does not go on');
  }
}

/** One after the other: a reading of a whole store is not what pools are made for. */
async function inOrder<One, Result>(many: readonly One[], read: (one: One) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const one of many) results.push(await read(one));
  return results;
}
