import { noMarks } from '@fastim/core';
import { ConversationKind, type ConversationState, defaultSettings, GroupRole } from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { applyMessages } from './apply-messages.ts';
import { applyCursor, emptyRow, mergeState } from './conversation-rows.ts';
import type { ConversationRow, MessageContent } from './store.ts';
import { stateAt, textAt } from './testing/rows.ts';

const me = '1';
const row: ConversationRow = {
  ...emptyRow('7'),
  headSeq: 10,
  headCountNo: 10,
  tailSeq: 3,
  deliveredSeq: 3,
  ranges: [{ from: 1, to: 3 }],
};

describe('a conversation’s row', () => {
  it('moves its tail on by a push only from where it is, and tells the server no more than that', () => {
    const after = applyMessages(row, [textAt(5), textAt(6)], 'push', me).row;
    expect(after).toMatchObject({
      tailSeq: 3,
      deliveredSeq: 3,
      ranges: [
        { from: 1, to: 3 },
        { from: 5, to: 6 },
      ],
    });
    expect(applyMessages(after, [textAt(4)], 'push', me).row).toMatchObject({ tailSeq: 6, deliveredSeq: 6 });
  });

  it('leaves the tail where it is for old history, and jumps for a pull that reaches the head', () => {
    const page = [textAt(7), textAt(8)];
    expect(applyMessages(row, page, 'pull', me).row).toMatchObject({ tailSeq: 3, deliveredSeq: 3 });
    const newest = [textAt(9), textAt(10)];
    expect(applyMessages(row, newest, 'pull', me).row).toMatchObject({ tailSeq: 10, deliveredSeq: 10 });
    expect(applyMessages(row, page, 'tail', me).row).toMatchObject({ tailSeq: 8, deliveredSeq: 8 });
  });

  it('counts right when what was read up to was not here, once it or the message behind it comes', () => {
    const read = { ...row, readSeq: 5, readAckedSeq: 5 };
    const base = (seqs: number[]) =>
      applyMessages(
        read,
        seqs.map((seq) => textAt(seq)),
        'pull',
        me,
      ).row.unreadBaseCountNo;
    expect(base([4, 5, 6, 7])).toBe(5);
    expect(base([6, 7])).toBe(5);
    expect(base([4])).toBe(4);
    expect(base([7, 8])).toBe(0);
  });

  it('does not trust what it had before a hole it jumped over: events in there may have changed it', () => {
    const jumped = applyMessages(row, [textAt(9), textAt(10)], 'tail', me).row;
    expect(jumped.ranges).toEqual([{ from: 9, to: 10 }]);
    const followed = applyMessages(
      row,
      [4, 5, 6, 7, 8, 9, 10].map((seq) => textAt(seq)),
      'pull',
      me,
    ).row;
    expect(followed.ranges).toEqual([{ from: 1, to: 10 }]);
  });

  it('takes from a pull what became of a message that is here only as my own ack', () => {
    const acked = applyMessages(row, [textAt(9, { senderId: me })], 'own-ack', me).row;
    const page = [textAt(9, { senderId: me, marks: { ...noMarks, editedSeq: 10 } }), textAt(10)];
    expect(applyMessages(acked, page, 'tail', me).added.map(({ convSeq }) => convSeq)).toEqual([9, 10]);
    // An ack that comes behind the jump says nothing of the hole that it is in.
    const jumped = applyMessages(row, [textAt(9), textAt(10)], 'tail', me).row;
    const late = applyMessages(jumped, [textAt(6, { senderId: me })], 'own-ack', me);
    expect([late.added.length, late.row.ranges]).toEqual([1, [{ from: 9, to: 10 }]]);
  });

  it('does not tell the server of my own acks, which it knows', () => {
    const after = applyMessages(row, [textAt(4, { senderId: me })], 'own-ack', me).row;
    expect(after).toMatchObject({ tailSeq: 4, deliveredSeq: 3, unreadBaseCountNo: 4 });
    const ahead = applyMessages(row, [textAt(11, { senderId: me })], 'own-ack', me).row;
    expect(ahead).toMatchObject({ tailSeq: 3, headSeq: 11 });
  });

  it('says what is new here: what is stored already is not told again', () => {
    const { added, row: after } = applyMessages(row, [textAt(2), textAt(3), textAt(4)], 'pull', me);
    expect(added.map(({ convSeq }) => convSeq)).toEqual([4]);
    expect(applyMessages(after, [textAt(4)], 'push', me).added).toEqual([]);
  });

  it('shows the newest message as events left it, and never an event itself', () => {
    const event = (convSeq: number, content: MessageContent) => textAt(convSeq, { content, countNo: 4 });
    const base = applyMessages(row, [textAt(4)], 'push', me).row;
    const edit = event(5, { type: 'edit', targetSeq: 4, text: 'better', mentions: [me], mentionAll: false });
    const edited = applyMessages(base, [edit], 'push', me).row;
    expect(edited).toMatchObject({
      tailSeq: 5,
      mentionSeq: 5,
      lastMessage: { convSeq: 4, content: { text: 'better' } },
    });
    const recalled = applyMessages(edited, [event(6, { type: 'recall', targetSeq: 4 })], 'push', me).row;
    expect(recalled.lastMessage).toMatchObject({ convSeq: 4, content: { text: '' }, marks: { recalledSeq: 6 } });
    // One about an older message leaves it alone.
    const other = event(7, { type: 'recall', targetSeq: 2 });
    expect(applyMessages(edited, [other], 'push', me).row.lastMessage).toBe(edited.lastMessage);
  });

  it('only ever rises, in whatever order states and cursors come', () => {
    const peerCursor = { conversationId: 7n, userId: 2n, deliveredSeq: 4, readSeq: 4, readCountNo: 4 };
    const state = stateAt(5, { readSeq: 2, unreadBaseCountNo: 2, peerCursor });
    const ahead = { ...row, readSeq: 9, unreadBaseCountNo: 9, peerDeliveredSeq: 8, peerReadSeq: 6, lastActivityMs: 50 };
    expect(mergeState(ahead, state)).toEqual({ ...ahead, readAckedSeq: 2, stateSeq: 5 });
    const cursor = { conversationId: 7n, userId: 2n, deliveredSeq: 7, readSeq: 5, readCountNo: 5 };
    expect(applyCursor(ahead, cursor, me)).toBe(ahead);
    expect(applyCursor(ahead, { ...cursor, readSeq: 9 }, me)).toMatchObject({ peerDeliveredSeq: 9, peerReadSeq: 9 });
    expect(applyCursor(ahead, { ...cursor, userId: 1n, readSeq: 10, readCountNo: 10 }, me)).toMatchObject({
      readSeq: 10,
      readAckedSeq: 10,
      unreadBaseCountNo: 10,
      peerReadSeq: 6,
    });
  });

  it('of a member who joined late begins at the join, and again at the next one', () => {
    const kind = ConversationKind.group;
    const joined = mergeState(undefined, stateAt(500, { kind, joinSeq: 480 }));
    expect(joined).toMatchObject({ kind: 'group', tailSeq: 479, deliveredSeq: 479, joinSeq: 480 });
    const here = { ...joined, ranges: [{ from: 480, to: 500 }], tailSeq: 500 };
    const left = mergeState(here, stateAt(501, { kind, joinSeq: 480, leaveSeq: 501 }));
    expect(left).toMatchObject({ leaveSeq: 501, headSeq: 501, tailSeq: 500 });
    const back = mergeState(left, stateAt(600, { kind, joinSeq: 590 }));
    expect(back).toMatchObject({ leaveSeq: 0, headSeq: 600, joinSeq: 590, tailSeq: 589, ranges: [] });
  });

  it('of somebody who left ends there, whatever head was told before', () => {
    const told = { ...row, kind: 'group' as const, headSeq: 14, headCountNo: 14 };
    expect(mergeState(told, stateAt(12, { kind: ConversationKind.group, leaveSeq: 12 }))).toMatchObject({
      headSeq: 12,
      headCountNo: 12,
      leaveSeq: 12,
    });
  });

  it('ends the same in whatever order the states of one membership come', () => {
    fc.assert(
      fc.property(life, fc.integer(), (steps, seed) => {
        const states = statesOf(steps);
        const inOrder = states.reduce<ConversationRow | undefined>(
          (before, state) => mergeState(before, state),
          undefined,
        );
        const shuffled = shuffle(states, seed);
        const merged = shuffled.reduce<ConversationRow | undefined>(
          (before, state) => mergeState(before, state),
          undefined,
        );
        // Where a device that saw it late takes its first cursor from differs; what it shows does not.
        expect(shown(merged!)).toEqual(shown(inOrder!));
      }),
      { numRuns: runs(200) },
    );
  });
});

const step = fc.constantFrom('message', 'rename', 'promote', 'mute', 'request', 'read', 'pin', 'leave', 'join');
const life = fc.array(step, { minLength: 1, maxLength: 25 });

/** What a server would have told after each step: each change raises the head or the version, nothing ever falls. */
function statesOf(steps: readonly string[]): ConversationState[] {
  let state = stateAt(1, { kind: ConversationKind.group, group, role: GroupRole.member, version: 1 });
  const states = [state];
  for (const [index, action] of steps.entries()) {
    const left = state.leaveSeq > 0;
    const next = { ...state, headSeq: state.headSeq + 1, headCountNo: state.headCountNo };
    const version = state.version + 1;
    if (left && action !== 'join' && action !== 'pin') continue;
    if (action === 'message') state = { ...next, headCountNo: state.headCountNo + 1 };
    else if (action === 'rename') state = { ...next, group: { ...state.group!, name: `name ${index}` } };
    else if (action === 'promote') state = { ...next, version, role: GroupRole.admin };
    else if (action === 'mute') state = { ...next, version, mutedUntilMs: index };
    else if (action === 'request') state = { ...state, version, pendingJoins: state.pendingJoins + 1 };
    else if (action === 'read') state = { ...state, readSeq: state.headSeq, unreadBaseCountNo: state.headCountNo };
    else if (action === 'pin') state = { ...state, version, settings: { ...state.settings, pinnedMs: index } };
    else if (action === 'leave') state = { ...next, version, leaveSeq: next.headSeq };
    else if (left) state = { ...next, headSeq: next.headSeq + 5, joinSeq: next.headSeq + 5, leaveSeq: 0, version };
    states.push(state);
  }
  return states;
}

const group = {
  name: 'group',
  avatarColor: 0,
  announcement: '',
  ownerId: 2n,
  memberCount: 3,
  muteAll: false,
  joinApproval: false,
};

function shown(row: ConversationRow): Partial<ConversationRow> {
  const { deliveredSeq: _delivered, deliveredAckedSeq: _acked, ...rest } = row;
  return rest;
}

function shuffle<T>(values: readonly T[], seed: number): T[] {
  const keyed = values.map((value, index) => ({ value, key: Math.sin(seed + index * 7919) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

it('keeps settings by version, not by arrival', () => {
  const pinned = stateAt(3, { version: 4, settings: { ...defaultSettings, pinnedMs: 9 } });
  const unpinned = stateAt(3, { version: 5 });
  const late = mergeState(mergeState(undefined, unpinned), pinned);
  expect(late).toMatchObject({ version: 5, settings: { pinnedMs: 0 } });
});
