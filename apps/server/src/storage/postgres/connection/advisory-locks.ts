/** 'FIM1': the first of the two numbers of every advisory lock of ours. */
export const LOCK_CLASS = 0x46494d31;

/** While the format is looked at and changed. */
export const MIGRATION_LOCK = `${LOCK_CLASS}, -1`;

/**
 * A node number: shared by the transactions that write ids made under it, alone by the one that gives it to another
 * holder. So when that one has committed, nothing of the holder before is still on its way.
 */
export function numberLock(number: string): string {
  return `${LOCK_CLASS}, ${number}`;
}
