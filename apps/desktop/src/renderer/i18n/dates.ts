/** Days and times as lists show them. Everything is in the zone of the device. */
import type { IntlShape } from 'react-intl';
import type { Text } from './use-text.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** The local day as a number that rises by one a day. */
export function dayNumber(timeMs: number): number {
  const date = new Date(timeMs);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayMs);
}

export function clockTime(intl: IntlShape, timeMs: number): string {
  return intl.formatDate(timeMs, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** For a tooltip: the exact moment. */
export function exactTime(intl: IntlShape, timeMs: number): string {
  return intl.formatDate(timeMs, { dateStyle: 'full', timeStyle: 'medium' });
}

/** A row of the conversation list: today 14:05, Yesterday, Tuesday, 3 May, 3/5/2025. */
export function listTime(intl: IntlShape, text: Text, timeMs: number, nowMs: number): string {
  const days = dayNumber(nowMs) - dayNumber(timeMs);
  if (days <= 0) return clockTime(intl, timeMs);
  if (days === 1) return text('chats.yesterday');
  if (days < 7) return intl.formatDate(timeMs, { weekday: 'short' });
  if (new Date(timeMs).getFullYear() === new Date(nowMs).getFullYear()) {
    return intl.formatDate(timeMs, { month: 'short', day: 'numeric' });
  }
  return intl.formatDate(timeMs, { year: 'numeric', month: 'numeric', day: 'numeric' });
}

/** A separator between days: Today, Yesterday, Tuesday 3 May, 3 May 2025. */
export function dayTitle(intl: IntlShape, text: Text, timeMs: number, nowMs: number): string {
  const days = dayNumber(nowMs) - dayNumber(timeMs);
  if (days <= 0) return text('chats.today');
  if (days === 1) return text('chats.yesterday');
  const sameYear = new Date(timeMs).getFullYear() === new Date(nowMs).getFullYear();
  return intl.formatDate(
    timeMs,
    sameYear ? { weekday: 'long', month: 'long', day: 'numeric' } : { year: 'numeric', month: 'long', day: 'numeric' },
  );
}
