import {
  ConversationKind,
  editBody,
  GroupRole,
  type MemberCursor,
  type MemberSettings,
  type Message,
  MessageKind,
  type MessageMarks,
  REACTION_USERS_NAMED,
  reactionBody,
  textBody,
} from '@fastim/protocol';

/** One row of a member list of the fake storage. */
export interface Member {
  readonly userId: bigint;
  role: number;
  joinSeq: number;
  /** 0: a member now. */
  leaveSeq: number;
  joinedMs: number;
  mutedUntilMs: number;
  readSeq: number;
  deliveredSeq: number;
  ownSeq: number;
  changedMs: number;
  version: number;
  settings: MemberSettings;
  /** conv_seq → hidden_version at which it was deleted for this member. */
  readonly hidden: Map<number, number>;
}

/** What events made of one message. */
export interface TargetState {
  editedSeq: number;
  recalledSeq: number;
  recalledBy: bigint;
  reactionsSeq: number;
  /** emoji → users by time. */
  readonly reactions: Map<string, Set<bigint>>;
}

export interface Link {
  readonly token: string;
  readonly creatorId: bigint;
  readonly key: string;
  readonly expiresMs: number;
  readonly maxUses: number;
  readonly createdMs: number;
  uses: number;
  revoked: boolean;
}

export interface GroupData {
  name: string;
  avatarColor: number;
  announcement: string;
  muteAll: boolean;
  joinApproval: boolean;
  /** user → when they asked. */
  readonly requests: Map<bigint, number>;
  readonly links: Link[];
}

export interface Conversation {
  readonly conversationId: bigint;
  readonly kind: ConversationKind;
  /** Those who left stay in it. */
  readonly members: Map<bigint, Member>;
  /** As stored: index conv_seq − 1. */
  readonly messages: Message[];
  readonly byClientId: Map<string, Message>;
  readonly targets: Map<number, TargetState>;
  /** conv_seqs by who they mention; 0n: everybody. */
  readonly mentions: Map<bigint, number[]>;
  readonly group: GroupData | undefined;
  removalsSeq: number;
  activityMs: number;
}

export function newConversation(
  conversationId: bigint,
  kind: ConversationKind,
  group: GroupData | undefined,
  nowMs: number,
): Conversation {
  return {
    conversationId,
    kind,
    members: new Map(),
    messages: [],
    byClientId: new Map(),
    targets: new Map(),
    mentions: new Map(),
    group,
    removalsSeq: 0,
    activityMs: nowMs,
  };
}

export function newMember(userId: bigint, role: number, joinSeq: number, nowMs: number): Member {
  return {
    userId,
    role,
    joinSeq,
    leaveSeq: 0,
    joinedMs: nowMs,
    mutedUntilMs: 0,
    readSeq: 0,
    deliveredSeq: 0,
    ownSeq: 0,
    changedMs: nowMs,
    version: 0,
    settings: {
      silentUntilMs: 0,
      pinnedMs: 0,
      archived: false,
      markedUnread: false,
      draft: '',
      hiddenVersion: 0,
    },
    hidden: new Map(),
  };
}

/** The row of who is a member now. */
export function presentMember(conversation: Conversation | undefined, userId: bigint): Member | undefined {
  const member = conversation?.members.get(userId);
  return member?.leaveSeq === 0 ? member : undefined;
}

export function presentMembers(conversation: Conversation): Member[] {
  return [...conversation.members.values()].filter((member) => member.leaveSeq === 0);
}

/** Owner first, then by user_id. */
export function inMemberOrder(members: readonly Member[]): Member[] {
  return [...members].sort((a, b) => b.role - a.role || (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0));
}

/** The last conv_seq that a member may see. */
export function lastSeqOf(conversation: Conversation, member: Member): number {
  return member.leaveSeq || conversation.messages.length;
}

export function clientKey(senderId: bigint, clientMsgId: Uint8Array): string {
  return `${senderId}/${Buffer.from(clientMsgId).toString('hex')}`;
}

/** Stores the next message of a conversation; the author's own place moves with it. */
export function storeMessage(
  conversation: Conversation,
  message: Omit<Message, 'conversationId' | 'convSeq' | 'countNo' | 'marks'>,
): Message {
  const head = conversation.messages.at(-1);
  const stored: Message = {
    msgId: message.msgId,
    conversationId: conversation.conversationId,
    convSeq: (head?.convSeq ?? 0) + 1,
    senderId: message.senderId,
    // Copies: what a caller does with its buffers afterwards must not reach what is stored.
    clientMsgId: Uint8Array.from(message.clientMsgId),
    kind: message.kind,
    body: Uint8Array.from(message.body),
    serverTimeMs: message.serverTimeMs,
    countNo: (head?.countNo ?? 0) + (message.kind === MessageKind.text ? 1 : 0),
  };
  conversation.messages.push(stored);
  conversation.byClientId.set(clientKey(stored.senderId, stored.clientMsgId), stored);
  conversation.activityMs = Math.max(conversation.activityMs, stored.serverTimeMs);
  const author = conversation.members.get(stored.senderId);
  if (author) author.ownSeq = stored.convSeq;
  return stored;
}

export function targetState(conversation: Conversation, convSeq: number): TargetState {
  let state = conversation.targets.get(convSeq);
  if (!state) {
    state = { editedSeq: 0, recalledSeq: 0, recalledBy: 0n, reactionsSeq: 0, reactions: new Map() };
    conversation.targets.set(convSeq, state);
  }
  return state;
}

/** Empties what a recalled message said, and what its edits said. */
export function forgetWords(conversation: Conversation, targetSeq: number): void {
  for (const message of conversation.messages) {
    const isEdit = message.kind === MessageKind.edit && editBody.decode(message.body).targetSeq === targetSeq;
    if (isEdit) message.body = editBody.encode({ targetSeq, text: '', mentions: [], mentionAll: false });
    else if (message.convSeq === targetSeq) message.body = new Uint8Array(0);
  }
}

/**
 * A stored message as one user sees it now; who left sees it as it was then, but for what was recalled since: its words
 * are not there any more.
 */
export function presentForm(conversation: Conversation, message: Message, viewerId: bigint): Message {
  const state = conversation.targets.get(message.convSeq);
  const leaveSeq = conversation.members.get(viewerId)?.leaveSeq ?? 0;
  const seen = state && leaveSeq > 0 ? stateAsOf(conversation, message, state, leaveSeq) : state;
  if (!seen) return { ...message };
  return { ...message, body: presentBody(conversation, message, seen), marks: marksFor(seen, viewerId) };
}

/** What the events up to `lastSeq` made of a message, and a recall at any time; undefined: nothing. */
function stateAsOf(
  conversation: Conversation,
  { convSeq }: Message,
  now: TargetState,
  lastSeq: number,
): TargetState | undefined {
  const isLater = now.editedSeq > lastSeq || now.reactionsSeq > lastSeq;
  if (!isLater) return now;
  const { recalledSeq, recalledBy } = now;
  const state: TargetState = { editedSeq: 0, recalledSeq, recalledBy, reactionsSeq: 0, reactions: new Map() };
  if (recalledSeq > 0) return state;
  for (const event of conversation.messages.slice(convSeq, lastSeq)) {
    if (event.kind === MessageKind.edit && editBody.decode(event.body).targetSeq === convSeq) {
      state.editedSeq = event.convSeq;
    } else if (event.kind === MessageKind.reaction) {
      const { targetSeq, emoji, removed } = reactionBody.decode(event.body);
      if (targetSeq !== convSeq) continue;
      state.reactionsSeq = event.convSeq;
      react(state, emoji, event.senderId, removed);
    }
  }
  return state.editedSeq > 0 || state.reactionsSeq > 0 ? state : undefined;
}

export function react({ reactions }: TargetState, emoji: string, userId: bigint, removed: boolean): void {
  const users = reactions.get(emoji) ?? new Set();
  if (removed) users.delete(userId);
  else users.add(userId);
  if (users.size > 0) reactions.set(emoji, users);
  else reactions.delete(emoji);
}

function presentBody(conversation: Conversation, message: Message, state: TargetState): Uint8Array {
  if (state.recalledSeq > 0 || state.editedSeq === 0) return message.body;
  const { text, mentions, mentionAll } = editBody.decode(conversation.messages[state.editedSeq - 1]!.body);
  return textBody.encode({ ...textBody.decode(message.body), text, mentions, mentionAll });
}

function marksFor(state: TargetState, viewerId: bigint): MessageMarks {
  const { editedSeq, recalledSeq, recalledBy, reactionsSeq } = state;
  const reactions =
    recalledSeq > 0
      ? []
      : [...state.reactions].map(([emoji, users]) => ({
          emoji,
          count: users.size,
          mine: users.has(viewerId),
          userIds: [...users].slice(0, REACTION_USERS_NAMED),
        }));
  return { editedSeq, recalledSeq, recalledBy, reactionsSeq, reactions };
}

export function countNoAt(conversation: Conversation, convSeq: number): number {
  return conversation.messages[convSeq - 1]?.countNo ?? 0;
}

export function cursorOf(conversation: Conversation, member: Member): MemberCursor {
  return {
    conversationId: conversation.conversationId,
    userId: member.userId,
    deliveredSeq: member.deliveredSeq,
    readSeq: member.readSeq,
    readCountNo: countNoAt(conversation, member.readSeq),
  };
}

/** When something changed last that one member's list shows. */
export function lastChangeFor(conversation: Conversation, member: Member): number {
  let last = Math.max(activityFor(conversation, member), member.changedMs);
  if (conversation.kind === ConversationKind.direct) {
    for (const other of conversation.members.values()) last = Math.max(last, other.changedMs);
  }
  return last;
}

/** Of a former member: when the leaving was. */
export function activityFor(conversation: Conversation, member: Member): number {
  if (member.leaveSeq === 0) return conversation.activityMs;
  return conversation.messages[member.leaveSeq - 1]?.serverTimeMs ?? 0;
}

export function touch(member: Member, nowMs: number): void {
  member.version += 1;
  member.changedMs = Math.max(member.changedMs, nowMs);
}

export function ownerOf(conversation: Conversation): bigint {
  return presentMembers(conversation).find((member) => member.role === GroupRole.owner)?.userId ?? 0n;
}
