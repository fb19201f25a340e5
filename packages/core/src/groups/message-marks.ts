/**
 * What a message has become by the events that refer to it. Both sides fold events into it, the server when they are
 * stored and the client when they arrive; each event has its effect once, whatever is repeated or comes in another order,
 * because it counts only above the conv_seq that was folded in already.
 */
export interface ReactionTally<Id> {
  readonly emoji: string;
  readonly count: number;
  readonly mine: boolean;
  /** The first of them, by time. */
  readonly userIds: readonly Id[];
}

export interface Marks<Id> {
  /** 0: never. */
  readonly editedSeq: number;
  readonly recalledSeq: number;
  readonly recalledBy: Id | null;
  readonly reactionsSeq: number;
  readonly reactions: readonly ReactionTally<Id>[];
}

export const noMarks: Marks<never> = {
  editedSeq: 0,
  recalledSeq: 0,
  recalledBy: null,
  reactionsSeq: 0,
  reactions: [],
};

export type MessageEvent<Id> =
  | { readonly type: 'edit'; readonly convSeq: number; readonly senderId: Id }
  | { readonly type: 'recall'; readonly convSeq: number; readonly senderId: Id }
  | {
      readonly type: 'reaction';
      readonly convSeq: number;
      readonly senderId: Id;
      readonly emoji: string;
      readonly removed: boolean;
    };

/**
 * The marks after the event; the same object when it changes nothing (it was folded in before, or the message is
 * recalled). An edit that counts replaces the body: the caller does that when `editedSeq` rose.
 */
export function foldEvent<Id>(marks: Marks<Id>, event: MessageEvent<Id>, me: Id, usersNamed: number): Marks<Id> {
  if (marks.recalledSeq > 0) return marks;
  switch (event.type) {
    case 'edit':
      return event.convSeq > marks.editedSeq ? { ...marks, editedSeq: event.convSeq } : marks;
    case 'recall':
      return { ...marks, recalledSeq: event.convSeq, recalledBy: event.senderId, reactions: [] };
    case 'reaction':
      if (event.convSeq <= marks.reactionsSeq) return marks;
      return {
        ...marks,
        reactionsSeq: event.convSeq,
        reactions: tally(marks.reactions, event, event.senderId === me, usersNamed),
      };
  }
}

function tally<Id>(
  before: readonly ReactionTally<Id>[],
  { emoji, removed, senderId }: { emoji: string; removed: boolean; senderId: Id },
  mine: boolean,
  usersNamed: number,
): ReactionTally<Id>[] {
  const found = before.find((one) => one.emoji === emoji);
  if (!found) return removed ? [...before] : [...before, { emoji, count: 1, mine, userIds: [senderId] }];
  const others = found.userIds.filter((userId) => userId !== senderId);
  const after: ReactionTally<Id> = removed
    ? { emoji, count: found.count - 1, mine: found.mine && !mine, userIds: others }
    : {
        emoji,
        count: found.count + 1,
        mine: found.mine || mine,
        userIds: others.length < usersNamed ? [...others, senderId] : others,
      };
  return before.flatMap((one) => (one === found ? (after.count > 0 ? [after] : []) : [one]));
}
