import {
  AVATAR_COLORS,
  type ChangeGroupRequest,
  CLIENT_MSG_ID_LENGTH,
  FastimError,
  GroupChange,
  GroupRole,
  MAX_ANNOUNCEMENT,
  MAX_GROUP_NAME,
  MAX_USERS_A_CHANGE,
} from '@fastim/protocol';

/** Of a ChangeGroupRequest what its change uses; the rest is empty. */
export interface CheckedChange {
  readonly userIds: readonly bigint[];
  readonly text: string;
  readonly number: number;
}

const nothingVisible = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}]*$/u;
/** Line ends, control characters, and what turns the direction of the text around it. */
const notInName = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const notInAnnouncement = /[\0\u202a-\u202e\u2066-\u2069]/;
const tokenForm = /^[A-Za-z0-9_-]{22}$/;

export function requireClientMsgId(clientMsgId: Uint8Array): void {
  if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
    throw new FastimError('BAD_REQUEST', `client_msg_id is not ${CLIENT_MSG_ID_LENGTH} bytes`);
  }
}

/** What is stored of a name: trimmed, one line, something visible. */
export function checkName(name: string): string {
  // Far longer ones are not worth a look.
  if (name.length > MAX_GROUP_NAME * 4) throw invalid(`a name is at most ${MAX_GROUP_NAME} units`);
  const trimmed = name.trim().normalize('NFC');
  if (trimmed.length > MAX_GROUP_NAME) throw invalid(`a name is at most ${MAX_GROUP_NAME} units`);
  if (nothingVisible.test(trimmed)) throw invalid('the name is empty');
  if (!trimmed.isWellFormed() || notInName.test(trimmed)) throw invalid('the name holds what no name holds');
  return trimmed;
}

export function checkColor(color: number): number {
  if (color >= AVATAR_COLORS) throw invalid(`colours are 0 to ${AVATAR_COLORS - 1}`);
  return color;
}

/** Each once; 1 to MAX_USERS_A_CHANGE of them (or none, where that is allowed). */
export function checkUsers(userIds: readonly bigint[], least = 1): bigint[] {
  const each = [...new Set(userIds)];
  if (each.length > MAX_USERS_A_CHANGE) throw new FastimError('TOO_MANY', `at most ${MAX_USERS_A_CHANGE} at once`);
  if (each.length < least) throw invalid('nobody is named');
  return each;
}

/** Throws LINK_INVALID for what no link ends with. */
export function requireToken(token: string): void {
  if (!tokenForm.test(token)) throw new FastimError('LINK_INVALID');
}

export function checkChange(request: ChangeGroupRequest): CheckedChange {
  requireClientMsgId(request.clientMsgId);
  const { userIds, text, number } = request;
  const nothing: CheckedChange = { userIds: [], text: '', number: 0 };
  switch (request.change) {
    case GroupChange.rename:
      return { ...nothing, text: checkName(text) };
    case GroupChange.color:
      return { ...nothing, number: checkColor(number) };
    case GroupChange.announce:
      return { ...nothing, text: checkAnnouncement(text) };
    case GroupChange.invite:
    case GroupChange.remove:
      return { ...nothing, userIds: checkUsers(userIds) };
    case GroupChange.leave:
      return nothing;
    case GroupChange.role:
      if (number !== GroupRole.member && number !== GroupRole.admin) throw invalid('roles to give are 1 and 2');
      return { ...nothing, userIds: checkUsers(userIds), number };
    case GroupChange.transfer: {
      const heirs = checkUsers(userIds);
      if (heirs.length > 1) throw invalid('a group has one owner');
      return { ...nothing, userIds: heirs };
    }
    case GroupChange.mute:
      return { ...nothing, userIds: checkUsers(userIds), number };
    case GroupChange.muteAll:
    case GroupChange.approval:
      return { ...nothing, number: checkSwitch(number) };
    case GroupChange.decide:
      return { ...nothing, userIds: checkUsers(userIds), number: checkSwitch(number) };
    default:
      throw invalid('no such change');
  }
}

export function invalid(message: string): FastimError {
  return new FastimError('GROUP_INVALID', message);
}

function checkAnnouncement(text: string): string {
  if (text.length > MAX_ANNOUNCEMENT) throw invalid(`an announcement is at most ${MAX_ANNOUNCEMENT} units`);
  const trimmed = text.trim();
  if (!trimmed.isWellFormed() || notInAnnouncement.test(trimmed)) throw invalid('the announcement is not a text');
  return nothingVisible.test(trimmed) ? '' : trimmed;
}

function checkSwitch(number: number): number {
  if (number > 1) throw invalid('0 and 1 are off and on');
  return number;
}
