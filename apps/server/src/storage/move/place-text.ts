import type { Place } from './sqlite-source.ts';

/** A place as text that keeps its types, for the note in the database that is moved into. */
export function placeText(place: NonNullable<Place>): string {
  return JSON.stringify(
    place.map((value) => {
      if (value === null) return ['null'];
      if (typeof value === 'bigint') return ['bigint', String(value)];
      return typeof value === 'string' ? ['text', value] : ['bytes', Buffer.from(value).toString('hex')];
    }),
  );
}

export function placeOf(text: string): NonNullable<Place> {
  return (JSON.parse(text) as [string, string][]).map(([type, value]) => {
    if (type === 'null') return null;
    if (type === 'bigint') return BigInt(value);
    return type === 'text' ? value : Buffer.from(value, 'hex');
  });
}
