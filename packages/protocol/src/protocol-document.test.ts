import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CloseCode, closeAction, closeRanges } from './close-codes.ts';
import { Command, requestCommands } from './commands.ts';
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
    expect(rows('10.').slice(1)).toEqual(expected);
  });

  it('has all close codes with what to do', () => {
    const codes = rows('11.').filter(([first]) => /^\d+$/.test(first!));
    expect(codes.map(([code, name, action]) => [code, name, action])).toEqual(
      Object.entries(CloseCode).map(([name, code]) => [`${code}`, name, closeAction(code)]),
    );
    const ranges = rows('11.').filter(([first]) => first!.includes('–'));
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
    const values = rows('12.').map((row) => Number(/^[\d,]+/.exec(row[1]!)?.[0].replaceAll(',', '')));
    expect(values.slice(1)).toEqual([
      limits.MAX_DATA_BEFORE_LOGIN,
      limits.MAX_DATA_AFTER_LOGIN,
      limits.MAX_WEBSOCKET_MESSAGE,
      limits.MAX_TEXT_LENGTH,
      limits.CLIENT_MSG_ID_LENGTH,
      limits.MAX_REPEATED,
      limits.MAX_SYNC_PAGE,
      limits.MAX_HISTORY_PAGE,
    ]);
    const bytes = rows('2.')
      .slice(1)
      .map((row) => Number(row[1]));
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBe(HEADER_LENGTH);
  });

  it('has links and chapters that lead somewhere', () => {
    const chapters = [...document.matchAll(/^## (\d+)\. (.*)$/gm)].map((match) => match[2]);
    const linked = [...document.matchAll(/^\d+\. \[(.*)\]\(#.*\)$/gm)].map((match) => match[1]);
    expect(linked).toEqual(chapters);
  });
});
