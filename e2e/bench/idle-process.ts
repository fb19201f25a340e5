// Some of the silent connections of `idle`; told what to do over the channel it was forked with.
import { connect } from 'node:net';
import {
  Command,
  encodeFrames,
  FrameDecoder,
  heartbeatRequest,
  loginRequest,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  MsgType,
} from '@fastim/protocol';
import WebSocket from 'ws';

export interface IdleOrder {
  readonly tcp: { readonly host: string; readonly port: number };
  /** Undefined: over TCP. */
  readonly websocket: string | undefined;
  readonly tokens: readonly string[];
}

export type IdleReport = { readonly in: number } | { readonly error: string };

const AT_A_TIME = 50;
const HEARTBEAT_MS = 25_000;

/** Logs in and stays; resolves when it is in. */
function enter(order: IdleOrder, accessToken: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const data = loginRequest.encode({ accessToken, clientVersion: 'fastim-bench/0.1.0', gateTicket: '' });
    const login = encodeFrames([{ cmd: Command.login, msgType: MsgType.request, logId: 0, sequenceId: 0, data }]);
    let sequenceId = 0;
    let isIn = false;
    const received = (chunk: Uint8Array) => {
      for (const frame of decoder.push(chunk)) {
        if (isIn || frame.cmd !== Command.login) continue;
        const { status } = loginResponse.decode(frame.data);
        if (status) reject(new Error(`LOGIN was refused: ${status.code} ${status.message}`));
        isIn = true;
        setInterval(beat, HEARTBEAT_MS);
        resolve();
      }
    };
    const lost = (error?: Error) => {
      const reason = error ?? new Error('the server closed the connection');
      if (isIn) tell({ error: String(reason) });
      else reject(reason);
    };
    let send: (bytes: Uint8Array) => void;
    const beat = () => {
      sequenceId += 1;
      const mark = { conversationCount: 0, headSum: 0, readSum: 0, sinceMs: 0, versionSum: 0, peerSum: 0 };
      const beatData = heartbeatRequest.encode({ mark });
      send(
        encodeFrames([
          { cmd: Command.heartbeat, msgType: MsgType.request, logId: sequenceId, sequenceId, data: beatData },
        ]),
      );
    };
    if (order.websocket) {
      const socket = new WebSocket(order.websocket, { perMessageDeflate: false });
      send = (bytes) => socket.send(bytes);
      socket.on('open', () => send(login));
      socket.on('message', (chunk) => received(chunk as Buffer));
      socket.on('error', lost);
      socket.on('close', () => lost());
    } else {
      const socket = connect(order.tcp);
      send = (bytes) => socket.write(bytes);
      send(login);
      socket.on('data', received);
      socket.on('error', lost);
      socket.on('close', () => lost());
    }
  });
}

function tell(report: IdleReport): void {
  if (process.connected) process.send!(report);
}

process.on('message', (order: IdleOrder) => {
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < order.tokens.length) {
      const token = order.tokens[next]!;
      next += 1;
      await enter(order, token);
      done += 1;
    }
  };
  Promise.all(Array.from({ length: AT_A_TIME }, worker)).then(
    () => tell({ in: done }),
    (error: unknown) => tell({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
