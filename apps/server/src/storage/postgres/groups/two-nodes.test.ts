import { GroupChange, GroupRole } from '@fastim/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changed, Fixture, TEST_SCALE, type TestGroup } from '../../contract-suite/fixtures.ts';
import type { GroupOutcome } from '../../group-store.ts';
import type { PostgresStorage } from '../open-postgres-storage.ts';
import { verifyPostgres } from '../restore/verify-postgres.ts';
import { postgresMissing, TestStorages } from '../testing/test-storages.ts';
import { withDatabase } from '../testing/with-database.ts';

const missing = await postgresMissing();
const storages = new TestStorages();
const fixture = new Fixture();
const nodes: PostgresStorage[] = [];
let url = '';

beforeAll(async () => {
  if (missing) return;
  await storages.start();
  url = await storages.postgres.database();
  for (let node = 0; node < 2; node += 1) nodes.push(await storages.open({ url, poolSize: 8 }));
  fixture.storage = nodes[0]!;
});
afterAll(() => storages.remove());

/** What each of many does at once, half of them on either node. */
function onBothNodes<One, Result>(many: readonly One[], act: (storage: PostgresStorage, one: One) => Promise<Result>) {
  return Promise.all(many.map((one, index) => act(nodes[index % 2]!, one)));
}

function changing({ conversationId }: TestGroup, actorId: bigint, kind: number, userIds: bigint[] = [], number = 0) {
  return fixture.change(conversationId, actorId, kind, userIds, number);
}

async function expectWhole({ conversationId }: TestGroup): Promise<void> {
  const messages = await fixture.history(conversationId);
  expect(messages.map(({ convSeq }) => convSeq)).toEqual(messages.map((_, index) => index + 1));
  const { problems } = await withDatabase(url, (database) => verifyPostgres(database));
  expect(problems).toEqual([]);
}

const outcomesOf = (outcomes: readonly GroupOutcome[]) =>
  outcomes.map((one) => (one.outcome === 'refused' ? one.reason : one.outcome));

describe.skipIf(missing)('two nodes on one group', () => {
  test('changes and messages at once take every conv_seq once, and all of them are made', async () => {
    const group = await fixture.group(4);
    const { conversationId, owner, admin, members } = group;
    const guests = await Promise.all(Array.from({ length: 20 }, () => fixture.user()));
    const renames = Array.from({ length: 20 }, (_, index) => ({
      ...changing(group, admin.userId, GroupChange.rename),
      text: `name ${index}`,
    }));
    const invitations = guests.map(({ userId }) => changing(group, owner.userId, GroupChange.invite, [userId]));
    const posts = Array.from({ length: 60 }, (_, index) =>
      fixture.request(conversationId, members[index % members.length]!.userId),
    );
    const [changes, sent] = await Promise.all([
      onBothNodes([...renames, ...invitations], (storage, request) => storage.groups.change(request)),
      onBothNodes(posts, (storage, request) => storage.messages.append([request])),
    ]);
    expect(new Set(outcomesOf(changes))).toEqual(new Set(['stored']));
    const seqs = [
      ...changes.map((one) => changed(one).notice.convSeq),
      ...sent.flat().map((one) => ('convSeq' in one ? one.convSeq : 0)),
    ];
    expect(new Set(seqs).size).toBe(seqs.length);
    expect(await fixture.state(owner.userId, conversationId)).toMatchObject({
      headSeq: Math.max(...seqs),
      headCountNo: 60,
      group: { memberCount: 26 },
    });
    await expectWhole(group);
  });

  test('there is one owner, whoever gives the group away to whom at once', async () => {
    for (let round = 0; round < 5 * TEST_SCALE; round += 1) {
      const group = await fixture.group(4);
      const { conversationId, owner, admin, members } = group;
      const heirs = [admin, ...members].map(({ userId }) => userId);
      const outcomes = await onBothNodes(heirs, (storage, heir) =>
        storage.groups.change(changing(group, owner.userId, GroupChange.transfer, [heir])),
      );
      expect(outcomesOf(outcomes).sort()).toEqual([...Array(heirs.length - 1).fill('NOT_ALLOWED'), 'stored']);
      const { members: list } = await nodes[1]!.groups.members({ conversationId, queryKey: '', after: '', limit: 100 });
      const owners = list.filter(({ role }) => role === GroupRole.owner).map(({ profile }) => profile.userId);
      const given = outcomes.findIndex(({ outcome }) => outcome === 'stored');
      expect(owners).toEqual([heirs[given]]);
      await expectWhole(group);
    }
  });

  test('an owner who gives the group away and leaves at once leaves it with an owner', async () => {
    for (let round = 0; round < 10 * TEST_SCALE; round += 1) {
      const group = await fixture.group(1);
      const { conversationId, owner, admin, members } = group;
      const requests = [
        changing(group, owner.userId, GroupChange.transfer, [admin.userId]),
        changing(group, owner.userId, GroupChange.leave),
        changing(group, admin.userId, GroupChange.leave),
        changing(group, members[0]!.userId, GroupChange.leave),
      ];
      const order = requests.map((_, index) => requests[(index + round) % requests.length]!);
      await onBothNodes(order, (storage, request) => storage.groups.change(request));
      const { members: list } = await nodes[0]!.groups.members({ conversationId, queryKey: '', after: '', limit: 9 });
      expect(list.filter(({ role }) => role === GroupRole.owner)).toHaveLength(list.length === 0 ? 0 : 1);
      await expectWhole(group);
    }
  });

  test('everybody leaves at once: the last one out is the owner, and the group is empty', async () => {
    const group = await fixture.group(3);
    const { conversationId, owner, admin, members } = group;
    const all = [admin, ...members, owner].map(({ userId }) => userId);
    const left = new Set<bigint>();
    while (left.size < all.length) {
      const rest = all.filter((userId) => !left.has(userId));
      const outcomes = await onBothNodes(rest, (storage, userId) =>
        storage.groups.change(changing(group, userId, GroupChange.leave)),
      );
      outcomes.forEach((one, index) => {
        if (one.outcome === 'stored') left.add(rest[index]!);
        else expect(one).toEqual({ outcome: 'refused', reason: 'OWNER_CANNOT_LEAVE' });
      });
    }
    expect(await nodes[0]!.conversations.membership(conversationId, owner.userId)).toMatchObject({ memberCount: 0 });
    await expectWhole(group);
  });

  test('as many as there are places come in by a link, by invitation and by approval at once', async () => {
    const group = await fixture.group(1);
    const { conversationId, owner, admin } = group;
    const link = fixture.newLink(conversationId, owner.userId);
    await nodes[0]!.groups.makeLink(link);
    const guests = await Promise.all(Array.from({ length: 24 }, () => fixture.user()));
    const outcomes = await onBothNodes(guests, (storage, { userId }) => {
      const invited = { ...changing(group, admin.userId, GroupChange.invite, [userId]), maxMembers: 10 };
      const joins = { ...fixture.join(link.token, userId), maxMembers: 10 };
      return userId % 3n === 0n ? storage.groups.change(invited) : storage.groups.joinByLink(joins);
    });
    expect(outcomesOf(outcomes).sort()).toEqual([...Array(17).fill('GROUP_FULL'), ...Array(7).fill('stored')]);
    expect(await fixture.state(owner.userId, conversationId)).toMatchObject({ group: { memberCount: 10 } });
    await expectWhole(group);
  });

  test('a link lets in as many as it may, also on two nodes, and counts each of them', async () => {
    const group = await fixture.group(1);
    const link = { ...fixture.newLink(group.conversationId, group.owner.userId), maxUses: 5 };
    await nodes[0]!.groups.makeLink(link);
    const guests = await Promise.all(Array.from({ length: 20 }, () => fixture.user()));
    const outcomes = await onBothNodes(guests, (storage, { userId }) =>
      storage.groups.joinByLink(fixture.join(link.token, userId)),
    );
    expect(outcomesOf(outcomes).sort()).toEqual([...Array(15).fill('LINK_INVALID'), ...Array(5).fill('stored')]);
    await expectWhole(group);
  });

  test('a request that both nodes get is done once, a group that both make is one', async () => {
    const group = await fixture.group(1);
    const request = { ...changing(group, group.admin.userId, GroupChange.announce), text: 'once' };
    const outcomes = await onBothNodes(Array(16).fill(request), (storage) => storage.groups.change(request));
    expect(outcomesOf(outcomes).sort()).toEqual([...Array(15).fill('repeated'), 'stored']);
    const made = fixture.newGroup(group.owner.userId, [group.admin.userId]);
    const groups = await onBothNodes(Array(16).fill(made), (storage) =>
      storage.groups.create({ ...made, conversationId: fixture.id(), msgId: fixture.id() }),
    );
    expect(outcomesOf(groups).sort()).toEqual([...Array(15).fill('repeated'), 'stored']);
    expect(new Set(groups.map((one) => changed(one).conversationId)).size).toBe(1);
    await expectWhole(group);
  });

  test('changes of admins, requests to join and cursors at once end, and their count is right', async () => {
    const group = await fixture.group(6);
    const { conversationId, owner, admin, members } = group;
    const link = fixture.newLink(conversationId, owner.userId);
    await nodes[0]!.groups.makeLink(link);
    await nodes[0]!.groups.change(changing(group, owner.userId, GroupChange.approval, [], 1));
    const guests = await Promise.all(Array.from({ length: 16 }, () => fixture.user()));
    const everybody = [owner, admin, ...members];
    const { headSeq } = await fixture.state(owner.userId, conversationId);
    await Promise.all([
      onBothNodes(guests, (storage, { userId }) => storage.groups.joinByLink(fixture.join(link.token, userId))),
      onBothNodes(members, (storage, { userId }) =>
        storage.groups.change(changing(group, owner.userId, GroupChange.role, [userId], GroupRole.admin)),
      ),
      onBothNodes(
        Array.from({ length: 40 }, (_, index) => index),
        (storage, index) => {
          const from = index % everybody.length;
          const users = [...everybody.slice(from), ...everybody.slice(0, from)];
          return storage.conversations.raiseCursors(
            users.map(({ userId }) => ({
              conversationId,
              userId,
              deviceId: 'd',
              deliveredSeq: 0,
              readSeq: Math.min(headSeq, index + 1),
              nowMs: fixture.later(),
            })),
          );
        },
      ),
    ]);
    expect((await fixture.state(members[0]!.userId, conversationId)).pendingJoins).toBe(16);
    const decided = await onBothNodes(guests, (storage, { userId }) =>
      storage.groups.change(changing(group, admin.userId, GroupChange.decide, [userId], Number(userId % 2n))),
    );
    expect(decided.every(({ outcome }) => outcome !== 'refused')).toBe(true);
    expect((await fixture.state(owner.userId, conversationId)).pendingJoins).toBe(0);
    await expectWhole(group);
  });
});
