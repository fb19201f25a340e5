import { unreadCount } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import {
  Command,
  editBody,
  eventKinds,
  GroupChange,
  MessageKind,
  plainText,
  reactionBody,
  recallBody,
  textBody,
} from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { type DeviceProcess, type FrameInTransit, type SimulatedDevice, World } from './testing/index.ts';
import type { MessageView } from './views.ts';

const drain = () => new Promise<void>((resolve) => setImmediate(resolve));

const who = fc.nat(3);
const place = fc.double({ min: 0, max: 1, noNaN: true });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), who, mention: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('edit' as const), who, place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('recall' as const), who, place }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('react' as const), who, place, on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hide' as const), who, place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), who, place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('page' as const), who, place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('set' as const), who, on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('group' as const), kind: fc.nat(3), by: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('burst' as const), count: fc.integer({ min: 5, max: 80 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('outage' as const),
      ms: fc.integer({ min: 100, max: 9_000 }),
      count: fc.nat(80),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

describe('whatever happens to a group and to those who are in it', () => {
  // Two devices of alice, who owns it, one of bob, and one of carol, who comes and goes.
  it(
    'every device ends with the same conversation, as the server tells it, and with the unread count that follows',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.double({ min: 0, max: 0.25, noNaN: true }),
          fc.array(step, { minLength: 10, maxLength: 60 }),
          run,
        ),
        { numRuns: runs(30) },
      );
    },
    runs(30) * 3_000,
  );
});

interface Player {
  readonly userId: bigint;
  readonly device: SimulatedDevice;
  process: DeviceProcess;
}

async function run(seed: number, faultRate: number, steps: readonly Step[]): Promise<void> {
  // Small, so that a short absence is too long and makes holes.
  const world = new World(drain, { seed, limits: { gapMax: 30, lastPage: 10, backgroundFill: 20 } });
  const random = seededRandom(seed);
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => world.server.addUser(name)) as [
    bigint,
    bigint,
    bigint,
  ];
  const wireId = world.server.createGroup(alice, 'group', [bob]);
  const conversationId = wireId.toString();
  const players: Player[] = [];
  for (const [name, userId] of [
    ['alice', alice],
    ['alice', alice],
    ['bob', bob],
    ['carol', carol],
  ] as const) {
    const { device, ...process } = await world.loggedIn(name);
    players.push({ userId, device, process });
  }
  world.server.network.fate = (frame) =>
    random() < faultRate ? fateOf(frame, random(), () => world.server.network.cutAll()) : 'deliver';

  let written = 0;
  /** Alice and bob write, edit, react and take back on devices that the test does not run. */
  const elsewhere = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      written += 1;
      const by = random() < 0.5 ? alice : bob;
      const targetSeq = 1 + Math.floor(random() * world.server.history(wireId).length);
      const [kind, body] = somethingSaid(random(), targetSeq, written);
      world.server.state.post(world.server.state.conversation(wireId)!, by, world.server.state.makeKey(), kind, body);
    }
  };
  const refusable = (call: Promise<unknown>) => void call.catch(() => undefined);
  for (const action of steps) {
    const player = 'who' in action ? players[action.who]! : players[0]!;
    const { client } = player.process;
    const convSeq = 'place' in action ? 1 + Math.floor(action.place * (world.server.history(wireId).length + 1)) : 1;
    const target = { conversationId, convSeq };
    switch (action.do) {
      case 'send':
        written += 1;
        refusable(
          client.sendMessage({
            conversationId,
            text: `message ${written}`,
            ...(action.mention && { mentions: [bob.toString()] }),
          }),
        );
        break;
      case 'edit':
        written += 1;
        refusable(client.editMessage({ ...target, text: `edit ${written}` }));
        break;
      case 'recall':
        refusable(client.recallMessage(target));
        break;
      case 'react':
        refusable(client.react({ ...target, emoji: convSeq % 2 === 0 ? '👍' : '🎉', on: action.on }));
        break;
      case 'hide':
        refusable(client.deleteForMe({ conversationId, convSeqs: [convSeq] }));
        break;
      case 'read':
        refusable(client.markRead(target));
        break;
      case 'page':
        refusable(client.messagesPage({ conversationId, anchor: { at: 'around', order: convSeq }, limit: 15 }));
        break;
      case 'set':
        refusable(
          client.setConversationSettings({ conversationId, patch: { pinned: action.on, markedUnread: action.on } }),
        );
        break;
      case 'group':
        changeGroup(world, wireId, { alice, carol }, action.kind, action.by);
        break;
      case 'burst':
        elsewhere(action.count);
        break;
      case 'wait':
        await world.advance(action.ms, 13);
        break;
      case 'crash':
        player.process.crash();
        await drain();
        player.process = await world.rebooted(player.device);
        break;
      case 'cut':
        world.server.network.cutAll();
        break;
      case 'outage':
        world.server.network.down = true;
        world.server.network.cutAll();
        elsewhere(action.count);
        await world.advance(action.ms, 97);
        world.server.network.down = false;
        break;
    }
    if (random() < 0.5) await drain();
  }

  world.server.network.fate = () => 'deliver';
  for (const { process } of players) await world.finish(process.client.retryConnection());
  await world.advance(120_000, 100);
  for (const player of players) await expectSame(world, wireId, player);
  for (const { process } of players) process.crash();
}

async function expectSame(world: World, wireId: bigint, { process: { client }, userId }: Player): Promise<void> {
  const conversationId = wireId.toString();
  const everWas = world.server.state.conversation(wireId)!.members.has(userId);
  const known = (await client.listConversations()).some((view) => view.conversationId === conversationId);
  expect(known).toBe(everWas);
  if (!everWas) return;
  const state = world.server.stateOf(wireId, userId);
  const member = world.server.cursorsOf(wireId, userId);
  const expected = world.server
    .presentHistory(wireId, userId)
    .filter(({ convSeq, kind }) => convSeq >= state.joinSeq && convSeq <= state.headSeq && !eventKinds.has(kind))
    .filter(({ convSeq }) => !member.hidden.has(convSeq))
    .map(({ convSeq, kind, body, marks }) => ({
      convSeq,
      text: kind === MessageKind.text ? textBody.decode(body).text : '',
      edited: (marks?.editedSeq ?? 0) > 0 && marks?.recalledSeq === 0,
      recalled: (marks?.recalledSeq ?? 0) > 0,
      reactions: (marks?.reactions ?? []).map(({ emoji, count, mine }) => `${emoji}${count}${mine}`).sort(),
    }));
  const left = state.leaveSeq > 0;
  // Wherever somebody looks first, and then from end to end. What became of a message after the leaving is not told.
  for (const part of left ? [] : [0.1, 0.5]) {
    const order = state.joinSeq + Math.floor((state.headSeq - state.joinSeq) * part);
    const anchor = { at: 'around' as const, order };
    const page = await world.finish(client.messagesPage({ conversationId, anchor, limit: 8 }));
    for (const one of stored(page.messages)) {
      expect(one).toEqual(expected.find(({ convSeq }) => convSeq === one.convSeq));
    }
  }
  const shown = await world.shown(client, conversationId);
  expect(shown.filter(({ status }) => status === 'failed').every(({ convSeq }) => convSeq === null)).toBe(true);
  expect(shown.some(({ changing }) => changing)).toBe(false);
  if (!left) expect(stored(shown)).toEqual(expected);
  else expect(stored(shown).map(({ convSeq }) => convSeq)).toEqual(expected.map(({ convSeq }) => convSeq));
  const view = await world.conversation(client, conversationId);
  expect(view).toMatchObject({
    headSeq: state.headSeq,
    readSeq: state.readSeq,
    unread: unreadCount({ headCountNo: state.headCountNo, baseCountNo: state.unreadBaseCountNo }),
    mentioned: state.mentionSeq > 0,
    pinnedMs: state.settings.pinnedMs,
    markedUnread: state.settings.markedUnread,
    group: { left },
  });
  // What became of the group afterwards is not for who has left.
  if (left) return;
  const { memberCount, muteAll } = state.group!;
  expect(view).toMatchObject({ title: state.group!.name, group: { memberCount, muteAll } });
}

/** What of the messages the server has a word in. */
function stored(messages: readonly MessageView[]) {
  return messages
    .filter(({ convSeq }) => convSeq !== null)
    .map(({ convSeq, text, edited, recalled, reactions }) => ({
      convSeq,
      text,
      edited,
      recalled: recalled !== null,
      reactions: reactions.map(({ emoji, count, mine }) => `${emoji}${count}${mine}`).sort(),
    }));
}

function changeGroup(
  world: World,
  wireId: bigint,
  { alice, carol }: { alice: bigint; carol: bigint },
  kind: number,
  by: number,
): void {
  const isIn = world.server.state.conversation(wireId)!.present(carol) !== undefined;
  if (kind === 0) world.server.change(wireId, alice, GroupChange.rename, { text: `name ${by}` });
  else if (kind === 1) world.server.change(wireId, alice, GroupChange.muteAll, { number: by % 2 });
  else world.server.change(wireId, alice, isIn ? GroupChange.remove : GroupChange.invite, { userIds: [carol] });
}

function somethingSaid(dice: number, targetSeq: number, number: number): [kind: number, body: Uint8Array] {
  const text = `elsewhere ${number}`;
  if (dice < 0.7) return [MessageKind.text, textBody.encode(plainText(text))];
  if (dice < 0.8) return [MessageKind.edit, editBody.encode({ targetSeq, text, mentions: [], mentionAll: false })];
  if (dice < 0.84) return [MessageKind.recall, recallBody.encode({ targetSeq })];
  return [MessageKind.reaction, reactionBody.encode({ targetSeq, emoji: '👍', removed: dice > 0.95 })];
}

/** TCP keeps order and loses nothing within a connection; what is lost or overtaken is lost or overtaken by the server. */
function fateOf({ direction, cmd }: FrameInTransit, dice: number, cut: () => void) {
  if (dice < 0.1) {
    cut();
    return 'lose' as const;
  }
  const isPush =
    cmd === Command.messages || cmd === Command.cursors || cmd === Command.heads || cmd === Command.settingsPush;
  if (direction === 'down' && isPush) {
    if (dice < 0.4) return 'lose' as const;
    if (dice < 0.7) return 'double' as const;
    return { delayMs: Math.floor(dice * 1_000) };
  }
  if (direction === 'down' && dice < 0.5) return 'lose' as const;
  return 'deliver' as const;
}
