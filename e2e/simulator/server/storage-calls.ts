import type { Storage } from '../../../apps/server/src/storage/storage.ts';

export type StoreName = 'messages' | 'conversations' | 'groups' | 'users' | 'sessions';
export type Stores = Pick<Storage, StoreName>;

/** One call of a storage contract, as data. */
export interface StorageCall {
  readonly store: StoreName;
  readonly method: string;
  readonly args: readonly unknown[];
}

type Methods = { readonly [S in StoreName]: ReadonlyArray<keyof Stores[S] & string> };

/** Calls that change something: they go through the log, and are answered when they are synced. */
export const writes: Methods = {
  messages: ['append'],
  conversations: ['openDirect', 'raiseCursors', 'changeSettings'],
  groups: ['create', 'change', 'joinByLink', 'makeLink', 'revokeLink'],
  users: ['create', 'setShowOnline', 'setPasswordHash'],
  sessions: ['create', 'rotate', 'end', 'touch'],
};

export const reads: Methods = {
  messages: ['history', 'seqAt'],
  conversations: ['membership', 'directMembers', 'groupIdsOf', 'syncPage', 'mark', 'states', 'hidden'],
  groups: ['members', 'readCounts', 'readers', 'links', 'lookAtLink', 'pendingJoins'],
  users: ['byUsernameKey', 'byIds', 'search'],
  sessions: ['byAccessHash', 'byId', 'ofUser'],
};

const storeNames = Object.keys(writes) as StoreName[];

const writeNames = new Set(storeNames.flatMap((store) => writes[store].map((method) => `${store}.${method}`)));

export function isWrite({ store, method }: StorageCall): boolean {
  return writeNames.has(`${store}.${method}`);
}

/** Runs the call on a real implementation of the contract. */
export function perform(stores: Stores, { store, method, args }: StorageCall): Promise<unknown> {
  const target = stores[store] as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
  return target[method]!(...args);
}

/** The contracts, each call handed to `call`. */
export function storesOver(call: (call: StorageCall) => Promise<unknown>): Stores {
  const made: Partial<Record<StoreName, Record<string, unknown>>> = {};
  for (const store of storeNames) {
    const methods: Record<string, unknown> = {};
    for (const method of [...writes[store], ...reads[store]]) {
      methods[method] = (...args: unknown[]) => call({ store, method, args });
    }
    made[store] = methods;
  }
  return made as unknown as Stores;
}
