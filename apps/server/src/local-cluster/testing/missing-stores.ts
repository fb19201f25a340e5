import { findPostgres, findRedis } from '../find-binaries.ts';

/** Why no local cluster can run here, for a test that is skipped then; undefined: one can. */
export async function missingStores(): Promise<string | undefined> {
  try {
    findRedis();
    await findPostgres(undefined);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
