import { storageContract } from '../../storage/contract-suite/storage-contract.ts';
import { MemoryStorage } from './memory-storage.ts';

storageContract('the fake in memory', async () => new MemoryStorage());
