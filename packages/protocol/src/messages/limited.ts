import { RemoteProtocolError } from '../errors.ts';
import { MAX_REPEATED } from '../limits.ts';

/** Throws for a list over the limit: a small frame must not become a large amount of work. */
export function limited<T>(list: readonly T[] | null | undefined): readonly T[] {
  if (list && list.length > MAX_REPEATED) throw new RemoteProtocolError('BAD_REQUEST', 'too many repeated values');
  return list ?? [];
}
