import { afterAll } from 'vitest';
import { storageContract } from '../contract-suite/storage-contract.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

storageContract('SQLite', () => folders.open());
