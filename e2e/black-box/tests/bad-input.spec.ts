import { connect } from 'node:net';
import {
  CloseCode,
  Command,
  errorCatalogue,
  type Frame,
  FrameDecoder,
  goodbye,
  HEADER_LENGTH,
  loginRequest,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  MAX_DATA_BEFORE_LOGIN,
  MsgType,
  statusResponse,
  writeHeader,
} from '@fastim/protocol';
import { WireClient } from '../../bench/wire-client.ts';
import type { WirePerson } from '../../cluster/wire-person.ts';
import { expect, test } from '../fixture.ts';

const code = (name: keyof typeof errorCatalogue) => errorCatalogue[name].code;

function frame(fields: Partial<Parameters<typeof writeHeader>[2]>, data: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH + data.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH);
  const usual = {
    version: 1,
    cmd: Command.login,
    msgType: MsgType.request,
    logId: 5,
    sequenceId: 3,
    dataLength: data.length,
  };
  writeHeader(view, 0, { ...usual, ...fields });
  bytes.set(data, HEADER_LENGTH);
  return bytes;
}

/** Sends bytes and collects what comes until the connection ends. */
function speak({ tcp }: WirePerson, bytes: Uint8Array): Promise<{ frames: Frame[]; closeCode: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect(tcp);
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const frames: Frame[] = [];
    let closeCode = 0;
    socket.setTimeout(20_000, () => {
      socket.destroy();
      reject(new Error('the connection lives on'));
    });
    socket.on('data', (chunk) => {
      for (const one of decoder.push(chunk)) {
        if (one.cmd === Command.goodbye) closeCode = goodbye.decode(one.data).closeCode;
        else frames.push({ ...one, data: one.data.slice() });
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ frames, closeCode }));
    socket.write(bytes);
  });
}

const login = (accessToken: string, gateTicket = '') =>
  loginRequest.encode({ accessToken, clientVersion: 'test/1.0.0', gateTicket });

test('what is no frame, or too long, ends the connection and nothing else', async ({ people }) => {
  const person = await people.onWire('ann');
  expect(await speak(person, Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual({ frames: [], closeCode: 0 });
  const tooLong = await speak(person, frame({ dataLength: MAX_DATA_BEFORE_LOGIN + 1 }));
  expect(tooLong.closeCode).toBe(CloseCode.protocolError);
  expect(statusResponse.decode(tooLong.frames[0]!.data).status?.code).toBe(code('FRAME_TOO_LARGE'));
  const old = await speak(person, frame({ version: 99 }));
  expect(old.closeCode).toBe(CloseCode.upgradeRequired);
});

test('nobody speaks before he has logged in, nor logs in with what is no token', async ({ people }) => {
  const person = await people.onWire('ann');
  const early = await speak(person, frame({ cmd: Command.send }));
  expect(statusResponse.decode(early.frames[0]!.data).status?.code).toBe(code('UNAUTHENTICATED'));
  const wrong = await speak(person, frame({}, login('no such token', person.ticket)));
  expect(loginResponse.decode(wrong.frames[0]!.data).status?.code).toBe(code('UNAUTHENTICATED'));
});

test('requests that cannot be read are answered, and the connection lives', async ({ people }) => {
  const person = await people.onWire('ann');
  const failures: Error[] = [];
  const client = await WireClient.connect(person, { failed: (error) => failures.push(error) });
  const raw = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };
  const unreadable = {
    ...statusResponse,
    decode: (data: Uint8Array) => ({
      ...statusResponse.decode(data),
      status: undefined,
      seen: statusResponse.decode(data).status,
    }),
  };
  for (const [cmd, data, expected] of [
    [Command.send, Buffer.from('ffffffffff', 'hex'), 'BAD_REQUEST'],
    [Command.history, Buffer.from('0a', 'hex'), 'BAD_REQUEST'],
    [250, Buffer.alloc(0), 'UNKNOWN_CMD'],
  ] as const) {
    const answer = (await client.ask(cmd, raw as never, data as never, unreadable as never)) as unknown as {
      seen?: { code: number };
    };
    expect(answer.seen?.code).toBe(code(expected));
  }
  expect(failures).toEqual([]);
  client.close();
});

test('HTTP answers what it cannot read with a name of the catalogue', async ({ people, system }) => {
  const { accessToken } = await people.onWire('ann');
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(system.serverUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return [response.status, /"code":"([A-Z_]+)"/.exec(await response.text())?.[1]];
  };
  expect(await post('/v1/auth/login', '{"username":')).toEqual([400, 'BAD_REQUEST']);
  expect(await post('/v1/auth/login', '{"username":1,"password":[]}')).toEqual([400, 'BAD_REQUEST']);
  expect(await post('/v1/gates', '{"clientVersion":"x/1.0.0"}')).toEqual([401, 'UNAUTHENTICATED']);
  const bearer = { authorization: `Bearer ${accessToken}` };
  expect(await post('/v1/gates', '{"clientVersion":"x/1.0.0","more":1}', bearer)).toEqual([400, 'BAD_REQUEST']);
  expect((await post('/v1/gates', JSON.stringify({ clientVersion: 'x'.repeat(100_000) }), bearer))[0]).toBe(413);
  expect((await fetch(`${system.serverUrl}/v1/nothing`)).status).toBe(404);
});
