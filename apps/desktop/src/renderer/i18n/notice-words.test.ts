import { createIntl } from 'react-intl';
import { describe, expect, test } from 'vitest';
import type { NameView, NoticeView } from '../../bridge/contract.ts';
import { forever } from './forever.ts';
import { catalogues, type Language } from './language.ts';
import { noticeWords } from './notice-words.ts';
import type { Text } from './use-text.ts';

const at = new Date(2026, 9, 15, 15, 0).getTime();
const alice: NameView = { userId: '2', name: 'Alice' };
const bob: NameView = { userId: '3', name: 'Bob' };
const me: NameView = { userId: '1', name: 'Lena' };

function words(patch: Partial<NoticeView> & Pick<NoticeView, 'kind'>, language: Language = 'en'): string {
  const intl = createIntl({ locale: language, messages: { ...catalogues[language] } });
  const text: Text = (id, values) => intl.formatMessage({ id }, values);
  const actor = patch.actor ?? alice;
  const notice: NoticeView = {
    actor,
    actorIsMe: actor.userId === '1',
    users: [],
    meAmong: false,
    text: '',
    number: 0,
    ...patch,
  };
  return noticeWords(intl, text, notice, '1', at);
}

describe('what was done to a group, in words', () => {
  test.each<[Partial<NoticeView> & Pick<NoticeView, 'kind'>, string]>([
    [{ kind: 'created', actor: me }, 'You created the group'],
    [{ kind: 'renamed', text: 'Tea' }, 'Alice renamed the group to “Tea”'],
    [{ kind: 'announced', text: 'At\nfive' }, 'Alice changed the announcement: At five'],
    [{ kind: 'announced', text: ' ' }, 'Alice removed the announcement'],
    [{ kind: 'invited', users: [bob, me], meAmong: true }, 'Alice added you and Bob'],
    [{ kind: 'removed', users: [bob], actor: me }, 'You removed Bob'],
    [{ kind: 'left' }, 'Alice left the group'],
    [{ kind: 'role', users: [bob], number: 2 }, 'Alice made Bob an admin'],
    [{ kind: 'role', users: [bob], number: 1 }, 'Alice removed Bob as admin'],
    [{ kind: 'transferred', users: [me] }, 'Alice made you the owner'],
    [{ kind: 'muted', users: [bob], number: at + 3_600_000 }, 'Alice muted Bob until 16:00'],
    [{ kind: 'muted', users: [bob], number: at + 24 * 3_600_000 }, 'Alice muted Bob until Oct 16, 15:00'],
    [{ kind: 'muted', users: [bob], number: forever }, 'Alice muted Bob'],
    [{ kind: 'muted', users: [me], number: 0 }, 'Alice unmuted you'],
    [{ kind: 'all-muted', number: 1 }, 'Alice allowed only admins to write'],
    [{ kind: 'all-muted', number: 0 }, 'Alice allowed everybody to write again'],
    [{ kind: 'approval', number: 1 }, 'Alice turned on approval for new members'],
    [{ kind: 'approved', users: [bob] }, 'Alice approved Bob'],
    [{ kind: 'joined' }, 'Alice joined by an invite link'],
    [{ kind: 'other' }, 'The group was changed'],
  ])('%j', (notice, expected) => {
    expect(words(notice)).toBe(expected);
  });

  test('of many people only the first are named', () => {
    const users = Array.from({ length: 40 }, (_, index) => ({ userId: String(10 + index), name: `N${index}` }));
    expect(words({ kind: 'invited', users })).toBe('Alice added N0, N1, N2, and 37 more');
    expect(words({ kind: 'invited', users }, 'zh-CN')).toBe('Alice邀请N0、N1、N2和另外 37 人加入了群');
    expect(words({ kind: 'invited', users: users.slice(0, 4) })).toBe('Alice added N0, N1, N2, and N3');
  });

  test('I am named first, also among many', () => {
    const users = [...Array.from({ length: 9 }, (_, index) => ({ userId: String(20 + index), name: `N${index}` })), me];
    expect(words({ kind: 'invited', users, meAmong: true }, 'zh-CN')).toBe('Alice邀请你、N0、N1和另外 7 人加入了群');
  });
});
