/**
 * The header's `cmd`. Gates route by it and by nothing else.
 * 1–15 session, 16–31 messages and cursors, 32–47 sync; 48–255 are free.
 */
export const Command = {
  /** request/response: LoginRequest → LoginResponse. The only request allowed before login. */
  login: 1,
  /** request/response: HeartbeatRequest → HeartbeatResponse. */
  heartbeat: 2,
  /** notify, both ways: Goodbye, just before an intended close. */
  goodbye: 3,
  /** notify, server → client: Reconnect (the gate drains). */
  reconnect: 4,
  /** request/response: SendRequest → SendResponse. */
  send: 16,
  /** notify, server → client: MessagePush. */
  messages: 17,
  /** request/response: CursorRequest → CursorResponse (answered when on disk). */
  cursor: 18,
  /** notify, server → client: CursorPush. */
  cursors: 19,
  /** request/response: SyncRequest → SyncResponse. */
  sync: 32,
  /** request/response: ConversationsRequest → ConversationsResponse. */
  conversations: 33,
  /** request/response: HistoryRequest → HistoryResponse. */
  history: 34,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

const names = new Map<number, string>(Object.entries(Command).map(([name, value]) => [value, name]));

/** For logs and metrics; unknown numbers share one name, so a peer cannot grow a label set. */
export function commandName(cmd: number): string {
  return names.get(cmd) ?? 'unknown';
}

/** Commands a client may send as a request. */
export const requestCommands: ReadonlySet<number> = new Set<number>([
  Command.login,
  Command.heartbeat,
  Command.send,
  Command.cursor,
  Command.sync,
  Command.conversations,
  Command.history,
]);

export const ConversationKind = { direct: 1, group: 2 } as const;
export type ConversationKind = (typeof ConversationKind)[keyof typeof ConversationKind];

export const MessageKind = { text: 1 } as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];
