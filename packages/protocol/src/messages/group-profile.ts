import { type Fields, flag, id, number, text } from './fields.ts';

/** What a group says of itself. */
export interface GroupProfile {
  name: string;
  avatarColor: number;
  announcement: string;
  ownerId: bigint;
  memberCount: number;
  muteAll: boolean;
  joinApproval: boolean;
}

export const groupProfileFields: Fields<GroupProfile> = {
  name: text,
  avatarColor: number,
  announcement: text,
  ownerId: id,
  memberCount: number,
  muteAll: flag,
  joinApproval: flag,
};
