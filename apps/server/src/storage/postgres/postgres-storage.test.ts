import { afterAll, beforeAll, describe } from 'vitest';
import { storageContract } from '../contract-suite/storage-contract.ts';
import { postgresMissing, TestStorages } from './testing/test-storages.ts';

const missing = await postgresMissing();
const storages = new TestStorages();
beforeAll(() => storages.start());
afterAll(() => storages.remove());

describe.skipIf(missing)('with PostgreSQL', () => {
  storageContract('PostgreSQL', () => storages.open());
});
