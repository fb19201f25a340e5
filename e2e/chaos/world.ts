/** One installation of the app: a user's, with a store of its own. */
export interface DeviceSpec {
  readonly index: number;
  readonly user: number;
}

export interface ConversationSpec {
  readonly index: number;
  readonly kind: 'direct' | 'group';
  /** Users; the first one makes it. */
  readonly members: readonly number[];
  /** How much is written there, in relation. */
  readonly weight: number;
}

export interface World {
  readonly users: number;
  readonly devices: readonly DeviceSpec[];
  readonly conversations: readonly ConversationSpec[];
}

const SMALL_GROUP = 6;

/** Every second user has two devices. Everybody has two direct conversations, one or two small groups, and one with all. */
export function makeWorld(clients: number): World {
  const users = Math.max(3, Math.ceil((clients * 2) / 3));
  const devices = Array.from({ length: Math.max(clients, users) }, (_, index) => ({
    index,
    user: index < users ? index : ((index - users) * 2) % users,
  }));
  const conversations: ConversationSpec[] = [];
  const add = (kind: 'direct' | 'group', members: readonly number[], weight: number) => {
    conversations.push({ index: conversations.length, kind, members, weight });
  };
  for (let user = 0; user < users; user += 1) add('direct', [user, (user + 1) % users], 6);
  const size = Math.min(SMALL_GROUP, users);
  for (let first = 0; first < users; first += size - 1) {
    add(
      'group',
      Array.from({ length: size }, (_, offset) => (first + offset) % users),
      6,
    );
  }
  add(
    'group',
    Array.from({ length: users }, (_, user) => user),
    4,
  );
  return { users, devices, conversations };
}

export function userName(run: string, user: number): string {
  return `chaos_${run}_${user}`;
}

export function password(run: string, user: number): string {
  return `correct horse ${run} ${user}`;
}
