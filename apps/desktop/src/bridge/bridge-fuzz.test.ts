/** Random, mutated and cut messages over all commands: one answer each, never a crash, nothing outside the schema. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { type BridgeServer, serveBridge } from './bridge-server.ts';
import { type CommandName, commands } from './contract.ts';
import { createMemoryPorts } from './memory-port.ts';
import { createRecordingClient } from './testing/recording-client.ts';
import { sampleParams } from './testing/sample-params.ts';

const commandNames = Object.keys(commands) as CommandName[];
const anyCommand = fc.constantFrom(...commandNames);
const anyJson = fc.jsonValue({ maxDepth: 4 });

function serve() {
  const [ui, engine] = createMemoryPorts();
  const client = createRecordingClient();
  const server: BridgeServer = serveBridge(engine, client);
  const answers: { id: number; result?: unknown; error?: { reason: string } }[] = [];
  ui.onMessage((text) => answers.push(JSON.parse(text)));
  return { ui, client, server, answers };
}

async function ask(text: string) {
  const bridge = serve();
  bridge.ui.send(text);
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
  bridge.server.close();
  return bridge;
}

/** Every way to a leaf or node inside a sample. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, name]))];
}

function replaceAt(value: unknown, [name, ...rest]: readonly string[], next: unknown): unknown {
  if (name === undefined) return next;
  if (Array.isArray(value)) {
    return value.map((inner, index) => (String(index) === name ? replaceAt(inner, rest, next) : inner));
  }
  const record = value as Record<string, unknown>;
  return { ...record, [name]: replaceAt(record[name], rest, next) };
}

describe('the bridge under random input', () => {
  it('any text gets exactly one answer and calls nothing unless it is a request', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.json(),
      anyJson.map((value) => JSON.stringify({ id: 1, command: 'app.open', params: value })),
    );
    await fc.assert(
      fc.asyncProperty(text, async (message) => {
        const { answers, client } = await ask(message);
        expect(answers).toHaveLength(1);
        const accepted = answers[0]?.error === undefined;
        expect(client.calls).toHaveLength(accepted ? 1 : 0);
        if (accepted) expect(JSON.parse(message)).toMatchObject({ command: 'app.open', params: {} });
      }),
      { numRuns: runs(2000) },
    );
  });

  it('any argument to any command either fits its schema as it is or never reaches the client', async () => {
    await fc.assert(
      fc.asyncProperty(anyCommand, anyJson, async (command, params) => {
        const { answers, client } = await ask(JSON.stringify({ id: 1, command, params }));
        expect(answers).toHaveLength(1);
        if (client.calls.length === 0) {
          expect(answers[0]?.error?.reason).toBe('BAD_REQUEST');
        } else {
          const received = client.calls[0]?.params ?? {};
          expect(JSON.parse(JSON.stringify(params))).toEqual(received);
        }
      }),
      { numRuns: runs(3000) },
    );
  });

  it('a right argument with one field more, anywhere in it, is refused', async () => {
    const property = fc.asyncProperty(
      anyCommand,
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 20 }),
      anyJson,
      async (command, pick, name, value) => {
        const sample = sampleParams[command];
        const nodes = pathsOf(sample).filter((path) => {
          const node = path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], sample);
          return kindOf(node) === 'object' && !Object.hasOwn(node as object, name) && !optionalNames.has(name);
        });
        fc.pre(nodes.length > 0);
        const path = nodes[pick % nodes.length] ?? [];
        // Written as text: an object literal would make "__proto__" a prototype instead of a field.
        const node = path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], sample);
        const inner = JSON.stringify(node).slice(1, -1);
        const grown = `{${inner}${inner ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(value)}}`;
        const marked = JSON.stringify({ id: 1, command, params: replaceAt(sample, path, '@@') });
        const { answers, client } = await ask(marked.replace('"@@"', () => grown));
        expect(answers[0]?.error?.reason).toBe('BAD_REQUEST');
        expect(client.calls).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: runs(3000) });
  });

  it('a right argument with one value of another type is refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyCommand, fc.nat(), anyJson, async (command, pick, value) => {
        const sample = sampleParams[command];
        const paths = pathsOf(sample);
        const path = paths[pick % paths.length] ?? [];
        const old = path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], sample);
        fc.pre(kindOf(old) !== kindOf(value) && !mayAlsoBe[`${command} ${path.join('.')}`]?.includes(kindOf(value)));
        const { answers, client } = await ask(
          JSON.stringify({ id: 1, command, params: replaceAt(sample, path, value) }),
        );
        expect(answers[0]?.error?.reason).toBe('BAD_REQUEST');
        expect(client.calls).toEqual([]);
      }),
      { numRuns: runs(3000) },
    );
  });

  it('a right message cut anywhere is refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyCommand, fc.nat(), async (command, at) => {
        const whole = JSON.stringify({ id: 1, command, params: sampleParams[command] });
        const { answers, client } = await ask(whole.slice(0, at % whole.length));
        expect(answers).toEqual([{ id: 0, error: expect.objectContaining({ reason: 'BAD_FRAME' }) }]);
        expect(client.calls).toEqual([]);
      }),
      { numRuns: runs(1000) },
    );
  });
});

/** Fields that are no field too many. */
const optionalNames: ReadonlySet<string> = new Set([
  ...['theme', 'language', 'sendKey', 'key', 'mentions', 'mentionAll', 'replyTo'],
  ...['silentUntilMs', 'pinned', 'archived', 'markedUnread'],
]);

/** Arguments of two types. */
const mayAlsoBe: Readonly<Record<string, readonly string[]>> = {
  'conversations.setOpen conversationId': ['string'],
  'groups.members after': ['null'],
  'messages.readers after': ['null'],
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
