/**
 * The header's `cmd`. Gates route by it and by nothing else.
 * 1–15 session, 16–31 messages and cursors, 32–47 sync, 48–79 groups, 80–95 a member's own view; 96–255 are free.
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
  /** notify, server → client: HeadPush (groups). */
  heads: 20,
  /** request/response: ViewingRequest → StatusResponse. */
  viewing: 21,
  /** request/response: TypingRequest → StatusResponse. Lossy. */
  typing: 22,
  /** notify, server → client: TypingPush. Droppable. */
  typingPush: 23,
  /** request/response: PresenceRequest → PresenceResponse. */
  presence: 24,
  /** notify, server → client: PresencePush. Droppable. */
  presencePush: 25,
  /** request/response: SyncRequest → SyncResponse. */
  sync: 32,
  /** request/response: ConversationsRequest → ConversationsResponse. */
  conversations: 33,
  /** request/response: HistoryRequest → HistoryResponse. */
  history: 34,
  /** request/response: SeekRequest → SeekResponse. */
  seek: 35,
  /** request/response: ProfilesRequest → ProfilesResponse. */
  profiles: 36,
  /** request/response: CreateGroupRequest → CreateGroupResponse. */
  createGroup: 48,
  /** request/response: ChangeGroupRequest → ChangeGroupResponse. */
  changeGroup: 49,
  /** request/response: MembersRequest → MembersResponse. */
  members: 50,
  /** request/response: ReadCountsRequest → ReadCountsResponse. */
  readCounts: 51,
  /** request/response: ReadersRequest → ReadersResponse. */
  readers: 52,
  /** notify, server → client: ReadersPush. Droppable. */
  readersPush: 53,
  /** request/response: LinksRequest → LinksResponse. */
  links: 54,
  /** request/response: MakeLinkRequest → MakeLinkResponse. */
  makeLink: 55,
  /** request/response: RevokeLinkRequest → StatusResponse. */
  revokeLink: 56,
  /** request/response: LookAtLinkRequest → LookAtLinkResponse. */
  lookAtLink: 57,
  /** request/response: JoinRequest → JoinResponse. */
  join: 58,
  /** request/response: JoinsRequest → JoinsResponse. */
  joins: 59,
  /** request/response: SettingsRequest → SettingsResponse. */
  settings: 80,
  /** notify, server → client: SettingsPush. */
  settingsPush: 81,
  /** request/response: HiddenRequest → HiddenResponse. */
  hidden: 82,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

const names = new Map<number, string>(Object.entries(Command).map(([name, value]) => [value, name]));

/** For logs and metrics; unknown numbers share one name, so a peer cannot grow a label set. */
export function commandName(cmd: number): string {
  return names.get(cmd) ?? 'unknown';
}

/** Notifications: nobody waits for an answer to one. */
const notifications: ReadonlySet<number> = new Set<number>([
  Command.goodbye,
  Command.reconnect,
  Command.messages,
  Command.cursors,
  Command.heads,
  Command.typingPush,
  Command.presencePush,
  Command.readersPush,
  Command.settingsPush,
]);

/** Commands a client may send as a request. */
export const requestCommands: ReadonlySet<number> = new Set<number>(
  Object.values(Command).filter((cmd) => !notifications.has(cmd)),
);

/** Notifications that may be dropped when a client reads slowly: what they say is soon out of date anyway. */
export const droppableCommands: ReadonlySet<number> = new Set<number>([
  Command.typingPush,
  Command.presencePush,
  Command.readersPush,
]);

export const ConversationKind = { direct: 1, group: 2 } as const;
export type ConversationKind = (typeof ConversationKind)[keyof typeof ConversationKind];

/**
 * Every kind takes a conv_seq. `edit`, `recall` and `reaction` are events: they change the message that their body names
 * and are not shown themselves. Only `text` raises count_no.
 */
export const MessageKind = { text: 1, edit: 2, recall: 3, reaction: 4, notice: 5 } as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Kinds that change another message instead of being shown. */
export const eventKinds: ReadonlySet<number> = new Set<number>([
  MessageKind.edit,
  MessageKind.recall,
  MessageKind.reaction,
]);

export const GroupRole = { member: 1, admin: 2, owner: 3 } as const;
export type GroupRole = (typeof GroupRole)[keyof typeof GroupRole];

/** What a ChangeGroupRequest asks for, and which of its fields it uses. */
export const GroupChange = {
  /** text */
  rename: 1,
  /** number: 0–11 */
  color: 2,
  /** text; empty: none */
  announce: 3,
  /** userIds */
  invite: 4,
  /** userIds */
  remove: 5,
  /** nothing */
  leave: 6,
  /** userIds, number: GroupRole.member or .admin */
  role: 7,
  /** userIds: the one new owner */
  transfer: 8,
  /** userIds, number: time in ms until which they are muted; 0: no more */
  mute: 9,
  /** number: 1 or 0 */
  muteAll: 10,
  /** number: 1 or 0 */
  approval: 11,
  /** userIds whose requests to join are decided; number: 1 or 0. A refusal leaves no notice. */
  decide: 12,
} as const;
export type GroupChange = (typeof GroupChange)[keyof typeof GroupChange];

/** What a notice tells: the GroupChange numbers where there is one, and what has no such request. */
export const NoticeAction = {
  renamed: 1,
  colored: 2,
  announced: 3,
  invited: 4,
  removed: 5,
  left: 6,
  roleChanged: 7,
  transferred: 8,
  muted: 9,
  allMuted: 10,
  approvalChanged: 11,
  /** userIds were let in by the sender. */
  approved: 12,
  created: 20,
  /** The sender came by a link. */
  joined: 21,
} as const;
export type NoticeAction = (typeof NoticeAction)[keyof typeof NoticeAction];
