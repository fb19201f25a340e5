import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { StopStack } from './stop-stack.ts';

describe('the stop stack', () => {
  it('stops in reverse, each part once, and a part that fails keeps no other from stopping', async () => {
    const stopped: string[] = [];
    const lines: string[] = [];
    const stack = new StopStack(pino({ level: 'error' }, { write: (line) => lines.push(line) }));
    stack.add('first', () => {
      stopped.push('first');
    });
    stack.add('second', async () => {
      stopped.push('second');
      throw new Error('cannot stop');
    });
    stack.add('third', async () => {
      await Promise.resolve();
      stopped.push('third');
    });
    await Promise.all([stack.run(), stack.run()]);
    await stack.run();
    expect(stopped).toEqual(['third', 'second', 'first']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"stopping":"second"');
  });
});
