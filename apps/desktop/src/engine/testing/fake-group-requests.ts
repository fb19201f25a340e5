import {
  Command,
  changeGroupRequest,
  changeGroupResponse,
  createGroupRequest,
  createGroupResponse,
  type ErrorName,
  type GroupLink,
  joinRequest,
  joinResponse,
  joinsRequest,
  joinsResponse,
  linksRequest,
  linksResponse,
  lookAtLinkRequest,
  lookAtLinkResponse,
  makeLinkRequest,
  makeLinkResponse,
  membersRequest,
  membersResponse,
  readCountsRequest,
  readCountsResponse,
  readersRequest,
  readersResponse,
  revokeLinkRequest,
  statusOf,
  statusResponse,
} from '@fastim/protocol';
import type { FakeConversation, FakeLink, FakeMember } from './fake-conversation.ts';
import { joinByLink, mayLink, works } from './fake-groups.ts';
import type { Answer } from './fake-requests.ts';
import type { FakeConnection, FakeState } from './fake-state.ts';

/** Answers what is asked of groups; false for anything else. */
export function answerGroups(
  state: FakeState,
  connection: FakeConnection,
  userId: bigint,
  cmd: number,
  data: Uint8Array,
  answer: Answer,
): boolean {
  const status = undefined;
  const refuse = (reason: ErrorName) => answer(statusResponse, { status: statusOf(reason) });
  const profileOf = (id: bigint) => state.accounts.profileOf(id);
  const stateFor = (conversation: FakeConversation) => conversation.state(conversation.members.get(userId)!, profileOf);
  const present = (conversationId: bigint, then: (conversation: FakeConversation, member: FakeMember) => void) => {
    const conversation = state.conversation(conversationId);
    const member = conversation?.present(userId);
    if (conversation?.group && member) then(conversation, member);
    else refuse('NOT_A_MEMBER');
  };
  const linked = (conversationId: bigint, then: (conversation: FakeConversation) => void) =>
    present(conversationId, (conversation) => {
      const refusal = mayLink(conversation, userId);
      if (refusal) refuse(refusal);
      else then(conversation);
    });
  switch (cmd) {
    case Command.createGroup: {
      const { clientMsgId, name, avatarColor, userIds } = createGroupRequest.decode(data);
      if (name.trim() === '') {
        refuse('GROUP_INVALID');
        return true;
      }
      const group = state.createGroup(userId, clientMsgId.slice(), { name, avatarColor, userIds }, connection);
      answer(createGroupResponse, { status, conversation: stateFor(group) });
      return true;
    }
    case Command.changeGroup: {
      const { clientMsgId, conversationId, ...asked } = changeGroupRequest.decode(data);
      const conversation = state.conversation(conversationId);
      const outcome = conversation?.members.has(userId)
        ? state.change(conversation, userId, clientMsgId.slice(), asked, connection)
        : 'NOT_A_MEMBER';
      if (typeof outcome === 'string') refuse(outcome);
      else answer(changeGroupResponse, { status, convSeq: outcome.convSeq, userIds: [...outcome.userIds] });
      return true;
    }
    case Command.members: {
      const { conversationId, query, after, limit } = membersRequest.decode(data);
      present(conversationId, (conversation) => {
        const found = conversation
          .presentMembers()
          .filter((member) => profileOf(member.userId).username.includes(query.toLowerCase()));
        const { page, next } = pageOf(inOrder(found), after, limit);
        const members = page.map((member) => ({ ...member, profile: profileOf(member.userId) }));
        answer(membersResponse, { status, members, next });
      });
      return true;
    }
    case Command.readCounts: {
      const { conversationId, convSeqs } = readCountsRequest.decode(data);
      present(conversationId, (conversation) => {
        const counts = convSeqs.map((convSeq) => {
          const audience = audienceOf(conversation, convSeq);
          return { convSeq, read: audience.filter(({ readSeq }) => readSeq >= convSeq).length, of: audience.length };
        });
        answer(readCountsResponse, { status, counts });
      });
      return true;
    }
    case Command.readers: {
      const { conversationId, convSeq, unread, after, limit } = readersRequest.decode(data);
      present(conversationId, (conversation) => {
        const found = audienceOf(conversation, convSeq).filter(({ readSeq }) => readSeq >= convSeq !== unread);
        const { page, next } = pageOf(inOrder(found), after, limit);
        answer(readersResponse, { status, users: page.map((member) => profileOf(member.userId)), next });
      });
      return true;
    }
    case Command.links: {
      linked(linksRequest.decode(data).conversationId, ({ group }) => {
        const links = group!.links.filter((link) => works(link, state.clock.now())).map(linkOf);
        answer(linksResponse, { status, links: links.reverse() });
      });
      return true;
    }
    case Command.makeLink: {
      const { conversationId, expiresMs, maxUses, clientMsgId } = makeLinkRequest.decode(data);
      linked(conversationId, ({ group }) => {
        const token = `token${[...clientMsgId].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
        let link = group!.links.find((one) => one.token === token);
        if (!link) {
          const createdMs = state.clock.now();
          link = { token, creatorId: userId, expiresMs, maxUses, createdMs, uses: 0, revoked: false };
          group!.links.push(link);
        }
        answer(makeLinkResponse, { status, link: linkOf(link) });
      });
      return true;
    }
    case Command.revokeLink: {
      const { conversationId, token } = revokeLinkRequest.decode(data);
      linked(conversationId, ({ group }) => {
        const link = group!.links.find((one) => one.token === token);
        if (!link) {
          refuse('LINK_INVALID');
          return;
        }
        link.revoked = true;
        answer(statusResponse, { status });
      });
      return true;
    }
    case Command.lookAtLink: {
      const found = byToken(state, lookAtLinkRequest.decode(data).token);
      if (!found || !works(found.link, state.clock.now())) {
        refuse('LINK_INVALID');
        return true;
      }
      const { conversation, link } = found;
      const [owner] = conversation.presentMembers();
      const group = owner && conversation.state(owner, profileOf).group;
      answer(lookAtLinkResponse, {
        status,
        conversationId: conversation.conversationId,
        group: group && { ...group, announcement: '' },
        member: conversation.present(userId) !== undefined,
        requested: conversation.group?.requests.has(userId) ?? false,
        inviter: profileOf(link.creatorId),
      });
      return true;
    }
    case Command.join: {
      const { clientMsgId, token } = joinRequest.decode(data);
      const found = byToken(state, token);
      if (!found) {
        refuse('LINK_INVALID');
        return true;
      }
      const { conversation, link } = found;
      const isRepeat = conversation.byKey.has(conversation.keyOf(userId, clientMsgId));
      const changed = isRepeat ? 'unchanged' : joinByLink(conversation, link, userId, state.clock.now());
      if (changed === 'requested') {
        answer(joinResponse, { status, conversation: undefined });
        return true;
      }
      const outcome = state.noteChange(conversation, userId, clientMsgId.slice(), changed, connection);
      if (typeof outcome === 'string') refuse(outcome);
      else answer(joinResponse, { status, conversation: stateFor(conversation) });
      return true;
    }
    case Command.joins: {
      present(joinsRequest.decode(data).conversationId, ({ group }) => {
        const joins = [...group!.requests].map(([id, requestedMs]) => ({ profile: profileOf(id), requestedMs }));
        answer(joinsResponse, { status, joins });
      });
      return true;
    }
    default:
      return false;
  }
}

function byToken(state: FakeState, token: string): { conversation: FakeConversation; link: FakeLink } | undefined {
  for (const conversation of state.conversations) {
    const link = conversation.group?.links.find((one) => one.token === token);
    if (link) return { conversation, link };
  }
  return undefined;
}

function linkOf({ token, creatorId, expiresMs, maxUses, uses, createdMs }: FakeLink): GroupLink {
  return { token, creatorId, expiresMs, maxUses, uses, createdMs };
}

/** Members who may have read it, without its sender. */
function audienceOf(conversation: FakeConversation, convSeq: number): FakeMember[] {
  const senderId = conversation.messages[convSeq - 1]?.senderId;
  return conversation.presentMembers().filter((member) => member.userId !== senderId && member.joinSeq <= convSeq);
}

function inOrder(members: readonly FakeMember[]): FakeMember[] {
  return [...members].sort((a, b) => b.role - a.role || (a.userId < b.userId ? -1 : 1));
}

function pageOf<T>(all: readonly T[], after: string, limit: number): { page: T[]; next: string } {
  const from = Number(after) || 0;
  return { page: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : '' };
}
