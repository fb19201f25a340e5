import { describe, expect, it } from 'vitest';
import { Command, commandName, droppableCommands, requestCommands } from './commands.ts';

describe('commands', () => {
  it('have different numbers that fit the header', () => {
    const numbers = Object.values(Command);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.every((cmd) => cmd >= 1 && cmd <= 95)).toBe(true);
  });

  it('have names, and one name for all unknown numbers', () => {
    expect(commandName(Command.send)).toBe('send');
    expect([commandName(0), commandName(255)]).toEqual(['unknown', 'unknown']);
  });

  it('are requests or notifications', () => {
    const notifications = Object.values(Command).filter((cmd) => !requestCommands.has(cmd));
    expect(notifications.map(commandName)).toEqual([
      'goodbye',
      'reconnect',
      'messages',
      'cursors',
      'heads',
      'typingPush',
      'presencePush',
      'readersPush',
      'settingsPush',
    ]);
  });

  it('may be dropped only where nobody waits for them', () => {
    for (const cmd of droppableCommands) expect([commandName(cmd), requestCommands.has(cmd)]).toContain(false);
    expect(droppableCommands.has(Command.heads)).toBe(false);
    expect(droppableCommands.has(Command.settingsPush)).toBe(false);
  });
});
