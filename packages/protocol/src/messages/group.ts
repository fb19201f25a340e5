import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import {
  bytes,
  count,
  type Fields,
  fieldsCodec,
  flag,
  id,
  list,
  message,
  number,
  optional,
  status,
  text,
} from './fields.ts';
import { type GroupProfile, groupProfileFields } from './group-profile.ts';
import { profileFields, type UserProfile } from './profile.ts';
import type { Status } from './status.ts';
import { type ConversationState, conversationField } from './sync.ts';

/** Codecs do not check the length of clientMsgId; who handles the request does, as for every other rule. */
export interface CreateGroupRequest {
  clientMsgId: Uint8Array;
  name: string;
  avatarColor: number;
  userIds: bigint[];
}

/** See GroupChange for what each change uses. */
export interface ChangeGroupRequest {
  clientMsgId: Uint8Array;
  conversationId: bigint;
  change: number;
  userIds: bigint[];
  text: string;
  number: number;
}

export interface ChangeGroupResponse {
  status: Status | undefined;
  /** Of the notice; 0: nothing changed. */
  convSeq: number;
  /** Those it was really done to. */
  userIds: bigint[];
}

export interface MembersRequest {
  conversationId: bigint;
  /** Empty: all. */
  query: string;
  /** `next` of the page before; empty: the first page. */
  after: string;
  limit: number;
}

export interface GroupMember {
  profile: UserProfile;
  role: number;
  mutedUntilMs: number;
  joinedMs: number;
}

export interface ReadCount {
  convSeq: number;
  /** Members who have read it, without its sender; of so many. */
  read: number;
  of: number;
}

export interface ReadersRequest {
  conversationId: bigint;
  convSeq: number;
  /** Those who have not. */
  unread: boolean;
  after: string;
  limit: number;
}

export interface GroupLink {
  token: string;
  creatorId: bigint;
  /** 0: never. */
  expiresMs: number;
  /** 0: no limit. */
  maxUses: number;
  uses: number;
  createdMs: number;
}

export interface LookAtLinkResponse {
  status: Status | undefined;
  conversationId: bigint;
  /** Without the announcement. */
  group: GroupProfile | undefined;
  member: boolean;
  requested: boolean;
  inviter: UserProfile | undefined;
}

export interface PendingJoin {
  profile: UserProfile;
  requestedMs: number;
}

const linkFields: Fields<GroupLink> = {
  token: text,
  creatorId: id,
  expiresMs: count,
  maxUses: number,
  uses: number,
  createdMs: count,
};

export const createGroupRequest: Codec<CreateGroupRequest> = fieldsCodec(fastim.v1.CreateGroupRequest, {
  clientMsgId: bytes,
  name: text,
  avatarColor: number,
  userIds: list(id),
});

export const createGroupResponse: Codec<{ status: Status | undefined; conversation: ConversationState | undefined }> =
  fieldsCodec(fastim.v1.CreateGroupResponse, { status, conversation: optional(conversationField) });

export const changeGroupRequest: Codec<ChangeGroupRequest> = fieldsCodec(fastim.v1.ChangeGroupRequest, {
  clientMsgId: bytes,
  conversationId: id,
  change: number,
  userIds: list(id),
  text,
  number: count,
});

export const changeGroupResponse: Codec<ChangeGroupResponse> = fieldsCodec(fastim.v1.ChangeGroupResponse, {
  status,
  convSeq: count,
  userIds: list(id),
});

export const membersRequest: Codec<MembersRequest> = fieldsCodec(fastim.v1.MembersRequest, {
  conversationId: id,
  query: text,
  after: text,
  limit: number,
});

export const membersResponse: Codec<{ status: Status | undefined; members: GroupMember[]; next: string }> = fieldsCodec(
  fastim.v1.MembersResponse,
  {
    status,
    members: list(
      message<GroupMember>({ profile: message(profileFields), role: number, mutedUntilMs: count, joinedMs: count }),
    ),
    next: text,
  },
);

export const readCountsRequest: Codec<{ conversationId: bigint; convSeqs: number[] }> = fieldsCodec(
  fastim.v1.ReadCountsRequest,
  { conversationId: id, convSeqs: list(count) },
);

export const readCountsResponse: Codec<{ status: Status | undefined; counts: ReadCount[] }> = fieldsCodec(
  fastim.v1.ReadCountsResponse,
  { status, counts: list(message<ReadCount>({ convSeq: count, read: number, of: number })) },
);

export const readersRequest: Codec<ReadersRequest> = fieldsCodec(fastim.v1.ReadersRequest, {
  conversationId: id,
  convSeq: count,
  unread: flag,
  after: text,
  limit: number,
});

export const readersResponse: Codec<{ status: Status | undefined; users: UserProfile[]; next: string }> = fieldsCodec(
  fastim.v1.ReadersResponse,
  { status, users: list(message(profileFields)), next: text },
);

export const linksRequest: Codec<{ conversationId: bigint }> = fieldsCodec(fastim.v1.LinksRequest, {
  conversationId: id,
});

export const linksResponse: Codec<{ status: Status | undefined; links: GroupLink[] }> = fieldsCodec(
  fastim.v1.LinksResponse,
  { status, links: list(message(linkFields)) },
);

export const makeLinkRequest: Codec<{
  clientMsgId: Uint8Array;
  conversationId: bigint;
  expiresMs: number;
  maxUses: number;
}> = fieldsCodec(fastim.v1.MakeLinkRequest, {
  clientMsgId: bytes,
  conversationId: id,
  expiresMs: count,
  maxUses: number,
});

export const makeLinkResponse: Codec<{ status: Status | undefined; link: GroupLink | undefined }> = fieldsCodec(
  fastim.v1.MakeLinkResponse,
  { status, link: optional(message(linkFields)) },
);

export const revokeLinkRequest: Codec<{ conversationId: bigint; token: string }> = fieldsCodec(
  fastim.v1.RevokeLinkRequest,
  { conversationId: id, token: text },
);

export const lookAtLinkRequest: Codec<{ token: string }> = fieldsCodec(fastim.v1.LookAtLinkRequest, { token: text });

export const lookAtLinkResponse: Codec<LookAtLinkResponse> = fieldsCodec(fastim.v1.LookAtLinkResponse, {
  status,
  conversationId: id,
  group: optional(message(groupProfileFields)),
  member: flag,
  requested: flag,
  inviter: optional(message(profileFields)),
});

export const joinRequest: Codec<{ clientMsgId: Uint8Array; token: string }> = fieldsCodec(fastim.v1.JoinRequest, {
  clientMsgId: bytes,
  token: text,
});

/** Without a conversation: the request waits for approval. */
export const joinResponse: Codec<{ status: Status | undefined; conversation: ConversationState | undefined }> =
  fieldsCodec(fastim.v1.JoinResponse, { status, conversation: optional(conversationField) });

export const joinsRequest: Codec<{ conversationId: bigint }> = fieldsCodec(fastim.v1.JoinsRequest, {
  conversationId: id,
});

export const joinsResponse: Codec<{ status: Status | undefined; joins: PendingJoin[] }> = fieldsCodec(
  fastim.v1.JoinsResponse,
  { status, joins: list(message<PendingJoin>({ profile: message(profileFields), requestedMs: count })) },
);
