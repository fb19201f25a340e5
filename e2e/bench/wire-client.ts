import { connect, type Socket } from 'node:net';
import {
  type Codec,
  Command,
  type CursorMove,
  cursorRequest,
  cursorResponse,
  type Frame,
  FrameBatcher,
  FrameDecoder,
  goodbye,
  type Head,
  headPush,
  loginRequest,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  type Message,
  MsgType,
  messagePush,
  type SendRequest,
  type SendResponse,
  type Status,
  sendRequest,
  sendResponse,
} from '@fastim/protocol';
import type { Person } from './people.ts';

const CONNECT_DEADLINE_MS = 20_000;

export interface WireListener {
  acked?(response: SendResponse): void;
  delivered?(messages: readonly Message[]): void;
  heads?(heads: readonly Head[]): void;
  /** Anything that a healthy server does not do. */
  failed(error: Error): void;
}

type Waiter = (frame: Frame) => void;

/** The public protocol over TCP and nothing around it. Everything queued in one turn of the event loop is one write. */
export class WireClient {
  readonly #socket: Socket;
  readonly #listener: WireListener;
  readonly #decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  readonly #batcher = new FrameBatcher(Buffer.allocUnsafe);
  readonly #waiters = new Map<number, Waiter>();
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
          // Whoever asked for it hears of its end once.
          client.#closing = true;
          socket.destroy();
          reject(error);
        }
      };
      const { accessToken, ticket } = person;
      const login = { accessToken, clientVersion: 'fastim-bench/0.1.0', gateTicket: ticket };
      client.#request(Command.login, loginRequest.encode(login), ({ data }) => {
        const { status } = loginResponse.decode(data);
        client.#loggedIn?.(status && new Error(`LOGIN was refused: ${status.code} ${status.message}`));
      });
    });
  }

  send(request: SendRequest): void {
    this.#request(Command.send, sendRequest.encode(request), ({ data }) => {
      this.#listener.acked?.(sendResponse.decode(data));
    });
  }

  /** Resolves when the cursors are on the server's disk. */
  async moveCursors(moves: CursorMove[]): Promise<void> {
    const { refused } = await this.ask(Command.cursor, cursorRequest, { moves }, cursorResponse);
    if (refused.length > 0) this.#fail(new Error(`a cursor was refused: ${refused[0]!.code}`));
  }

  /** One request and its answer; a refusal ends the run. */
  ask<Q, A extends { status: Status | undefined }>(
    cmd: number,
    question: Codec<Q>,
    value: Q,
    answer: Codec<A>,
  ): Promise<A> {
    return new Promise((resolve) => {
      this.#request(cmd, question.encode(value), ({ data }) => {
        const { status, ...rest } = answer.decode(data);
        if (status) this.#fail(new Error(`request ${cmd} was refused: ${status.code} ${status.message}`));
        else resolve({ status, ...rest } as A);
      });
    });
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #request(cmd: number, data: Uint8Array, waiter: Waiter): void {
    const sequenceId = this.#nextSequenceId;
    this.#nextSequenceId += 1;
    this.#waiters.set(sequenceId, waiter);
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
    if (frame.msgType === MsgType.response) {
      const waiter = this.#waiters.get(frame.sequenceId);
      this.#waiters.delete(frame.sequenceId);
      if (waiter) waiter(frame);
      else this.#fail(new Error(`an answer to nothing: ${frame.cmd}`));
      return;
    }
    switch (frame.cmd) {
      case Command.messages:
        this.#listener.delivered?.(messagePush.decode(frame.data).messages);
        break;
      case Command.heads:
        this.#listener.heads?.(headPush.decode(frame.data).heads);
        break;
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
