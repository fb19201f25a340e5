import { fastim } from '../generated/fastim.js';
import type { Codec } from './codec.ts';
import { type Fields, fieldsCodec, id, list, message, status, text } from './fields.ts';
import type { Status } from './status.ts';

export interface UserProfile {
  userId: bigint;
  username: string;
  displayName: string;
}

export const profileFields: Fields<UserProfile> = { userId: id, username: text, displayName: text };

export const profilesRequest: Codec<{ userIds: bigint[] }> = fieldsCodec(fastim.v1.ProfilesRequest, {
  userIds: list(id),
});

/** Those that exist. */
export const profilesResponse: Codec<{ status: Status | undefined; profiles: UserProfile[] }> = fieldsCodec(
  fastim.v1.ProfilesResponse,
  { status, profiles: list(message(profileFields)) },
);
