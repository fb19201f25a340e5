import { readFileSync } from 'node:fs';
import { clientSessionTable, serverSessionTable } from '@fastim/core';
import { describe, expect, it } from 'vitest';
import { documentPath, drawStateTables } from './draw-state-tables.ts';

describe('docs/session-states.md', () => {
  it('is what the script draws from the tables', () => {
    expect(readFileSync(documentPath, 'utf8')).toBe(drawStateTables());
  });

  it('names every state and every transition', () => {
    const document = drawStateTables();
    for (const table of [clientSessionTable, serverSessionTable]) {
      for (const [state, events] of Object.entries(table)) {
        for (const [event, next] of Object.entries(events)) {
          expect(document).toContain(`| ${state} | ${event} | ${String(next)} |`);
        }
      }
    }
    expect(
      document.match(/^```mermaid\nstateDiagram-v2\n {2}\[\*\] --> \w+\n( {2}\w+ --> \w+: [\w, ]+\n)+```$/gm),
    ).toHaveLength(2);
  });
});
