import type { Connection, Conversation, Message, Presence } from './sdk-types.ts';

/** What {@link FastimClient.on} can listen to. */
export interface FastimEvents {
  /**
   * A message of somebody else above my read cursor: each once in the life of this client, in the order of its
   * conversation (a server that is very slow to answer can let one come late). The first listener begins with what is
   * unread already, so with a directory and {@link FastimClient.markRead} nothing that came while the program was down is
   * lost: what it had not marked is told again. Notices of groups come too (`kind: 'notice'`); what was
   * recalled by then does not.
   *
   * A listener that returns a promise is waited for before the next message of the same conversation.
   */
  message: Message;
  /** Messages of one conversation that are new or changed on this device (sent, edited, recalled, reacted to, ticked). */
  messages: {
    readonly conversationId: string;
    readonly changed: readonly Message[];
    readonly removed: readonly string[];
  };
  /** A conversation that is new or changed. */
  conversation: Conversation;
  /** The connection to the server; the client reconnects by itself, but for `ended`. */
  connection: Connection;
  /** Who is typing there now, by name; empty: nobody any more. */
  typing: { readonly conversationId: string; readonly names: readonly string[] };
  /** Of users watched by {@link FastimClient.watchPresence}. */
  presence: Presence;
  /** Somebody read on in this group: read counts are out of date. */
  readers: { readonly conversationId: string };
  /** A listener threw or rejected. Without a listener for it, that goes to the log. */
  error: unknown;
}

/** Called with each event; may return a promise. */
export type Listener<E extends keyof FastimEvents> = (payload: FastimEvents[E]) => void | Promise<void>;
