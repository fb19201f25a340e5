import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { Command, encodeFrames, FrameDecoder, goodbye, MAX_DATA_AFTER_LOGIN, MsgType } from '@fastim/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HttpRequest } from '../../engine/ports.ts';
import type { FakeServer, ServerEnd } from '../../engine/testing/index.ts';

export interface ServedFakeServer {
  readonly url: string;
  /** Breaks every connection. */
  cutAll(): void;
  close(): Promise<void>;
}

/** The server in memory on real sockets: HTTP, TCP and WebSocket on loopback ports of their own. */
export async function serveFakeServer(server: FakeServer): Promise<ServedFakeServer> {
  const sockets = new Set<Socket>();
  const tcp = createTcpServer((socket) => serve(server, socketChannel(socket)));
  const upgrades = createHttpServer();
  const websocket = new WebSocketServer({ server: upgrades });
  websocket.on('connection', (socket) => serve(server, webSocketChannel(socket)));
  const api = createHttpServer(async (request, response) => {
    const answer = server.http({
      method: request.method as HttpRequest['method'],
      url: request.url ?? '/',
      headers: request.headers.authorization ? { authorization: request.headers.authorization } : {},
      body: await readBody(request),
      timeoutMs: 0,
      maxBytes: 0,
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body);
  });
  const servers = [tcp, upgrades, api];
  for (const one of servers) {
    one.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  }
  server.gates = [
    {
      gateId: 'gate',
      tcp: { host: '127.0.0.1', port: portOf(tcp) },
      websocket: `ws://127.0.0.1:${portOf(upgrades)}`,
    },
  ];
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${portOf(api)}`,
    cutAll,
    close: async () => {
      cutAll();
      websocket.close();
      await Promise.all(servers.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))));
    },
  };
}

interface Channel {
  send(bytes: Uint8Array): void;
  close(code: number): void;
  onBytes(receiver: (bytes: Uint8Array) => void): void;
  onClose(receiver: () => void): void;
}

function serve(server: FakeServer, channel: Channel): void {
  const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  let open = true;
  const end: ServerEnd = {
    send: (frame) => {
      if (open) channel.send(encodeFrames([frame]));
    },
    close: (code) => {
      if (open) channel.close(code);
    },
    get open() {
      return open;
    },
  };
  const side = server.connected(end);
  channel.onBytes((bytes) => {
    for (const frame of decoder.push(bytes)) side.frame(frame);
  });
  channel.onClose(() => {
    open = false;
    side.closed();
  });
}

function socketChannel(socket: Socket): Channel {
  return {
    send: (bytes) => socket.write(bytes),
    close: (code) => {
      const data = goodbye.encode({ closeCode: code, reason: 'test', retryAfterMs: 0 });
      socket.end(encodeFrames([{ cmd: Command.goodbye, msgType: MsgType.notify, logId: 0, sequenceId: 0, data }]));
    },
    onBytes: (receiver) => socket.on('data', receiver),
    onClose: (receiver) => socket.on('close', receiver),
  };
}

function webSocketChannel(socket: WebSocket): Channel {
  return {
    send: (bytes) => socket.send(bytes),
    close: (code) => socket.close(code, 'test'),
    onBytes: (receiver) => socket.on('message', (data) => receiver(data as Buffer)),
    onClose: (receiver) => socket.on('close', receiver),
  };
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : Buffer.concat(chunks).toString('utf8');
}

function portOf(server: Server | ReturnType<typeof createHttpServer>): number {
  return (server.address() as AddressInfo).port;
}
