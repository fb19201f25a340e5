import { connect, type Socket } from 'node:net';
import {
  Command,
  type CursorMove,
  cursorRequest,
  cursorResponse,
  type Frame,
  FrameBatcher,
  FrameDecoder,
  goodbye,
  loginRequest,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  type Message,
  MsgType,
  messagePush,
  type SendRequest,
  type SendResponse,
  sendRequest,
  sendResponse,
} from '@fastim/protocol';
import type { Person } from './people.ts';

const CONNECT_DEADLINE_MS = 20_000;

export interface WireListener {
  acked(response: SendResponse): void;
  delivered(message: Message): void;
  /** Anything that a healthy server does not do. */
  failed(error: Error): void;
}

/** The public protocol over TCP and nothing around it. Everything queued in one turn of the event loop is one write. */
export class WireClient {
  readonly #socket: Socket;
  readonly #listener: WireListener;
  readonly #decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  readonly #batcher = new FrameBatcher(Buffer.allocUnsafe);
  readonly #cursorWaiters: Array<() => void> = [];
  #nextSequenceId = 0;
  #loggedIn: ((error?: Error) => void) | undefined;
  #closing = false;

  private constructor(socket: Socket, listener: WireListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** Connects and logs in. */
  static connect(person: Person, listener: WireListener): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(person.tcp);
      const client = new WireClient(socket, listener);
      const timer = setTimeout(() => client.#loggedIn?.(new Error('no answer to LOGIN')), CONNECT_DEADLINE_MS);
      client.#loggedIn = (error) => {
        clearTimeout(timer);
        client.#loggedIn = undefined;
        if (!error) resolve(client);
        else {
          socket.destroy();
          reject(error);
        }
      };
      const { accessToken, ticket } = person;
      client.#request(
        Command.login,
        loginRequest.encode({ accessToken, clientVersion: 'fastim-bench/0.1.0', gateTicket: ticket }),
      );
    });
  }

  send(request: SendRequest): void {
    this.#request(Command.send, sendRequest.encode(request));
  }

  /** Resolves when the cursors are on the server's disk. */
  moveCursors(moves: CursorMove[]): Promise<void> {
    return new Promise((resolve) => {
      this.#cursorWaiters.push(resolve);
      this.#request(Command.cursor, cursorRequest.encode({ moves }));
    });
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #request(cmd: number, data: Uint8Array): void {
    const sequenceId = this.#nextSequenceId;
    this.#nextSequenceId += 1;
    if (this.#batcher.add({ cmd, msgType: MsgType.request, logId: sequenceId, sequenceId, data })) {
      queueMicrotask(() => {
        const bytes = this.#batcher.take();
        if (bytes) this.#socket.write(bytes);
      });
    }
  }

  #received(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#handle(frame);
    } catch (error) {
      this.#fail(error as Error);
    }
    if (this.#decoder.fault) this.#fail(this.#decoder.fault);
  }

  #handle(frame: Frame): void {
    switch (frame.cmd) {
      case Command.send:
        this.#listener.acked(sendResponse.decode(frame.data));
        break;
      case Command.messages:
        for (const message of messagePush.decode(frame.data).messages) this.#listener.delivered(message);
        break;
      case Command.cursor: {
        const { status } = cursorResponse.decode(frame.data);
        if (status) this.#fail(new Error(`CURSOR was refused: ${status.code} ${status.message}`));
        this.#cursorWaiters.shift()?.();
        break;
      }
      case Command.login: {
        const { status } = loginResponse.decode(frame.data);
        this.#loggedIn?.(status && new Error(`LOGIN was refused: ${status.code} ${status.message}`));
        break;
      }
      case Command.goodbye: {
        const { closeCode, reason } = goodbye.decode(frame.data);
        this.#fail(new Error(`the server said goodbye: ${closeCode} ${reason}`));
        break;
      }
    }
  }

  #fail(error: Error): void {
    if (this.#closing) return;
    if (this.#loggedIn) this.#loggedIn(error);
    else this.#listener.failed(error);
  }
}
