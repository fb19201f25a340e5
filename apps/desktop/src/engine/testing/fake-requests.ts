import {
  type Codec,
  Command,
  ConversationKind,
  conversationsRequest,
  conversationsResponse,
  cursorRequest,
  cursorResponse,
  type ErrorName,
  errorCatalogue,
  heartbeatRequest,
  heartbeatResponse,
  hiddenRequest,
  hiddenResponse,
  historyRequest,
  historyResponse,
  type Message,
  presenceRequest,
  presenceResponse,
  profilesRequest,
  profilesResponse,
  type RefusedMove,
  SMALL_GROUP,
  type SyncMark,
  seekRequest,
  seekResponse,
  sendRequest,
  sendResponse,
  settingsRequest,
  settingsResponse,
  statusOf,
  statusResponse,
  syncRequest,
  syncResponse,
  typingPush,
  typingRequest,
  viewingRequest,
} from '@fastim/protocol';
import { answerGroups } from './fake-group-requests.ts';
import type { FakeConnection, FakeState } from './fake-state.ts';

export type Answer = <T>(codec: Codec<T>, value: T) => void;

/** States in one heartbeat's answer. */
const MOVED = 50;

/** Answers what a client asks after its login. `lost`: HISTORY brings nothing. */
export function answerRequest(
  state: FakeState,
  connection: FakeConnection,
  userId: bigint,
  cmd: number,
  data: Uint8Array,
  answer: Answer,
  lost: boolean,
): void {
  const refuse = (reason: ErrorName) => answer(statusResponse, { status: statusOf(reason) });
  const status = undefined;
  switch (cmd) {
    case Command.heartbeat: {
      const moved = isSame(heartbeatRequest.decode(data).mark, state.mark(userId)) ? [] : state.states(userId);
      const serverTimeMs = state.clock.now();
      answer(heartbeatResponse, { status, serverTimeMs, moved: moved.slice(0, MOVED), more: moved.length > MOVED });
      return;
    }
    case Command.send: {
      const { clientMsgId, conversationId, kind, body } = sendRequest.decode(data);
      const conversation = state.memberOf(conversationId, userId)?.conversation;
      const stored = conversation
        ? state.post(conversation, userId, clientMsgId.slice(), kind, body.slice(), connection)
        : 'NOT_A_MEMBER';
      if (typeof stored === 'string' && stored !== 'unchanged') {
        refuse(stored);
        return;
      }
      const nothing = { msgId: 0n, convSeq: 0, serverTimeMs: state.clock.now(), countNo: 0 };
      const { msgId, convSeq, serverTimeMs, countNo } = stored === 'unchanged' ? nothing : stored;
      answer(sendResponse, { status, clientMsgId, conversationId, msgId, convSeq, serverTimeMs, countNo });
      return;
    }
    case Command.cursor: {
      const refused: RefusedMove[] = [];
      for (const move of cursorRequest.decode(data).moves) {
        const found = state.memberOf(move.conversationId, userId);
        const reason = found ? state.raise(found.conversation, found.member, move, connection) : 'NOT_A_MEMBER';
        if (reason) refused.push({ conversationId: move.conversationId, code: errorCatalogue[reason].code });
      }
      answer(cursorResponse, { status, refused });
      return;
    }
    case Command.sync: {
      const { sinceMs, beforeActivityMs, beforeConversationId, limit } = syncRequest.decode(data);
      const rows = state
        .states(userId, sinceMs)
        .filter(
          (row) =>
            beforeActivityMs === 0 ||
            row.lastActivityMs < beforeActivityMs ||
            (row.lastActivityMs === beforeActivityMs && row.conversationId < beforeConversationId),
        );
      const [serverTimeMs, mark] = [state.clock.now(), state.mark(userId)];
      const page = { conversations: rows.slice(0, limit), more: rows.length > limit };
      answer(syncResponse, { status, ...page, serverTimeMs, mark });
      return;
    }
    case Command.conversations: {
      const { conversationIds } = conversationsRequest.decode(data);
      const conversations = state.states(userId).filter((row) => conversationIds.includes(row.conversationId));
      answer(conversationsResponse, { status, conversations });
      return;
    }
    case Command.history: {
      const { conversationId, fromSeq, toSeq, limit, newestFirst } = historyRequest.decode(data);
      const found = state.memberOf(conversationId, userId);
      if (!found) {
        refuse('NOT_A_MEMBER');
        return;
      }
      const { conversation, member } = found;
      const headSeq = conversation.lastSeqOf(member);
      const [from, to] = [Math.max(fromSeq, member.joinSeq), Math.min(toSeq, headSeq)];
      const range = lost ? [] : conversation.messages.slice(from - 1, to);
      const page: Message[] = newestFirst ? range.slice(Math.max(0, range.length - limit)) : range.slice(0, limit);
      const messages = page.map((message) => conversation.presentForm(message, userId));
      answer(historyResponse, { status, conversationId, messages, headSeq });
      return;
    }
    case Command.seek: {
      const { conversationId, timeMs } = seekRequest.decode(data);
      const found = state.memberOf(conversationId, userId);
      if (!found) {
        refuse('NOT_A_MEMBER');
        return;
      }
      const { messages } = found.conversation;
      const convSeq = messages.find(({ serverTimeMs }) => serverTimeMs >= timeMs)?.convSeq ?? messages.length + 1;
      answer(seekResponse, { status, convSeq });
      return;
    }
    case Command.settings: {
      const asked = settingsRequest.decode(data);
      const found = state.memberOf(asked.conversationId, userId);
      if (!found) {
        refuse('NOT_A_MEMBER');
        return;
      }
      const { version, settings } = state.changeSettings(found.conversation, found.member, asked, connection);
      answer(settingsResponse, { status, version, settings });
      return;
    }
    case Command.hidden: {
      const { conversationId, since } = hiddenRequest.decode(data);
      const member = state.memberOf(conversationId, userId)?.member;
      const all = [...(member?.hidden ?? [])].filter(([, version]) => version > since).sort((a, b) => a[1] - b[1]);
      const hiddenVersion = Math.max(since, member?.settings.hiddenVersion ?? 0);
      answer(hiddenResponse, { status, convSeqs: all.map(([seq]) => seq), hiddenVersion, more: false });
      return;
    }
    case Command.profiles: {
      const { userIds } = profilesRequest.decode(data);
      const profiles = userIds.filter((id) => state.accounts.user(id)).map((id) => state.accounts.profileOf(id));
      answer(profilesResponse, { status, profiles });
      return;
    }
    case Command.viewing:
      connection.viewing = viewingRequest.decode(data).conversationId;
      answer(statusResponse, { status });
      return;
    case Command.typing:
      tellTyping(state, connection, userId, typingRequest.decode(data).conversationId);
      answer(statusResponse, { status });
      return;
    case Command.presence: {
      const { userIds } = presenceRequest.decode(data);
      connection.watching = new Set(userIds);
      const presences = userIds.map((id) => {
        const online = [...state.connections].some(({ session }) => session?.userId === id);
        const hidden = !state.accounts.user(id)?.showOnline;
        return { userId: id, online: online && !hidden, hidden, lastSeenMs: 0 };
      });
      answer(presenceResponse, { status, presences });
      return;
    }
    default:
      if (!answerGroups(state, connection, userId, cmd, data, answer)) refuse('UNKNOWN_CMD');
  }
}

function tellTyping(state: FakeState, from: FakeConnection, userId: bigint, conversationId: bigint): void {
  const conversation = state.conversation(conversationId);
  if (!conversation?.present(userId)) return;
  const isLarge = conversation.kind === ConversationKind.group && conversation.presentMembers().length > SMALL_GROUP;
  const data = typingPush.encode({ typing: [{ conversationId, userId }] });
  for (const connection of state.connections) {
    const other = connection.session?.userId;
    if (isLarge || connection === from || other === undefined || !conversation.present(other)) continue;
    state.push(connection, Command.typingPush, data);
  }
}

function isSame(a: SyncMark, b: SyncMark): boolean {
  const sums = ['conversationCount', 'headSum', 'readSum', 'versionSum', 'peerSum'] as const;
  return sums.every((field) => a[field] === b[field]);
}
