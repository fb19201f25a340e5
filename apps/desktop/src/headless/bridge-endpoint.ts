/**
 * `/bridge?profile=NAME`: the bridge over a WebSocket. A page gets in with an allowed Origin and Host and, as its first
 * message, the token; then its profile's engine is started if need be, and the bridge is served.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { type BridgeServer, serveBridge } from '../bridge/bridge-server.ts';
import { type BridgePort, MAX_BRIDGE_MESSAGE } from '../bridge/contract.ts';
import { DEFAULT_PROFILE, isProfileName, PROFILE_RULE } from '../bridge/profile-name.ts';
import { bridgeCloseCodes, greetedWebSocketPort, welcomeText } from '../bridge/websocket-port.ts';
import { createAttemptLimit } from './attempt-limit.ts';
import { sameToken } from './bridge-token.ts';
import { type EnginePool, EngineRefused } from './engine-pool.ts';
import type { OriginPolicy } from './origin-policy.ts';

export interface BridgeEndpointOptions {
  server: Server;
  engines: EnginePool;
  policy: OriginPolicy;
  token: string;
  clock: Clock;
  logger: Logger;
}

export interface BridgeEndpoint {
  /** Closes every connection, telling the page to come again later. Idempotent. */
  close(): void;
}

export const HELLO_DEADLINE_MS = 5000;
export const MAX_CONNECTIONS = 128;
export const MAX_STRANGERS = 32;
/** What a page that does not read may leave unread before it is cut; it comes back and reads its state anew. */
export const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

const helloMessage = z.strictObject({ hello: z.strictObject({ token: z.string().max(256) }) });

export function serveBridgeEndpoint(options: BridgeEndpointOptions): BridgeEndpoint {
  const { server, engines, policy, token, clock, logger } = options;
  const limit = createAttemptLimit(clock);
  const sockets = new Set<WebSocket>();
  const bridges = new Map<WebSocket, BridgeServer>();
  let strangers = 0;
  let closed = false;
  const acceptor = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_BRIDGE_MESSAGE,
    perMessageDeflate: false,
  });

  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', (err) => logger.debug({ err }, 'bridge: connection broken during the upgrade'));
    const target = readTarget(request.url);
    const refusal = refusalOf(request, target);
    if (refusal !== undefined || target === undefined) {
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    acceptor.handleUpgrade(request, stream, head, (socket) => {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        bridges.get(socket)?.close();
        bridges.delete(socket);
      });
      socket.on('error', (err) => logger.debug({ err }, 'bridge: connection error'));
      greet(socket, target.profile);
    });
  };

  const refusalOf = (request: IncomingMessage, target: { profile: string } | undefined): string | undefined => {
    const { origin, host } = request.headers;
    if (target === undefined) return '404 Not Found';
    if (!policy.acceptsOrigin(origin, host)) {
      logger.warn({ origin, host }, 'bridge: origin or host refused');
      return '403 Forbidden';
    }
    return closed || sockets.size >= MAX_CONNECTIONS ? '503 Service Unavailable' : undefined;
  };

  const greet = (socket: WebSocket, profile: string): void => {
    const { port, onNextMessage } = greetedWebSocketPort(socket);
    if (!isProfileName(profile)) {
      end(socket, 'BAD_PROFILE', PROFILE_RULE);
      return;
    }
    if (strangers >= MAX_STRANGERS) {
      end(socket, 'TOO_MANY_CONNECTIONS', 'too many connections without hello');
      return;
    }
    strangers += 1;
    let stranger = true;
    const known = (): void => {
      if (stranger) strangers -= 1;
      stranger = false;
      cancel();
    };
    const cancel = clock.setTimer(HELLO_DEADLINE_MS, () => end(socket, 'TIMEOUT', 'no hello in time'));
    socket.once('close', known);
    onNextMessage((text) => {
      known();
      const refused = checkHello(text);
      if (refused) end(socket, refused.code, refused.reason);
      else void admit(socket, port, profile);
    });
  };

  const checkHello = (text: string): { code: keyof typeof bridgeCloseCodes; reason: string } | undefined => {
    const delayMs = limit.delayMs();
    if (delayMs > 0) {
      const reason = `too many wrong tokens; try again in ${Math.ceil(delayMs / 1000)} s`;
      return { code: 'TOO_MANY_ATTEMPTS', reason };
    }
    const hello = readHello(text);
    if (hello === undefined) return { code: 'BAD_MESSAGE', reason: 'the first message is not a hello' };
    if (sameToken(hello, token)) return undefined;
    limit.failed();
    logger.warn('bridge: wrong token');
    return { code: 'WRONG_TOKEN', reason: 'wrong or missing token; open the address that FastIM printed' };
  };

  const admit = async (socket: WebSocket, port: BridgePort, profile: string): Promise<void> => {
    // Nothing is read until somebody serves it.
    socket.pause();
    try {
      const client = await engines.client(profile);
      if (socket.readyState !== socket.OPEN) return;
      socket.send(welcomeText(profile));
      bridges.set(socket, serveBridge(bounded(socket, port), client, { logger }));
      socket.resume();
    } catch (error) {
      socket.resume();
      if (closed) return;
      logger.error({ err: error, profile }, 'the engine of a profile could not be started');
      const reason = error instanceof Error ? error.message : String(error);
      end(socket, error instanceof EngineRefused ? 'BAD_PROFILE' : 'ENGINE_FAILED', reason);
    }
  };

  /** A page that does not read is cut before its unread messages fill the memory. */
  const bounded = (socket: WebSocket, port: BridgePort): BridgePort => ({
    ...port,
    send(text) {
      if (socket.bufferedAmount + text.length > MAX_UNREAD_BYTES) {
        logger.warn({ bytes: socket.bufferedAmount }, 'bridge: the page does not read; closing');
        // No closing handshake: it would wait behind what is unread.
        socket.terminate();
        return;
      }
      port.send(text);
    },
  });

  const end = (socket: WebSocket, code: keyof typeof bridgeCloseCodes, reason: string): void => {
    socket.close(bridgeCloseCodes[code], clip(reason));
    // From here on nothing that still arrives is done.
    bridges.get(socket)?.close();
    // A peer that does not answer the close is not waited for.
    const cancel = clock.setTimer(1000, () => socket.terminate());
    socket.once('close', cancel);
  };

  server.on('upgrade', upgrade);
  return {
    close() {
      if (closed) return;
      closed = true;
      for (const socket of sockets) end(socket, 'STOPPING', 'stopping');
    },
  };
}

function readTarget(url: string | undefined): { profile: string } | undefined {
  if (url === undefined || !URL.canParse(url, 'http://bridge.invalid')) return undefined;
  const { host, pathname, searchParams } = new URL(url, 'http://bridge.invalid');
  if (host !== 'bridge.invalid' || pathname !== '/bridge') return undefined;
  return { profile: searchParams.get('profile') ?? DEFAULT_PROFILE };
}

function readHello(text: string): string | undefined {
  try {
    return helloMessage.parse(JSON.parse(text)).hello.token;
  } catch {
    return undefined;
  }
}

/** A close reason holds 123 bytes. */
function clip(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= 123
    ? reason
    : bytes
        .subarray(0, 120)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
}
