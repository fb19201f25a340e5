// Draws the session tables of core as diagrams: node --conditions=fastim-source scripts/draw-state-tables.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientSessionTable, type StateTable, serverSessionTable } from '@fastim/core';

export const documentPath = fileURLToPath(new URL('../docs/session-states.md', import.meta.url));

/** The whole document. */
export function drawStateTables(): string {
  return [
    '# Session states',
    '',
    'Drawn from the tables in `packages/core/src/session/`; do not edit by hand. After a change of a table run',
    '`node --conditions=fastim-source scripts/draw-state-tables.ts` (a test fails until that is done).',
    'What is not in a table does not happen: the event is dropped.',
    '',
    '## The client',
    '',
    'From every state `stop` leads to `stopped` (left out of the diagram). All states but `stopped` and `ended` lead back',
    'to `online` without the user.',
    '',
    ...diagram(clientSessionTable, 'stopped', ['stop']),
    '',
    ...table(clientSessionTable),
    '',
    '## One connection at a gate',
    '',
    'From every state `gone` (the socket is gone) leads to `closed` (left out of the diagram).',
    '',
    ...diagram(serverSessionTable, 'accepted', ['gone']),
    '',
    ...table(serverSessionTable),
    '',
  ].join('\n');
}

type AnyTable = StateTable<string, string>;

function transitions(states: AnyTable): Array<{ from: string; event: string; to: string }> {
  return Object.entries(states).flatMap(([from, events]) =>
    Object.entries(events).flatMap(([event, to]) => (to === undefined ? [] : [{ from, event, to }])),
  );
}

/** One arrow for all events between the same two states. */
function diagram(states: AnyTable, start: string, leftOut: readonly string[]): string[] {
  const arrows = Map.groupBy(
    transitions(states).filter(({ event }) => !leftOut.includes(event)),
    ({ from, to }) => `${from} --> ${to}`,
  );
  const lines = [...arrows].map(([arrow, events]) => `  ${arrow}: ${events.map(({ event }) => event).join(', ')}`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${start}`, ...lines, '```'];
}

function table(states: AnyTable): string[] {
  const rows = transitions(states).map(({ from, event, to }) => `| ${from} | ${event} | ${to} |`);
  return ['| state | event | next state |', '|---|---|---|', ...rows];
}

if (import.meta.main) writeFileSync(documentPath, drawStateTables());
