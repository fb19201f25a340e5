import type { AppendAction } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';

/** A plain post mentions nobody and answers nothing: its record says everything. */
export const ActionCode = { plainPost: 0, post: 1, edit: 2, recall: 3, reaction: 4 } as const;

export function actionCode(action: AppendAction): number {
  if (action.type === 'post') {
    const plain = action.mentions.length === 0 && !action.mentionAll && action.replySeq === 0;
    return plain ? ActionCode.plainPost : ActionCode.post;
  }
  return ActionCode[action.type];
}

/**
 * An action behind its record, little-endian: seq f64 (target or reply) · not_before_ms f64 · flag u8 (mention_all or
 * removed) · emoji length u8 · number of mentions u16 · mentions i64 each · emoji in UTF-16.
 */
const HEADER_LENGTH = 20;
const MOST_MENTIONS = 0xffff;
const MOST_EMOJI_UNITS = 0xff;

export function actionLength(action: AppendAction): number {
  if (action.type === 'reaction') return HEADER_LENGTH + action.emoji.length * 2;
  if (action.type === 'recall') return HEADER_LENGTH;
  return HEADER_LENGTH + action.mentions.length * 8;
}

/** Returns the offset after it. */
export function writeAction(view: DataView, bytes: Uint8Array, start: number, action: AppendAction): number {
  const mentions = 'mentions' in action ? action.mentions : [];
  const emoji = action.type === 'reaction' ? action.emoji : '';
  if (mentions.length > MOST_MENTIONS) throw new StorageError('other', 'too many mentions for one message');
  if (emoji.length > MOST_EMOJI_UNITS) throw new StorageError('other', 'a reaction is too long');
  view.setFloat64(start, action.type === 'post' ? action.replySeq : action.targetSeq, true);
  view.setFloat64(start + 8, 'notBeforeMs' in action ? action.notBeforeMs : 0, true);
  bytes[start + 16] = ('mentionAll' in action && action.mentionAll) || ('removed' in action && action.removed) ? 1 : 0;
  bytes[start + 17] = emoji.length;
  view.setUint16(start + 18, mentions.length, true);
  let offset = start + HEADER_LENGTH;
  for (const userId of mentions) {
    view.setBigInt64(offset, userId, true);
    offset += 8;
  }
  for (let index = 0; index < emoji.length; index += 1) {
    view.setUint16(offset, emoji.charCodeAt(index), true);
    offset += 2;
  }
  return offset;
}

/** The action at `start`, and the offset after it. */
export function readAction(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  code: number,
): { action: AppendAction; end: number } {
  const seq = view.getFloat64(start, true);
  const notBeforeMs = view.getFloat64(start + 8, true);
  const flag = bytes[start + 16] === 1;
  let offset = start + HEADER_LENGTH;
  const mentions: bigint[] = [];
  for (let rest = view.getUint16(start + 18, true); rest > 0; rest -= 1) {
    mentions.push(view.getBigInt64(offset, true));
    offset += 8;
  }
  let emoji = '';
  for (let rest = bytes[start + 17]!; rest > 0; rest -= 1) {
    emoji += String.fromCharCode(view.getUint16(offset, true));
    offset += 2;
  }
  return { action: assemble(code, seq, notBeforeMs, flag, mentions, emoji), end: offset };
}

function assemble(
  code: number,
  seq: number,
  notBeforeMs: number,
  flag: boolean,
  mentions: readonly bigint[],
  emoji: string,
): AppendAction {
  switch (code) {
    case ActionCode.post:
      return { type: 'post', mentions, mentionAll: flag, replySeq: seq };
    case ActionCode.edit:
      return { type: 'edit', targetSeq: seq, notBeforeMs, mentions, mentionAll: flag };
    case ActionCode.recall:
      return { type: 'recall', targetSeq: seq, notBeforeMs };
    case ActionCode.reaction:
      return { type: 'reaction', targetSeq: seq, emoji, removed: flag };
    default:
      throw new StorageError('other', `no action ${code}`);
  }
}
