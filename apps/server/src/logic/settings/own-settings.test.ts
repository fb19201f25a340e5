import {
  Command,
  GroupChange,
  hiddenRequest,
  hiddenResponse,
  MAX_DRAFT,
  type SettingsRequest,
  settingsPush,
  settingsRequest,
  settingsResponse,
} from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { ask, change, refusalOf } from '../testing/group-client.ts';
import { LogicHarness } from '../testing/logic-harness.ts';

const nothing: SettingsRequest = {
  conversationId: 9n,
  silentUntilMs: undefined,
  pinnedMs: undefined,
  archived: undefined,
  markedUnread: undefined,
  draft: undefined,
  hideSeqs: [],
};

async function twoDevices() {
  const harness = new LogicHarness();
  await harness.users(3);
  const conversationId = await harness.direct(1n, 2n, 9n);
  const phone = await harness.online(1n);
  const laptop = await harness.online(1n, 'laptop', { sessionId: 101n });
  const bob = await harness.online(2n);
  for (const text of ['one', 'two', 'three']) bob.send(conversationId, text);
  await harness.settle();
  const set = (more: Partial<SettingsRequest>, connection = phone) =>
    ask(harness, connection, Command.settings, settingsRequest.encode({ ...nothing, ...more }), settingsResponse);
  const pushed = (connection = laptop) =>
    harness.gate.pushed(connection.id, Command.settingsPush, settingsPush).flatMap((push) => push.settings);
  return { harness, conversationId, phone, laptop, bob, set, pushed };
}

describe('SETTINGS', () => {
  it('tell all devices, the reading one too, that reading took the mark of unread away', async () => {
    const { harness, conversationId, phone, laptop, bob, set, pushed } = await twoDevices();
    const { version } = await set({ markedUnread: true });
    laptop.cursor(conversationId, 3, 3);
    await harness.advance(1_000);
    const unmarked = { conversationId, version: version + 1, settings: { markedUnread: false } };
    expect(pushed(phone)).toMatchObject([unmarked]);
    expect(pushed(laptop)).toMatchObject([{ version, settings: { markedUnread: true } }, unmarked]);
    expect(pushed(bob)).toEqual([]);
  });

  it('change what is set and nothing else, and reach the user’s other devices only', async () => {
    const { phone, bob, set, pushed } = await twoDevices();
    const first = await set({ pinnedMs: 5, draft: '你好' });
    const second = await set({ archived: true });
    const settings = {
      silentUntilMs: 0,
      pinnedMs: 5,
      archived: true,
      markedUnread: false,
      draft: '你好',
      hiddenVersion: 0,
    };
    expect(second).toEqual({ status: undefined, version: first.version + 1, settings });
    expect(pushed()).toMatchObject([
      { conversationId: 9n, version: first.version, settings: { draft: '你好', archived: false } },
      { conversationId: 9n, version: second.version, settings },
    ]);
    expect([...pushed(phone), ...pushed(bob)]).toEqual([]);
  });

  it('tell nobody of what was so already', async () => {
    const { set, pushed } = await twoDevices();
    const first = await set({ markedUnread: true });
    const again = await set({ markedUnread: true });
    expect(again).toEqual(first);
    expect(pushed()).toHaveLength(1);
  });

  it('hide messages for this user, whose devices ask which', async () => {
    const { harness, laptop, set, pushed } = await twoDevices();
    await set({ hideSeqs: [2] });
    await set({ hideSeqs: [3, 2] });
    expect(pushed().map((each) => each.settings.hiddenVersion)).toEqual([1, 2]);
    const data = hiddenRequest.encode({ conversationId: 9n, since: 1 });
    expect(await ask(harness, laptop, Command.hidden, data, hiddenResponse)).toEqual({
      status: undefined,
      convSeqs: [3],
      hiddenVersion: 2,
      more: false,
    });
  });

  it.each<[string, Partial<SettingsRequest>, string]>([
    ['a draft that is too long', { draft: 'x'.repeat(MAX_DRAFT + 1) }, 'MESSAGE_TOO_LONG'],
    ['a draft with a NUL', { draft: 'a\0' }, 'MESSAGE_INVALID'],
    ['a message that is not there yet', { hideSeqs: [4] }, 'CURSOR_INVALID'],
    ['message 0', { hideSeqs: [0] }, 'CURSOR_INVALID'],
    ['too many messages', { hideSeqs: Array.from({ length: 1_001 }, () => 1) }, 'BAD_REQUEST'],
    ['a conversation of others', { conversationId: 8n, pinnedMs: 1 }, 'NOT_A_MEMBER'],
    ['a message in a conversation of others', { conversationId: 8n, hideSeqs: [1] }, 'NOT_A_MEMBER'],
    ['what does not exist', { conversationId: 12_345n, pinnedMs: 1 }, 'NOT_A_MEMBER'],
  ])('are refused for %s, and nothing changes', async (_name, more, reason) => {
    const { harness, phone, pushed } = await twoDevices();
    await harness.direct(2n, 3n, 8n);
    const before = await harness.storage.mark(1n);
    const data = settingsRequest.encode({ ...nothing, archived: true, ...more });
    expect(await refusalOf(harness, phone, Command.settings, data)).toBe(reason);
    expect(await harness.storage.mark(1n)).toEqual(before);
    expect(pushed()).toEqual([]);
  });

  it('still work in a group that one has left', async () => {
    const { harness, phone, bob, set } = await twoDevices();
    const groupId = await harness.group(bob, [1n]);
    await change(harness, phone, groupId, GroupChange.leave);
    const { status, settings } = await set({ conversationId: groupId, archived: true });
    expect(status).toBeUndefined();
    expect(settings?.archived).toBe(true);
  });

  it('hold a user to a rate', async () => {
    const { harness, phone } = await twoDevices();
    const data = settingsRequest.encode({ ...nothing, draft: 'x' });
    const sent = Array.from({ length: 201 }, () => phone.request(Command.settings, data));
    await harness.settle();
    expect(sent.map((each) => phone.refusal(each)).filter(Boolean)).toEqual(['RATE_LIMITED']);
  });
});

it.each([8n, 12_345n])('HIDDEN of conversation %i, which is not one’s own, is NOT_A_MEMBER', async (conversationId) => {
  const { harness, phone } = await twoDevices();
  await harness.direct(2n, 3n, 8n);
  const data = hiddenRequest.encode({ conversationId, since: 0 });
  expect(await refusalOf(harness, phone, Command.hidden, data)).toBe('NOT_A_MEMBER');
});
