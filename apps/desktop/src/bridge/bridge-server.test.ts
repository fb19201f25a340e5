import { FastimError } from '@fastim/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ClientApi } from '../engine/client-api.ts';
import { DEFAULT_MAX_IN_FLIGHT, MAX_UNREADABLE_IN_A_ROW, serveBridge } from './bridge-server.ts';
import { type CommandName, commands, MAX_BRIDGE_MESSAGE } from './contract.ts';
import { createMemoryPorts } from './memory-port.ts';
import { createRecordingClient, sampleConversation } from './testing/recording-client.ts';
import { sampleParams } from './testing/sample-params.ts';

interface Answer {
  id?: number;
  result?: unknown;
  error?: { reason: string; message: string; retryAfterMs: number };
  event?: string;
  payload?: unknown;
}

function serve(options: { maxInFlight?: number } = {}) {
  const [ui, engine] = createMemoryPorts();
  const client = createRecordingClient();
  const logger = { warn: vi.fn(), error: vi.fn() };
  const server = serveBridge(engine, client, { logger, ...options });
  const answers: Answer[] = [];
  let closed = false;
  ui.onMessage((text) => answers.push(JSON.parse(text)));
  ui.onClose(() => {
    closed = true;
  });
  return { ui, client, logger, server, answers, isClosed: () => closed };
}

/** Lets everything that is ready happen: the ports and the recording client need no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

const commandNames = Object.keys(commands) as CommandName[];

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the bridge server', () => {
  it.each(commandNames)('hands %s with its checked argument to the client and answers once', async (command) => {
    const { ui, client, answers } = serve();
    ui.send(JSON.stringify({ id: 5, command, params: sampleParams[command] }));
    await settle();
    expect(client.calls).toHaveLength(1);
    const takesNothing = Object.keys(sampleParams[command]).length === 0;
    expect(client.calls[0]?.params).toEqual(takesNothing ? undefined : sampleParams[command]);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.id).toBe(5);
    expect(answers[0]?.result).not.toBeUndefined();
  });

  it('reaches every method of the client, but for the life cycle, which belongs to the host', async () => {
    const { ui, client } = serve();
    commandNames.forEach((command, index) => {
      ui.send(JSON.stringify({ id: index + 1, command, params: sampleParams[command] }));
    });
    await settle();
    const reached = new Set(client.calls.map((call) => call.method));
    const methods = Object.entries(client)
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => name)
      .filter((name) => !['start', 'stop', 'on', 'emit', 'behave'].includes(name));
    expect([...reached].sort()).toEqual(methods.sort());
  });

  it.each([
    { type: 'rename', name: 'Hikers 登山' },
    { type: 'color', avatarColor: 11 },
    { type: 'announce', text: '' },
    { type: 'invite', userIds: ['7'] },
    { type: 'remove', userIds: ['7', '8'] },
    { type: 'leave' },
    { type: 'role', userId: '7', role: 'member' },
    { type: 'transfer', userId: '7' },
    { type: 'mute', userIds: ['7'], untilMs: 1_800_000_000_000 },
    { type: 'muteAll', on: true },
    { type: 'approval', on: false },
    { type: 'decide', userIds: ['7'], approve: true },
  ])('takes the change $type of a group, with all it needs and nothing else', async (change) => {
    const { ui, client, answers } = serve();
    const ask = (id: number, asked: object) =>
      ui.send(JSON.stringify({ id, command: 'groups.change', params: { conversationId: '41', change: asked } }));
    ask(1, change);
    ask(2, { ...change, more: 1 });
    const needs = Object.keys(change).at(-1) ?? '';
    ask(3, Object.fromEntries(Object.entries(change).filter(([name]) => name !== needs)));
    ask(4, { ...change, type: 'dissolve' });
    await settle();
    expect(client.calls).toEqual([{ method: 'changeGroup', params: { conversationId: '41', change } }]);
    const reasons = answers.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0)).map(({ error }) => error?.reason);
    expect(reasons).toEqual([undefined, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST']);
  });

  it('answers null where the client answers nothing, so that the answer survives JSON', async () => {
    const { ui, answers } = serve();
    ui.send(JSON.stringify({ id: 1, command: 'account.logOut', params: {} }));
    await settle();
    expect(answers).toEqual([{ id: 1, result: null }]);
  });

  it('passes an error of the catalogue on with its name and delay', async () => {
    const { ui, client, answers, logger } = serve();
    client.behave('logIn', () => {
      throw new FastimError('TOO_MANY_ATTEMPTS', 'slow down', { retryAfterMs: 4000 });
    });
    ui.send(JSON.stringify({ id: 1, command: 'account.logIn', params: sampleParams['account.logIn'] }));
    await settle();
    expect(answers).toEqual([
      { id: 1, error: { reason: 'TOO_MANY_ATTEMPTS', message: 'slow down', retryAfterMs: 4000 } },
    ]);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it('answers INTERNAL and logs when the engine fails otherwise, even at once', async () => {
    const { ui, client, answers, logger } = serve();
    const failing = client as { -readonly [M in keyof ClientApi]: ClientApi[M] };
    failing.listConversations = () => {
      throw new TypeError('a bug');
    };
    ui.send(JSON.stringify({ id: 1, command: 'conversations.list', params: {} }));
    await settle();
    expect(answers[0]?.error?.reason).toBe('INTERNAL');
    expect(logger.error).toHaveBeenCalledTimes(1);
  });

  it('answers INTERNAL when the engine answers something that is not JSON', async () => {
    const { ui, client, answers, logger } = serve();
    client.behave('searchUsers', () => [{ userId: 7n }]);
    ui.send(JSON.stringify({ id: 1, command: 'users.search', params: { query: 'a' } }));
    await settle();
    expect(answers[0]?.error?.reason).toBe('INTERNAL');
    expect(logger.error).toHaveBeenCalledTimes(1);
  });

  it('sends every event of the client to every UI that is served', async () => {
    const client = createRecordingClient();
    const heard: string[][] = [[], []];
    for (const own of heard) {
      const [ui, engine] = createMemoryPorts();
      serveBridge(engine, client);
      ui.onMessage((text) => own.push((JSON.parse(text) as { event: string }).event));
    }
    client.emit('connection', { state: 'online' });
    client.emit('account', null);
    client.emit('settings', { theme: 'dark', language: 'en', sendKey: 'enter' });
    client.emit('conversations', [sampleConversation]);
    client.emit('messages', { conversationId: '41', changed: [], removed: [] });
    client.emit('typing', { conversationId: '41', names: ['Bob'] });
    client.emit('presence', [{ userId: '7', state: 'online', lastSeenMs: 0 }]);
    client.emit('readers', { conversationId: '41' });
    await settle();
    const events = ['connection', 'account', 'settings', 'conversations', 'messages', 'typing', 'presence', 'readers'];
    expect(heard[0]).toEqual(events);
    expect(heard[1]).toEqual(heard[0]);
  });

  it('calls the client in the order in which the requests came', async () => {
    const { ui, client } = serve();
    for (let index = 0; index < 30; index++) {
      ui.send(JSON.stringify({ id: index + 1, command: 'users.search', params: { query: String(index) } }));
    }
    await settle();
    const queries = client.calls.map((call) => (call.params as { query: string }).query);
    expect(queries).toEqual(Array.from({ length: 30 }, (_, index) => String(index)));
  });

  it('bounds the requests at work and takes new ones when some are done', async () => {
    const { ui, client, answers } = serve({ maxInFlight: 2 });
    let release = (_users: unknown): void => undefined;
    const gate = new Promise((resolve) => {
      release = resolve;
    });
    client.behave('searchUsers', () => gate);
    for (const id of [1, 2, 3]) ui.send(JSON.stringify({ id, command: 'users.search', params: { query: 'a' } }));
    await settle();
    expect(client.calls).toHaveLength(2);
    expect(answers).toEqual([
      { id: 3, error: { reason: 'OVERLOADED', message: expect.any(String), retryAfterMs: expect.any(Number) } },
    ]);
    release([]);
    await settle();
    ui.send(JSON.stringify({ id: 4, command: 'app.open', params: {} }));
    await settle();
    expect(answers.map((answer) => answer.id)).toEqual([3, 1, 2, 4]);
    expect(DEFAULT_MAX_IN_FLIGHT).toBeGreaterThan(32);
  });

  it('refuses an id that is still at work without disturbing that request', async () => {
    const { ui, client, answers } = serve();
    let release = (_users: unknown): void => undefined;
    client.behave(
      'searchUsers',
      () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    );
    ui.send(JSON.stringify({ id: 1, command: 'users.search', params: { query: 'a' } }));
    ui.send(JSON.stringify({ id: 1, command: 'account.logOut', params: {} }));
    ui.send(JSON.stringify({ id: 1, command: 'no.such', params: {} }));
    await settle();
    expect(answers.map((answer) => [answer.id, answer.error?.reason])).toEqual([
      [0, 'DUP_SEQ'],
      [0, 'UNKNOWN_CMD'],
    ]);
    release([]);
    await settle();
    expect(answers[2]).toEqual({ id: 1, result: [] });
    expect(client.calls.map((call) => call.method)).toEqual(['searchUsers']);
  });

  it('ends its subscriptions when either side closes, closes once, and says nothing after that', async () => {
    const first = serve();
    expect(first.client.subscriptions).toBe(8);
    first.ui.close();
    await settle();
    expect(first.client.subscriptions).toBe(0);

    const second = serve();
    second.client.behave('searchUsers', () => new Promise((resolve) => setTimeout(resolve, 0, [])));
    second.ui.send(JSON.stringify({ id: 1, command: 'users.search', params: { query: 'a' } }));
    await settle();
    second.server.close();
    second.server.close();
    second.server.announce('show', { conversationId: '41' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(second.client.subscriptions).toBe(0);
    expect(second.isClosed()).toBe(true);
    expect(second.answers).toEqual([]);
  });

  it('tells this UI alone what the shell announces', async () => {
    const one = serve();
    const two = serve();
    one.server.announce('show', { conversationId: '41' });
    await settle();
    expect(one.answers).toEqual([{ event: 'show', payload: { conversationId: '41' } }]);
    expect(two.answers).toEqual([]);
  });

  it('closes, and does not throw at the engine, when the port cannot send', async () => {
    const client = createRecordingClient();
    const logger = { warn: vi.fn(), error: vi.fn() };
    const close = vi.fn();
    const send = () => {
      throw new Error('gone');
    };
    serveBridge({ send, onMessage: () => undefined, onClose: () => undefined, close }, client, { logger });
    expect(() => client.emit('account', null)).not.toThrow();
    expect(close).toHaveBeenCalledTimes(1);
    expect(client.subscriptions).toBe(0);
    expect(logger.warn).toHaveBeenCalled();
  });
});

describe('bad input 57: what is no request', () => {
  const request = { id: 9, command: 'users.search', params: { query: 'a' } };
  const cases: [name: string, text: string, id: number, reason: string][] = [
    ['no JSON', '{"id":1,', 0, 'BAD_FRAME'],
    ['empty', '', 0, 'BAD_FRAME'],
    ['null', 'null', 0, 'BAD_FRAME'],
    ['an array', '[1,"users.search",{}]', 0, 'BAD_FRAME'],
    ['no id', '{"command":"app.open","params":{}}', 0, 'BAD_FRAME'],
    ['id 0', JSON.stringify({ ...request, id: 0 }), 0, 'BAD_FRAME'],
    ['a fraction as id', JSON.stringify({ ...request, id: 1.5 }), 0, 'BAD_FRAME'],
    ['an id past the safe integers', '{"id":9007199254740993,"command":"app.open","params":{}}', 0, 'BAD_FRAME'],
    ['an id that is a string', JSON.stringify({ ...request, id: '1' }), 0, 'BAD_FRAME'],
    ['an extra field in the envelope', JSON.stringify({ ...request, channel: 'x' }), 9, 'BAD_FRAME'],
    ['an unknown command', JSON.stringify({ ...request, command: 'files.read' }), 9, 'UNKNOWN_CMD'],
    ['a name of Object.prototype', JSON.stringify({ ...request, command: 'constructor' }), 9, 'UNKNOWN_CMD'],
    ['__proto__ as a command', JSON.stringify({ ...request, command: '__proto__' }), 9, 'UNKNOWN_CMD'],
    ['a method of the client', JSON.stringify({ ...request, command: 'stop' }), 9, 'UNKNOWN_CMD'],
    ['a long command', JSON.stringify({ ...request, command: 'a'.repeat(65) }), 9, 'BAD_FRAME'],
    ['a command that is no string', JSON.stringify({ ...request, command: { toString: 1 } }), 9, 'BAD_FRAME'],
    ['no params', '{"id":9,"command":"app.open"}', 9, 'BAD_FRAME'],
    ['an extra field', JSON.stringify({ ...request, params: { query: 'a', sql: "'" } }), 9, 'BAD_REQUEST'],
    [
      'an extra field for a command that takes none',
      '{"id":9,"command":"app.open","params":{"a":1}}',
      9,
      'BAD_REQUEST',
    ],
    [
      '__proto__ as a field',
      '{"id":9,"command":"users.search","params":{"query":"a","__proto__":{"x":1}}}',
      9,
      'BAD_REQUEST',
    ],
    ['params as an array', JSON.stringify({ ...request, params: ['a'] }), 9, 'BAD_REQUEST'],
    ['a missing field', JSON.stringify({ ...request, params: {} }), 9, 'BAD_REQUEST'],
    ['another type', JSON.stringify({ ...request, params: { query: 1 } }), 9, 'BAD_REQUEST'],
    ['a field that is too long', JSON.stringify({ ...request, params: { query: 'a'.repeat(129) } }), 9, 'BAD_REQUEST'],
    [
      'nesting 100,000 deep',
      `{"id":9,"command":"users.search","params":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      9,
      'BAD_REQUEST',
    ],
  ];

  it.each(cases)('%s is refused, named, and the port lives on', async (_name, text, id, reason) => {
    const { ui, client, answers } = serve();
    ui.send(text);
    ui.send(JSON.stringify({ id: 10, command: 'app.open', params: {} }));
    await settle();
    expect(answers).toHaveLength(2);
    expect(answers[0]).toEqual({ id, error: { reason, message: expect.any(String), retryAfterMs: 0 } });
    expect(answers[1]?.result).toBeDefined();
    expect(client.calls.map((call) => call.method)).toEqual(['app']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('a message of 100 MB, or one byte over the limit, is refused without being parsed', async () => {
    const { ui, client, answers } = serve();
    const parse = vi.spyOn(JSON, 'parse');
    const parsed: string[] = [];
    ui.onMessage((text) => parsed.push(text));
    ui.send('x'.repeat(100 * 1024 * 1024));
    ui.send('x'.repeat(MAX_BRIDGE_MESSAGE + 1));
    // Three bytes a character: under the limit by length, over it by bytes.
    ui.send('界'.repeat(MAX_BRIDGE_MESSAGE / 3 + 1));
    await settle();
    expect(parse).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    expect(parsed.map((text) => JSON.parse(text).error.reason)).toEqual(Array(3).fill('FRAME_TOO_LARGE'));
    expect(client.calls).toEqual([]);
    expect(answers).toEqual([]);
  });

  it('a message of exactly the limit is read', async () => {
    const { ui, answers } = serve();
    const text = JSON.stringify({ id: 1, command: 'app.open', params: {} });
    ui.send(text + ' '.repeat(MAX_BRIDGE_MESSAGE - text.length));
    await settle();
    expect(answers[0]?.result).toBeDefined();
  });

  it('a binary message (as a broken port might hand on) is refused', async () => {
    const { ui, answers } = serve();
    ui.send(new ArrayBuffer(8) as unknown as string);
    await settle();
    expect(answers[0]?.error?.reason).toBe('BAD_FRAME');
  });

  it(`${MAX_UNREADABLE_IN_A_ROW} in a row close the port; one good request between them starts the count anew`, async () => {
    const { ui, isClosed } = serve();
    for (let count = 1; count < MAX_UNREADABLE_IN_A_ROW; count++) ui.send('x');
    ui.send(JSON.stringify({ id: 1, command: 'app.open', params: {} }));
    for (let count = 1; count < MAX_UNREADABLE_IN_A_ROW; count++) ui.send('x');
    await settle();
    expect(isClosed()).toBe(false);
    ui.send('x');
    await settle();
    expect(isClosed()).toBe(true);
  });

  it('neither the answer nor the log repeats what was refused', async () => {
    const { ui, answers, logger } = serve();
    const secret = 'correct horse battery staple';
    const params = { ...sampleParams['account.logIn'], password: secret, [secret]: secret };
    ui.send(JSON.stringify({ id: 1, command: 'account.logIn', params }));
    ui.send(`{"id":2,"command":"${secret}"`);
    ui.send(JSON.stringify({ id: 3, command: secret, params }));
    await settle();
    expect(answers).toHaveLength(3);
    expect(JSON.stringify([answers, logger.warn.mock.calls])).not.toContain('horse');
  });
});

describe('bad input 59: an address is http or https and nothing else', () => {
  const bad = [
    'file:///etc/passwd',
    '/etc/passwd',
    '../../etc/passwd',
    'C:\\Windows\\win.ini',
    '\\\\host\\share',
    '//host/share',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'blob:http://a/b',
    'vbscript:x',
    'ftp://host',
    'fastim://add?host=x&key=y',
    'app://fastim/index.html',
    'http:',
    'http://',
    'https:///path',
    'http://host name/',
    ' http://host',
    'http://host\n',
    'http://host/?token=x',
    'http://host/#x',
    `http://${'a'.repeat(2048)}`,
    '',
  ];
  const fields: CommandName[] = ['server.check', 'account.register', 'account.logIn'];

  it.each(bad)('%j never reaches the client', async (serverUrl) => {
    const { ui, client, answers } = serve();
    fields.forEach((command, index) => {
      ui.send(JSON.stringify({ id: index + 1, command, params: { ...sampleParams[command], serverUrl } }));
    });
    await settle();
    expect(client.calls).toEqual([]);
    expect(answers.map((answer) => answer.error?.reason)).toEqual(['BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST']);
  });

  it.each(['http://127.0.0.1:8600', 'https://chat.example.org', 'HTTPS://[::1]:8600/fastim'])(
    '%s is one',
    async (serverUrl) => {
      const { ui, client } = serve();
      ui.send(JSON.stringify({ id: 1, command: 'server.check', params: { serverUrl } }));
      await settle();
      expect(client.calls).toEqual([{ method: 'checkServer', params: { serverUrl } }]);
    },
  );

  it('that leads to no server is a result that names the step, not an error', async () => {
    const { ui, client, answers } = serve();
    const found = { ok: false, step: 'tls', detail: 'self-signed certificate' };
    client.behave('checkServer', () => found);
    ui.send(JSON.stringify({ id: 1, command: 'server.check', params: { serverUrl: 'https://127.0.0.1' } }));
    await settle();
    expect(answers).toEqual([{ id: 1, result: found }]);
  });

  const badIds = ['', '0', '-1', '1.5', '01', '1e3', '../1', '1; drop table', '9'.repeat(21), 7, null, { $gt: '' }];
  it.each(badIds)('%j is no id where an id is due', async (conversationId) => {
    const { ui, client, answers } = serve();
    ui.send(JSON.stringify({ id: 1, command: 'positions.get', params: { conversationId } }));
    await settle();
    expect(client.calls).toEqual([]);
    expect(answers[0]?.error?.reason).toBe('BAD_REQUEST');
  });
});
