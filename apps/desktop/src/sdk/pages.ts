import { FastimError } from '@fastim/protocol';

export const DEFAULT_PAGE = 50;

/** A number of rows in a page. Throws BAD_REQUEST for anything else. */
export function pageSize(asked: number | undefined): number {
  const size = asked ?? DEFAULT_PAGE;
  if (!Number.isInteger(size) || size < 1 || size > 200) {
    throw new FastimError('BAD_REQUEST', 'a page has 1 to 200 rows');
  }
  return size;
}

/** Pages until there is no next one; empty ones are left out. */
export async function* allPages<Row, Next>(
  read: (after: Next | null) => Promise<{ rows: Row[]; next: Next | null }>,
): AsyncGenerator<Row[], void, undefined> {
  let after: Next | null = null;
  do {
    const page: { rows: Row[]; next: Next | null } = await read(after);
    if (page.rows.length > 0) yield page.rows;
    after = page.next;
  } while (after !== null);
}
