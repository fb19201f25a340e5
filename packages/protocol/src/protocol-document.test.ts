import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CloseCode, closeAction, closeRanges } from './close-codes.ts';
import { Command, droppableCommands, GroupChange, NoticeAction, requestCommands } from './commands.ts';
import { type ErrorName, errorCatalogue } from './errors.ts';
import { HEADER_LENGTH } from './header.ts';
import * as limits from './limits.ts';

const root = new URL('../', import.meta.url);
const document = readFileSync(new URL('PROTOCOL.md', root), 'utf8');
const proto = readFileSync(new URL('proto/fastim.proto', root), 'utf8');

/** The rows of the tables in one chapter, without their heads. */
function rows(chapter: string): string[][] {
  const text = document.split(/^## /m).find((part) => part.startsWith(chapter));
  if (text === undefined) throw new Error(`no chapter ${chapter}`);
  return [...text.matchAll(/^\| (.*) \|$/gm)].map((match) => match[1]!.split('|').map((cell) => cell.trim()));
}

describe('PROTOCOL.md', () => {
  it('has the whole error catalogue, word for word', () => {
    const expected = (Object.keys(errorCatalogue) as ErrorName[]).map((name) => {
      const { code, http, fault, retry, text } = errorCatalogue[name];
      return [`${code}`, name, `${http}`, fault, retry, text];
    });
    expect(rows('16.').slice(1)).toEqual(expected);
  });

  it('has all close codes with what to do', () => {
    const codes = rows('17.').filter(([first]) => /^\d+$/.test(first!));
    expect(codes.map(([code, name, action]) => [code, name, action])).toEqual(
      Object.entries(CloseCode).map(([name, code]) => [`${code}`, name, closeAction(code)]),
    );
    const ranges = rows('17.').filter(([first]) => first!.includes('–'));
    expect(ranges.map(([range, action]) => [range, action])).toEqual(
      closeRanges.map(({ from, to, action }) => [`${from}–${to}`, action]),
    );
  });

  it('has all commands, requests with their answer, and messages that exist', () => {
    const commands = rows('5.').slice(1);
    expect(commands.map(([cmd, name]) => [cmd, name])).toEqual(
      Object.entries(Command).map(([name, cmd]) => [`${cmd}`, name]),
    );
    for (const [cmd, , direction, data, answer] of commands) {
      expect(direction === 'client request').toBe(requestCommands.has(Number(cmd)));
      expect(proto).toContain(`message ${data} {`);
      if (direction === 'client request') expect(proto).toContain(`message ${answer} {`);
    }
  });

  it('has the limits and the header as they are', () => {
    const values = rows('18.').map((row) => Number(/^[\d,]+/.exec(row[1]!)?.[0].replaceAll(',', '')));
    expect(values.slice(1)).toEqual([
      limits.MAX_DATA_BEFORE_LOGIN,
      limits.MAX_DATA_AFTER_LOGIN,
      limits.MAX_WEBSOCKET_MESSAGE,
      limits.MAX_TEXT_LENGTH,
      limits.CLIENT_MSG_ID_LENGTH,
      limits.MAX_REPEATED,
      limits.MAX_SYNC_PAGE,
      limits.MAX_HISTORY_PAGE,
      limits.MAX_GROUP_NAME,
      limits.MAX_ANNOUNCEMENT,
      limits.AVATAR_COLORS,
      limits.MAX_USERS_A_CHANGE,
      limits.MAX_MENTIONS,
      limits.MAX_EMOJI,
      limits.MAX_EMOJIS_A_MESSAGE,
      limits.REACTION_USERS_NAMED,
      limits.MAX_MEMBERS_PAGE,
      limits.MAX_READ_COUNTS,
      limits.MAX_DRAFT,
      limits.MAX_PAGE_ASKED,
      limits.SMALL_GROUP,
    ]);
    expect(values.slice(1)).toHaveLength(Object.keys(limits).length);
    const bytes = rows('2.')
      .slice(1)
      .map((row) => Number(row[1]));
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBe(HEADER_LENGTH);
  });

  it('has every change of a group, and the numbers of notices that are no change', () => {
    const changes = rows('11.').filter(([first]) => /^\d+ /.test(first!));
    expect(changes.map(([change]) => Number.parseInt(change!, 10))).toEqual(Object.values(GroupChange));
    for (const action of Object.values(NoticeAction)) {
      if (!(Object.values(GroupChange) as number[]).includes(action)) expect(document).toContain(`${action} `);
    }
  });

  it('says what droppable notifications there are, and refers to chapters that exist', () => {
    const named = /^([A-Z_]+), ([A-Z_]+) and ([A-Z_]+) may be dropped/m.exec(document)!.slice(1);
    const byName = new Map(Object.entries(Command).map(([name, cmd]) => [name.toLowerCase(), cmd]));
    expect(named.map((name) => byName.get(name.replaceAll('_', '').toLowerCase()))).toEqual([...droppableCommands]);
    const chapters = [...document.matchAll(/^## (\d+)\. /gm)].map((match) => Number(match[1]));
    for (const [, section] of document.matchAll(/sections?\s+(\d+)/g)) expect(chapters).toContain(Number(section));
  });

  it('has links and chapters that lead somewhere', () => {
    const chapters = [...document.matchAll(/^## (\d+)\. (.*)$/gm)].map((match) => match[2]);
    const linked = [...document.matchAll(/^\d+\. \[(.*)\]\(#.*\)$/gm)].map((match) => match[1]);
    expect(linked).toEqual(chapters);
  });
});
