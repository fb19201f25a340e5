import { randomBytes } from 'node:crypto';
import {
  Command,
  changeGroupRequest,
  changeGroupResponse,
  conversationsRequest,
  conversationsResponse,
  createGroupRequest,
  createGroupResponse,
  GroupChange,
  MAX_USERS_A_CHANGE,
} from '@fastim/protocol';
import type { WireClient } from './wire-client.ts';

/** Makes a group of the client's user and these, invited as many at a time as is allowed. */
export async function makeGroup(
  owner: WireClient,
  name: string,
  others: readonly bigint[],
): Promise<{ conversationId: bigint; headSeq: number }> {
  const { conversation } = await owner.ask(
    Command.createGroup,
    createGroupRequest,
    { clientMsgId: randomBytes(16), name, avatarColor: 0, userIds: others.slice(0, MAX_USERS_A_CHANGE) },
    createGroupResponse,
  );
  const { conversationId } = conversation!;
  for (let from = MAX_USERS_A_CHANGE; from < others.length; from += MAX_USERS_A_CHANGE) {
    await owner.ask(
      Command.changeGroup,
      changeGroupRequest,
      {
        clientMsgId: randomBytes(16),
        conversationId,
        change: GroupChange.invite,
        userIds: others.slice(from, from + MAX_USERS_A_CHANGE),
        text: '',
        number: 0,
      },
      changeGroupResponse,
    );
  }
  const { conversations } = await owner.ask(
    Command.conversations,
    conversationsRequest,
    { conversationIds: [conversationId] },
    conversationsResponse,
  );
  const { group, headSeq } = conversations[0]!;
  if (group?.memberCount !== others.length + 1) throw new Error(`the group has ${group?.memberCount} members`);
  return { conversationId, headSeq };
}
