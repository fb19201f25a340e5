import { toHex, unreadBaseSeq } from '@fastim/core';
import {
  ConversationKind,
  type ConversationState,
  defaultSettings,
  editBody,
  eventKinds,
  GroupRole,
  type MemberCursor,
  type MemberSettings,
  type Message,
  MessageKind,
  type MessageMarks,
  REACTION_USERS_NAMED,
  textBody,
  type UserProfile,
} from '@fastim/protocol';

export interface FakeMember {
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

interface TargetState {
  editedSeq: number;
  recalledSeq: number;
  recalledBy: bigint;
  reactionsSeq: number;
  /** emoji → users by time. */
  readonly reactions: Map<string, Set<bigint>>;
}

export interface FakeLink {
  readonly token: string;
  readonly creatorId: bigint;
  readonly expiresMs: number;
  readonly maxUses: number;
  readonly createdMs: number;
  uses: number;
  revoked: boolean;
}

export interface FakeGroup {
  name: string;
  avatarColor: number;
  announcement: string;
  muteAll: boolean;
  joinApproval: boolean;
  /** user → when they asked. */
  readonly requests: Map<bigint, number>;
  readonly links: FakeLink[];
}

/** One conversation of the server in memory, with the rules of the real one: conv_seqs, count_nos, marks, membership. */
export class FakeConversation {
  readonly conversationId: bigint;
  readonly kind: number;
  readonly group: FakeGroup | undefined;
  /** Those who left stay in it. */
  readonly members = new Map<bigint, FakeMember>();
  /** As stored: index conv_seq − 1. */
  readonly messages: Message[] = [];
  readonly byKey = new Map<string, Message>();
  readonly targets = new Map<number, TargetState>();
  /** conv_seqs of texts and edits by whom they mention; 0n: everybody. A recall does not take a mention back. */
  readonly mentions = new Map<bigint, number[]>();
  activityMs: number;

  constructor(conversationId: bigint, group: FakeGroup | undefined, nowMs: number) {
    this.conversationId = conversationId;
    this.kind = group ? ConversationKind.group : ConversationKind.direct;
    this.group = group;
    this.activityMs = nowMs;
  }

  addMember(userId: bigint, role: number, joinSeq: number, nowMs: number): void {
    const before = this.members.get(userId);
    const fresh = { userId, role, joinSeq, leaveSeq: 0, joinedMs: nowMs, mutedUntilMs: 0, ownSeq: 0, changedMs: nowMs };
    const kept = before ?? { readSeq: 0, deliveredSeq: 0, version: 0, settings: defaultSettings, hidden: new Map() };
    const { readSeq, deliveredSeq, version, settings, hidden } = kept;
    this.members.set(userId, { ...fresh, readSeq, deliveredSeq, version: version + 1, settings, hidden });
  }

  /** Undefined for who is not in it now. */
  present(userId: bigint): FakeMember | undefined {
    const member = this.members.get(userId);
    return member?.leaveSeq === 0 ? member : undefined;
  }

  presentMembers(): FakeMember[] {
    return [...this.members.values()].filter(({ leaveSeq }) => leaveSeq === 0);
  }

  lastSeqOf(member: FakeMember): number {
    return member.leaveSeq || this.messages.length;
  }

  keyOf(senderId: bigint, clientMsgId: Uint8Array): string {
    return `${senderId}:${toHex(clientMsgId)}`;
  }

  store(message: Omit<Message, 'conversationId' | 'convSeq' | 'countNo' | 'marks'>): Message {
    const stored: Message = {
      ...message,
      conversationId: this.conversationId,
      convSeq: this.messages.length + 1,
      countNo: this.countNoAt(this.messages.length) + (message.kind === MessageKind.text ? 1 : 0),
    };
    this.messages.push(stored);
    this.byKey.set(this.keyOf(stored.senderId, stored.clientMsgId), stored);
    this.activityMs = Math.max(this.activityMs, stored.serverTimeMs);
    for (const userId of mentionedIn(stored.kind, stored.body)) {
      this.mentions.set(userId, [...(this.mentions.get(userId) ?? []), stored.convSeq]);
    }
    const author = this.members.get(stored.senderId);
    if (author) author.ownSeq = stored.convSeq;
    return stored;
  }

  target(convSeq: number): TargetState {
    let state = this.targets.get(convSeq);
    if (!state) {
      state = { editedSeq: 0, recalledSeq: 0, recalledBy: 0n, reactionsSeq: 0, reactions: new Map() };
      this.targets.set(convSeq, state);
    }
    return state;
  }

  /** Empties what a recalled message said, and what its edits said. */
  forgetWords(targetSeq: number): void {
    for (const message of this.messages) {
      const isEdit = message.kind === MessageKind.edit && editBody.decode(message.body).targetSeq === targetSeq;
      if (isEdit) message.body = editBody.encode({ targetSeq, text: '', mentions: [], mentionAll: false });
      else if (message.convSeq === targetSeq) message.body = new Uint8Array(0);
    }
  }

  /** A stored message as one user sees it now. */
  presentForm(message: Message, viewerId: bigint): Message {
    const state = this.targets.get(message.convSeq);
    if (!state) return { ...message };
    return { ...message, body: this.#presentBody(message, state), marks: marksFor(state, viewerId) };
  }

  #presentBody(message: Message, state: TargetState): Uint8Array {
    if (state.recalledSeq > 0 || state.editedSeq === 0) return message.body;
    const { text, mentions, mentionAll } = editBody.decode(this.messages[state.editedSeq - 1]!.body);
    return textBody.encode({ ...textBody.decode(message.body), text, mentions, mentionAll });
  }

  countNoAt(convSeq: number): number {
    return this.messages[convSeq - 1]?.countNo ?? 0;
  }

  cursorOf({ userId, deliveredSeq, readSeq }: FakeMember): MemberCursor {
    const { conversationId } = this;
    return { conversationId, userId, deliveredSeq, readSeq, readCountNo: this.countNoAt(readSeq) };
  }

  touch(member: FakeMember, nowMs: number): void {
    member.version += 1;
    member.changedMs = Math.max(member.changedMs, nowMs);
  }

  touchAdmins(nowMs: number): void {
    for (const member of this.presentMembers()) if (member.role >= GroupRole.admin) this.touch(member, nowMs);
  }

  peerOf(userId: bigint): FakeMember | undefined {
    if (this.kind !== ConversationKind.direct) return undefined;
    return [...this.members.values()].find((member) => member.userId !== userId);
  }

  state(member: FakeMember, profileOf: (userId: bigint) => UserProfile): ConversationState {
    const headSeq = this.lastSeqOf(member);
    const peer = this.peerOf(member.userId);
    const shown = this.messages
      .slice(0, headSeq)
      .findLast(({ kind, convSeq }) => !eventKinds.has(kind) && convSeq >= member.joinSeq);
    const isAdmin = member.role >= GroupRole.admin && member.leaveSeq === 0;
    return {
      conversationId: this.conversationId,
      kind: this.kind,
      headSeq,
      headCountNo: this.countNoAt(headSeq),
      joinSeq: member.joinSeq,
      readSeq: member.readSeq,
      unreadBaseCountNo: this.countNoAt(unreadBaseSeq(member.readSeq, member.joinSeq, member.ownSeq)),
      lastActivityMs: this.#activityFor(member),
      peer: peer && profileOf(peer.userId),
      peerCursor: peer && this.cursorOf(peer),
      lastMessage: shown && this.presentForm(shown, member.userId),
      leaveSeq: member.leaveSeq,
      mentionSeq: this.#mentionSeq(member),
      version: member.version,
      settings: member.settings,
      group: this.group && {
        name: this.group.name,
        avatarColor: this.group.avatarColor,
        announcement: this.group.announcement,
        ownerId: this.presentMembers().find(({ role }) => role === GroupRole.owner)?.userId ?? 0n,
        memberCount: this.presentMembers().length,
        muteAll: this.group.muteAll,
        joinApproval: this.group.joinApproval,
      },
      role: member.role,
      mutedUntilMs: member.mutedUntilMs,
      pendingJoins: isAdmin ? (this.group?.requests.size ?? 0) : 0,
    };
  }

  /** When something changed last that the member's list shows. */
  changedFor(member: FakeMember): number {
    const peer = this.peerOf(member.userId);
    return Math.max(this.#activityFor(member), member.changedMs, peer?.changedMs ?? 0);
  }

  #activityFor(member: FakeMember): number {
    if (member.leaveSeq === 0) return this.activityMs;
    return this.messages[member.leaveSeq - 1]?.serverTimeMs ?? 0;
  }

  #mentionSeq(member: FakeMember): number {
    const from = Math.max(member.readSeq, member.joinSeq - 1);
    const to = this.lastSeqOf(member);
    return [...(this.mentions.get(member.userId) ?? []), ...(this.mentions.get(EVERYBODY) ?? [])]
      .filter((seq) => seq > from && seq <= to && this.messages[seq - 1]!.senderId !== member.userId)
      .reduce((highest, seq) => Math.max(highest, seq), 0);
  }
}

const EVERYBODY = 0n;

function mentionedIn(kind: number, body: Uint8Array): bigint[] {
  if (kind !== MessageKind.text && kind !== MessageKind.edit) return [];
  try {
    const words = kind === MessageKind.text ? textBody.decode(body) : editBody.decode(body);
    return words.mentionAll ? [...words.mentions, EVERYBODY] : words.mentions;
  } catch {
    // A body that is no text mentions nobody.
    return [];
  }
}

function marksFor(state: TargetState, viewerId: bigint): MessageMarks {
  const { editedSeq, recalledSeq, recalledBy, reactionsSeq } = state;
  const reactions = [...(recalledSeq > 0 ? [] : state.reactions)].map(([emoji, users]) => ({
    emoji,
    count: users.size,
    mine: users.has(viewerId),
    userIds: [...users].slice(0, REACTION_USERS_NAMED),
  }));
  return { editedSeq, recalledSeq, recalledBy, reactionsSeq, reactions };
}
