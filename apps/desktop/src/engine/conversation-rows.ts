import { mergeCursors } from '@fastim/core';
import { type ConversationState, defaultSettings, type MemberCursor } from '@fastim/protocol';
import { cutRanges, dropBelow } from './ranges.ts';
import { withServerSettings } from './row-settings.ts';
import type { ConversationRow, StoredMessage } from './store.ts';
import { conversationKind, groupRow, storedMessage, userView } from './wire-values.ts';

/** A conversation of which nothing is known but that it is there. */
export function emptyRow(conversationId: string): ConversationRow {
  return {
    conversationId,
    kind: 'direct',
    peer: null,
    headSeq: 0,
    headCountNo: 0,
    joinSeq: 1,
    readSeq: 0,
    readAckedSeq: 0,
    unreadBaseCountNo: 0,
    lastActivityMs: 0,
    peerDeliveredSeq: 0,
    peerReadSeq: 0,
    lastMessage: null,
    leaveSeq: 0,
    mentionSeq: 0,
    version: 0,
    settings: defaultSettings,
    settingsPending: null,
    hiddenVersion: 0,
    group: null,
    role: 0,
    mutedUntilMs: 0,
    pendingJoins: 0,
    stateSeq: 0,
    stateVersion: 0,
    noticeSeq: 0,
    ranges: [],
    tailSeq: 0,
    deliveredSeq: 0,
    deliveredAckedSeq: 0,
    draft: '',
    position: null,
  };
}

/**
 * What the server said of a conversation, merged into what is known here. Heads, cursors and versions only rise, so of
 * two states the later one has nothing lower than the other: what cannot be merged by max() (membership, role, the group)
 * is taken from the latest state seen, in whatever order they come. `isOpen`: somebody looks at it, and may be writing.
 */
export function mergeState(
  row: ConversationRow | undefined,
  state: ConversationState,
  isOpen = false,
): ConversationRow {
  const base = row ?? emptyRow(state.conversationId.toString());
  const isLatest = state.headSeq >= base.stateSeq && state.version >= base.stateVersion;
  const joinSeq = Math.max(1, base.joinSeq, state.joinSeq);
  // Nothing before the join is ever pulled, so the tail begins there.
  const tailSeq = Math.max(base.tailSeq, joinSeq - 1);
  const deliveredSeq = row ? base.deliveredSeq : tailSeq;
  const readSeq = Math.max(base.readSeq, state.readSeq);
  const peerCursor = mergeCursors(
    { deliveredSeq: base.peerDeliveredSeq, readSeq: base.peerReadSeq },
    { deliveredSeq: state.peerCursor?.deliveredSeq ?? 0, readSeq: state.peerCursor?.readSeq ?? 0 },
  );
  const merged: ConversationRow = {
    ...base,
    kind: conversationKind(state.kind),
    peer: state.peer ? userView(state.peer) : base.peer,
    joinSeq,
    headSeq: Math.max(base.headSeq, state.headSeq),
    headCountNo: Math.max(base.headCountNo, state.headCountNo),
    readSeq,
    readAckedSeq: Math.max(base.readAckedSeq, state.readSeq),
    unreadBaseCountNo: Math.max(base.unreadBaseCountNo, state.unreadBaseCountNo),
    lastActivityMs: Math.max(base.lastActivityMs, state.lastActivityMs),
    peerDeliveredSeq: peerCursor.deliveredSeq,
    peerReadSeq: peerCursor.readSeq,
    lastMessage: lastShown(base, state),
    mentionSeq: Math.max(base.mentionSeq, state.mentionSeq),
    ranges: joinSeq > base.joinSeq ? dropBelow(base.ranges, joinSeq) : base.ranges,
    tailSeq,
    deliveredSeq,
    deliveredAckedSeq: row ? base.deliveredAckedSeq : deliveredSeq,
  };
  const told = withServerSettings(merged, state.version, state.settings, isOpen);
  return isLatest ? withMembership(told, state) : told;
}

function withMembership(row: ConversationRow, state: ConversationState): ConversationRow {
  const membership: ConversationRow = {
    ...row,
    leaveSeq: state.leaveSeq,
    group: state.group ? groupRow(state.group) : row.group,
    role: state.role,
    mutedUntilMs: state.mutedUntilMs,
    pendingJoins: state.pendingJoins,
    stateSeq: state.headSeq,
    stateVersion: state.version,
  };
  if (state.leaveSeq === 0) return membership;
  // Whatever was told of a head behind the leaving is not for this user.
  return { ...membership, headSeq: state.headSeq, headCountNo: state.headCountNo };
}

/** The newest message that is shown. One that is stored here and is not it was deleted for me. */
function lastShown(row: ConversationRow, state: ConversationState): StoredMessage | null {
  const theirs = state.lastMessage && storedMessage(state.lastMessage);
  if (!theirs) return row.lastMessage;
  const isHiddenHere =
    theirs.convSeq > (row.lastMessage?.convSeq ?? 0) &&
    row.hiddenVersion > 0 &&
    row.ranges.some(({ from, to }) => from <= theirs.convSeq && to >= theirs.convSeq);
  return isHiddenHere ? row.lastMessage : newerMessage(row.lastMessage, theirs);
}

/** The one of the higher place; of two forms of the same message the one that met more events. */
export function newerMessage(a: StoredMessage | null, b: StoredMessage): StoredMessage {
  if (!a || b.convSeq > a.convSeq) return b;
  if (b.convSeq < a.convSeq) return a;
  const met = ({ marks }: StoredMessage) => Math.max(marks.editedSeq, marks.recalledSeq, marks.reactionsSeq);
  return met(b) > met(a) ? b : a;
}

/** Where two histories part: the last message that both have. */
export interface CommonPlace {
  readonly convSeq: number;
  readonly countNo: number;
}

/**
 * The row after everything behind `last` turned out to be lost at a server that was restored, whose word counts again.
 * Nothing is told as known there any more: cursors and settings of mine go out once more. What is stored here may show
 * events that are lost, so it is pulled again where somebody looks.
 */
export function rewoundRow(row: ConversationRow, state: ConversationState, last: CommonPlace): ConversationRow {
  const common = last.convSeq;
  const isCut = common < row.tailSeq || (row.ranges.at(-1)?.to ?? 0) > common;
  return {
    ...row,
    joinSeq: Math.max(1, state.joinSeq),
    headSeq: state.headSeq,
    headCountNo: state.headCountNo,
    // What was read here and not told yet is still read.
    readSeq: Math.max(Math.min(row.readSeq, common), state.readSeq),
    readAckedSeq: state.readSeq,
    unreadBaseCountNo: Math.max(Math.min(row.unreadBaseCountNo, last.countNo), state.unreadBaseCountNo),
    lastActivityMs: state.lastActivityMs,
    peerDeliveredSeq: state.peerCursor?.deliveredSeq ?? 0,
    peerReadSeq: state.peerCursor?.readSeq ?? 0,
    lastMessage: state.lastMessage ? storedMessage(state.lastMessage) : null,
    leaveSeq: state.leaveSeq,
    mentionSeq: state.mentionSeq,
    version: state.version,
    settings: state.settings,
    hiddenVersion: Math.min(row.hiddenVersion, state.settings.hiddenVersion),
    group: state.group ? groupRow(state.group) : null,
    role: state.role,
    mutedUntilMs: state.mutedUntilMs,
    pendingJoins: state.pendingJoins,
    stateSeq: state.headSeq,
    stateVersion: state.version,
    noticeSeq: Math.min(row.noticeSeq, common),
    ranges: isCut ? [] : cutRanges(row.ranges, common),
    tailSeq: Math.min(row.tailSeq, Math.max(common, state.joinSeq - 1, 0)),
    deliveredSeq: Math.min(row.deliveredSeq, common),
    deliveredAckedSeq: 0,
  };
}

/** The row after a restore that lost nothing of it: what was told of cursors and settings counts as the server says now. */
export function retoldRow(row: ConversationRow, state: ConversationState): ConversationRow {
  const forgotten: ConversationRow = { ...row, version: 0, stateSeq: 0, stateVersion: 0 };
  const hiddenVersion = Math.min(row.hiddenVersion, state.settings.hiddenVersion);
  return {
    ...mergeState(forgotten, state),
    readAckedSeq: state.readSeq,
    deliveredAckedSeq: 0,
    hiddenVersion,
    peerDeliveredSeq: state.peerCursor?.deliveredSeq ?? 0,
    peerReadSeq: state.peerCursor?.readSeq ?? 0,
  };
}

/** A member's cursor, mine from another device or the peer's. The same row when nothing rose. */
export function applyCursor(row: ConversationRow, cursor: MemberCursor, myUserId: string): ConversationRow {
  if (cursor.userId.toString() === myUserId) {
    if (cursor.readSeq <= row.readAckedSeq && cursor.readCountNo <= row.unreadBaseCountNo) return row;
    return {
      ...row,
      readSeq: Math.max(row.readSeq, cursor.readSeq),
      readAckedSeq: Math.max(row.readAckedSeq, cursor.readSeq),
      unreadBaseCountNo: Math.max(row.unreadBaseCountNo, cursor.readCountNo),
    };
  }
  if (row.kind !== 'direct') return row;
  const merged = mergeCursors({ deliveredSeq: row.peerDeliveredSeq, readSeq: row.peerReadSeq }, cursor);
  if (merged.deliveredSeq === row.peerDeliveredSeq && merged.readSeq === row.peerReadSeq) return row;
  return { ...row, peerDeliveredSeq: merged.deliveredSeq, peerReadSeq: merged.readSeq };
}
