import type { MessageView } from '../../bridge/contract.ts';
import { dayNumber } from '../i18n/dates.ts';
import { type MessageWindow, rowId } from '../state/message-window.ts';

export interface RowModel {
  readonly id: string;
  readonly message: MessageView;
  /** A new day begins: the date stands above. */
  readonly newDay: boolean;
  /** The first unread message: the divider stands above. */
  readonly divider: boolean;
  /** First and last of a run of one sender, not more than 5 minutes apart. */
  readonly first: boolean;
  readonly last: boolean;
  /** My newest stored message in a group: who has read it stands below. */
  readonly receipt: boolean;
}

const runMs = 5 * 60 * 1000;

/**
 * What stands above a row depends on the row before it. So while older messages exist that are not in memory, the
 * oldest one that is serves only as that row before: a page that comes in above never changes a height below it.
 */
export function rowModels(window: MessageWindow, group = false): RowModel[] {
  const { rows, hasOlder, firstUnreadSeq } = window;
  const from = hasOlder ? 1 : 0;
  const models: RowModel[] = [];
  const receipt = group ? rows.findLast((row) => row.mine && row.kind === 'text' && row.convSeq !== null) : undefined;
  let dividerPlaced = false;
  for (let index = from; index < rows.length; index++) {
    const message = rows[index]!;
    const before = rows[index - 1];
    const after = rows[index + 1];
    const newDay = before === undefined || dayNumber(before.timeMs) !== dayNumber(message.timeMs);
    const divider =
      !dividerPlaced &&
      firstUnreadSeq !== null &&
      !message.mine &&
      message.convSeq !== null &&
      message.convSeq >= firstUnreadSeq;
    if (divider) dividerPlaced = true;
    models.push({
      id: rowId(message),
      message,
      newDay,
      divider,
      first: newDay || divider || before === undefined || !sameRun(before, message),
      last:
        after === undefined ||
        !sameRun(message, after) ||
        dayNumber(after.timeMs) !== dayNumber(message.timeMs) ||
        (after.convSeq !== null && after.convSeq === firstUnreadSeq),
      receipt: message === receipt && message.recalled === null,
    });
  }
  return models;
}

/** A grey line in the middle instead of a bubble. */
export function isSystemLine(message: MessageView): boolean {
  return message.kind === 'notice' || message.recalled !== null;
}

/** Stored and not taken back: it can be forwarded and deleted with others. */
export function isSelectable(message: MessageView): boolean {
  return message.convSeq !== null && !isSystemLine(message);
}

function sameRun(one: MessageView, next: MessageView): boolean {
  return (
    one.senderId === next.senderId &&
    isSystemLine(one) === isSystemLine(next) &&
    Math.abs(next.timeMs - one.timeMs) <= runMs
  );
}
