import { accountAndMessages } from './0001-account-and-messages.ts';

/** In order; the number of those that ran is the database's `user_version`. Forward only. */
export const migrations: readonly string[] = [accountAndMessages];
