import { createStore, type StoreApi } from 'zustand/vanilla';
import type { MessageView, PositionView } from '../../bridge/contract.ts';

/** A row to bring into view and to light up for a moment. */
export interface Jump {
  readonly conversationId: string;
  readonly order: number;
  /** Rises with each jump: the same row can be the target twice. */
  readonly number: number;
}

export interface Edit {
  readonly message: MessageView;
  readonly text: string;
}

/** What somebody is doing with messages right now. Nothing of it outlives the page. */
export interface WorkState {
  /** Conversation → the message that the next one answers. */
  readonly replies: ReadonlyMap<string, MessageView>;
  /** Conversation → my message that the composer changes, and what was written so far. */
  readonly edits: ReadonlyMap<string, Edit>;
  /** What the composer takes over when it sees it: the words of a recalled message, or somebody to mention. */
  readonly refill:
    | { readonly conversationId: string; readonly kind: 'text'; readonly text: string }
    | { readonly conversationId: string; readonly kind: 'mention'; readonly named: { userId: string; name: string } }
    | null;
  /** Messages that are being chosen, by conv_seq. */
  readonly selection: { readonly conversationId: string; readonly convSeqs: ReadonlySet<number> } | null;
  /** The search panel is open for this conversation. */
  readonly searching: string | null;
  readonly jump: Jump | null;
  /** Where the list stood before the first of several jumps. */
  readonly back: { readonly conversationId: string; readonly position: PositionView } | null;
  readonly dialog:
    | { readonly kind: 'forward'; readonly conversationId: string; readonly convSeqs: readonly number[] }
    | { readonly kind: 'readers'; readonly conversationId: string; readonly convSeq: number }
    | { readonly kind: 'date'; readonly conversationId: string }
    | { readonly kind: 'recall'; readonly message: MessageView }
    | { readonly kind: 'delete'; readonly conversationId: string; readonly convSeqs: readonly number[] }
    | { readonly kind: 'react'; readonly message: MessageView; readonly at: DOMRect }
    | null;
  /** A line that is shown for a moment: an id of words, or the name of an error. */
  readonly note: { readonly conversationId: string; readonly say: NoteWords; readonly number: number } | null;
}

export type NoteWords =
  | { readonly kind: 'gone' | 'copied' }
  | { readonly kind: 'forwarded'; readonly count: number }
  | { readonly kind: 'failed'; readonly reason: string };

export type WorkStore = StoreApi<WorkState>;

const nothing: WorkState = {
  replies: new Map(),
  edits: new Map(),
  refill: null,
  selection: null,
  searching: null,
  jump: null,
  back: null,
  dialog: null,
  note: null,
};

export function createWorkStore(): WorkStore {
  return createStore<WorkState>(() => nothing);
}

export function forgetWork(store: WorkStore): void {
  store.setState(nothing);
}

/** The open conversation changed: what belongs to the list of the other one ends; replies and edits wait there. */
export function leaveConversation(store: WorkStore): void {
  store.setState({ selection: null, searching: null, jump: null, back: null, dialog: null, note: null, refill: null });
}

/** Several of one conversation may be chosen; the most that one call takes. */
export const mostSelected = 100;

export function startReply(store: WorkStore, message: MessageView): void {
  store.setState(({ replies, edits }) => ({
    replies: new Map(replies).set(message.conversationId, message),
    edits: without(edits, message.conversationId),
  }));
}

export function endReply(store: WorkStore, conversationId: string): void {
  store.setState(({ replies }) => ({ replies: without(replies, conversationId) }));
}

/** `text`: what was written so far, when the composer comes back to it. */
export function startEdit(store: WorkStore, message: MessageView, text = message.text): void {
  store.setState(({ edits }) => ({ edits: new Map(edits).set(message.conversationId, { message, text }) }));
}

export function endEdit(store: WorkStore, conversationId: string): void {
  store.setState(({ edits }) => ({ edits: without(edits, conversationId) }));
}

export function startSelection(store: WorkStore, conversationId: string, convSeq: number | null): void {
  store.setState({ selection: { conversationId, convSeqs: new Set(convSeq === null ? [] : [convSeq]) } });
}

export function toggleSelected(store: WorkStore, convSeq: number): void {
  store.setState(({ selection }) => {
    if (!selection) return {};
    const convSeqs = new Set(selection.convSeqs);
    if (!convSeqs.delete(convSeq) && convSeqs.size < mostSelected) convSeqs.add(convSeq);
    return { selection: { ...selection, convSeqs } };
  });
}

export function endSelection(store: WorkStore): void {
  store.setState({ selection: null });
}

export function lightUp(store: WorkStore, conversationId: string, order: number): void {
  store.setState(({ jump }) => ({ jump: { conversationId, order, number: (jump?.number ?? 0) + 1 } }));
}

export function say(store: WorkStore, conversationId: string, words: NoteWords): void {
  store.setState(({ note }) => ({ note: { conversationId, say: words, number: (note?.number ?? 0) + 1 } }));
}

/** The present state of messages that are being answered or changed: a recalled one is neither. */
export function followChanges(
  store: WorkStore,
  conversationId: string,
  changed: readonly MessageView[],
  removed: readonly string[],
): void {
  const { replies, edits } = store.getState();
  const present = (held: MessageView): MessageView | null => {
    if (removed.includes(held.key)) return null;
    const now = changed.find((one) => one.key === held.key && one.senderId === held.senderId) ?? held;
    return now.recalled ? null : now;
  };
  const reply = replies.get(conversationId);
  const answered = reply && present(reply);
  if (reply && answered !== reply) {
    const next = answered ? new Map(replies).set(conversationId, answered) : without(replies, conversationId);
    store.setState({ replies: next });
  }
  const edit = edits.get(conversationId);
  if (edit && !present(edit.message)) store.setState({ edits: without(edits, conversationId) });
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const next = new Map(map);
  next.delete(key);
  return next;
}
