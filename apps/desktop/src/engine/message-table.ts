import { foldEvent, type Marks, noMarks, type ReactionTally } from '@fastim/core';
import { REACTION_USERS_NAMED } from '@fastim/protocol';
import { asMessageEvent, isEventContent, plainContent, withEvent, wordsAfter } from './message-content.ts';
import type { StoreBatch, StoredMessage } from './store.ts';

/** Reactions as the server last told them with the message itself; later ones are counted from here. */
export interface ReactionBase {
  /** conv_seq of the newest of them. */
  readonly seq: number;
  readonly reactions: readonly ReactionTally<string>[];
}

export interface TableRow {
  readonly message: StoredMessage;
  readonly base: ReactionBase;
  /** It shows what a cut took back and what this device cannot undo: the next arrival replaces it whole. */
  readonly stale: boolean;
}

export const noReactions: ReactionBase = { seq: 0, reactions: [] };

/** What a store has to offer for its messages to be kept by the rules below. All of it inside one transaction. */
export interface MessageTable {
  get(conversationId: string, convSeq: number): TableRow | undefined;
  insert(row: TableRow): void;
  /** Replaces the row of the same place. */
  update(before: TableRow, after: TableRow): void;
  /** Stored events about the message of this place, by rising conv_seq. */
  eventsAbout(conversationId: string, targetSeq: number): StoredMessage[];
  removeFrom(conversationId: string, fromSeq: number): void;
  /** Rows with a mark of this conv_seq or a higher one. */
  markedFrom(conversationId: string, fromSeq: number): TableRow[];
}

/**
 * Cuts first, then stores messages and lets events and targets meet, whichever comes first. What a message shows depends
 * only on what was stored, not on the order in which it came: edits and recalls by the highest conv_seq, reactions
 * counted anew from what the server told last.
 *
 * A cut removes what is stored from a place on. Messages below it that show the effect of an event at or above it go
 * back, as far as this device knows how they were, and are replaced whole when they arrive again.
 *
 * Returns the messages, events aside, whose present form is another than the caller had or handed in: each once.
 */
export function changeMessages(
  table: MessageTable,
  cuts: StoreBatch['messagesCut'],
  messages: readonly StoredMessage[],
  me: string,
): StoredMessage[] {
  const changed = new Map<string, StoredMessage>();
  const note = (after: StoredMessage, handedIn?: StoredMessage) => {
    if (isEventContent(after.content)) return;
    const place = `${after.conversationId} ${after.convSeq}`;
    if (handedIn && looksSame(after, handedIn)) changed.delete(place);
    else changed.set(place, after);
  };
  for (const { conversationId, fromSeq } of cuts) {
    table.removeFrom(conversationId, fromSeq);
    for (const row of table.markedFrom(conversationId, fromSeq)) {
      const after = wentBack(table, row, fromSeq, me);
      table.update(row, after);
      note(after.message);
    }
  }
  for (const message of messages) {
    const before = table.get(message.conversationId, message.convSeq);
    if (before) {
      const after = arrivedAgain(table, before, message, me);
      if (after !== before) table.update(before, after);
      note(after.message, message);
      continue;
    }
    const after = meetAll(table, asArrived(message), me);
    table.insert(after);
    note(after.message, message);
    if (isEventContent(message.content)) {
      const target = table.get(message.conversationId, message.content.targetSeq);
      const met = target && meet(table, target, message, me);
      if (!target || !met || met === target) continue;
      table.update(target, met);
      note(met.message);
    }
  }
  return [...changed.values()];
}

/** Whether a message has any mark of this conv_seq or a higher one. */
export function isMarkedFrom(marks: Marks<string>, fromSeq: number): boolean {
  return marks.editedSeq >= fromSeq || marks.recalledSeq >= fromSeq || marks.reactionsSeq >= fromSeq;
}

function asArrived(message: StoredMessage): TableRow {
  const { reactionsSeq, reactions } = message.marks;
  const base = reactionsSeq > 0 ? { seq: reactionsSeq, reactions } : noReactions;
  return { message: asRecalled(message), base, stale: false };
}

/** Of a recalled message that it was recalled is all that is left. */
function asRecalled(message: StoredMessage): StoredMessage {
  const { recalledSeq, recalledBy } = message.marks;
  if (recalledSeq === 0 || message.content.type !== 'text') return message;
  return { ...message, content: plainContent(''), marks: { ...noMarks, recalledSeq, recalledBy } };
}

/** A message meets what is stored about it. */
function meetAll(table: MessageTable, row: TableRow, me: string): TableRow {
  const { content, conversationId, convSeq } = row.message;
  if (content.type !== 'text') return row;
  let after = row;
  for (const event of table.eventsAbout(conversationId, convSeq)) after = meet(table, after, event, me);
  return after;
}

/** The row after one event about it; the same object when it changes nothing. */
function meet(table: MessageTable, row: TableRow, event: StoredMessage, me: string): TableRow {
  const { message, base } = row;
  const { content, convSeq } = event;
  if (message.marks.recalledSeq > 0) {
    if (content.type === 'edit') emptyEdit(table, event);
    return row;
  }
  if (message.content.type === 'text' && content.type === 'reaction' && convSeq <= message.marks.reactionsSeq) {
    // It came late. Those after it are counted again behind it.
    return convSeq > base.seq ? withReactions(table, row, base, me) : row;
  }
  const after = withEvent(message, event, me);
  if (after === message) return row;
  if (content.type === 'recall') emptyEditsOf(table, message);
  return { ...row, message: asRecalled(after) };
}

/** What was taken back cannot be read in its edits either. */
function emptyEditsOf(table: MessageTable, { conversationId, convSeq }: StoredMessage): void {
  for (const event of table.eventsAbout(conversationId, convSeq)) emptyEdit(table, event);
}

function emptyEdit(table: MessageTable, { conversationId, convSeq }: StoredMessage): void {
  const row = table.get(conversationId, convSeq);
  if (row?.message.content.type !== 'edit' || row.message.content.text === '') return;
  const content = { ...row.message.content, text: '', mentions: [], mentionAll: false };
  table.update(row, { ...row, message: { ...row.message, content } });
}

/** Reactions counted from `base` on, over the stored ones behind it. */
function withReactions(table: MessageTable, row: TableRow, base: ReactionBase, me: string): TableRow {
  const { message } = row;
  let marks: Marks<string> = { ...message.marks, reactionsSeq: base.seq, reactions: base.reactions };
  for (const event of table.eventsAbout(message.conversationId, message.convSeq)) {
    if (event.content.type !== 'reaction' || event.convSeq <= base.seq) continue;
    marks = foldEvent(marks, asMessageEvent(event, event.content), me, REACTION_USERS_NAMED);
  }
  return { ...row, base, message: { ...message, marks } };
}

/** The same place again: per aspect the higher conv_seq wins, words go with their edit, a recall stays. */
function arrivedAgain(table: MessageTable, before: TableRow, again: StoredMessage, me: string): TableRow {
  if (before.stale) return meetAll(table, asArrived(again), me);
  const { message } = before;
  const ours = message.marks;
  const theirs = again.marks;
  // Another message in this place: what is here stays, until a cut.
  if (again.msgId !== message.msgId || message.content.type !== 'text' || again.content.type !== 'text') return before;
  if (ours.recalledSeq > 0) return before;
  if (theirs.recalledSeq > 0) {
    emptyEditsOf(table, message);
    return { ...before, message: asRecalled({ ...message, marks: theirs }) };
  }
  let after = before;
  if (theirs.editedSeq > ours.editedSeq) {
    const { text, mentions, mentionAll } = again.content;
    const content = { ...message.content, text, mentions, mentionAll };
    after = { ...after, message: { ...message, content, marks: { ...ours, editedSeq: theirs.editedSeq } } };
  }
  if (theirs.reactionsSeq > before.base.seq) {
    after = withReactions(table, after, { seq: theirs.reactionsSeq, reactions: theirs.reactions }, me);
  }
  return after;
}

/**
 * The row after what it shows from `fromSeq` on was cut off. The words of an earlier edit are found if that is stored; the
 * first words, and those of a recalled message, are not on this device any more: they stay as they are until the message
 * comes again.
 */
function wentBack(table: MessageTable, row: TableRow, fromSeq: number, me: string): TableRow {
  const { message } = row;
  const stale = { ...row, stale: true };
  if (message.content.type !== 'text' || message.marks.recalledSeq >= fromSeq) return stale;
  let after: TableRow = stale;
  if (message.marks.editedSeq >= fromSeq) {
    const edits = table.eventsAbout(message.conversationId, message.convSeq);
    const earlier = edits.findLast(({ content }) => content.type === 'edit');
    const marks = { ...message.marks, editedSeq: earlier?.convSeq ?? 0 };
    const content =
      earlier && isEventContent(earlier.content) ? wordsAfter(message.content, earlier.content) : message.content;
    after = { ...stale, message: { ...message, marks, content } };
  }
  if (message.marks.reactionsSeq < fromSeq) return after;
  return withReactions(table, after, row.base.seq < fromSeq ? row.base : noReactions, me);
}

function looksSame(a: StoredMessage, b: StoredMessage): boolean {
  if (a === b) return true;
  return JSON.stringify([a.msgId, a.content, a.marks]) === JSON.stringify([b.msgId, b.content, b.marks]);
}
