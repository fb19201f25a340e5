import { connect, type Socket } from 'node:net';
import {
  type Codec,
  Command,
  encodeFrames,
  type Frame,
  FrameDecoder,
  type LoginResponse,
  loginRequest,
  loginResponse,
  MAX_DATA_AFTER_LOGIN,
  MsgType,
} from '@fastim/protocol';

const PATIENCE_MS = 10_000;

/** A client of the binary protocol over real TCP, as small as it can be: for tests of the whole server. */
export class WireClient {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  readonly #frames: Frame[] = [];
  readonly #wakeups = new Set<() => void>();
  #sequenceId = 0;
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      for (const frame of this.#decoder.push(chunk)) this.#frames.push({ ...frame, data: frame.data.slice() });
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static open(host: string, port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new WireClient(socket)));
    });
  }

  /** Connects and logs in. */
  static async logIn(address: { host: string; port: number }, accessToken: string): Promise<WireClient> {
    const client = await WireClient.open(address.host, address.port);
    const answer = await client.login(accessToken);
    if (answer.status) throw new Error(`the login was refused: ${answer.status.code} ${answer.status.message}`);
    return client;
  }

  login(accessToken: string): Promise<LoginResponse> {
    const request = { accessToken, clientVersion: 'wire-test/1.0.0', gateTicket: '' };
    return this.request(Command.login, loginRequest, request, loginResponse);
  }

  async request<Q, A>(cmd: number, ask: Codec<Q>, question: Q, answer: Codec<A>): Promise<A> {
    const sequenceId = this.#sequenceId;
    this.#sequenceId += 1;
    const frame = { cmd, msgType: MsgType.request, logId: 7, sequenceId, data: ask.encode(question) };
    this.#socket.write(encodeFrames([frame]));
    const response = await this.#take((got) => got.msgType === MsgType.response && got.sequenceId === sequenceId);
    return answer.decode(response.data);
  }

  /** The next notification of this command; earlier ones that nobody took count. */
  async notification<A>(cmd: number, codec: Codec<A>): Promise<A> {
    return codec.decode((await this.#take((got) => got.msgType === MsgType.notify && got.cmd === cmd)).data);
  }

  /** Everything that came and that nobody took. */
  waiting(): readonly Frame[] {
    return this.#frames;
  }

  async waitForClose(): Promise<void> {
    await this.#until(() => (this.closed ? true : undefined), 'the close');
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(matches: (frame: Frame) => boolean): Promise<Frame> {
    return this.#until(() => {
      const index = this.#frames.findIndex(matches);
      if (index >= 0) return this.#frames.splice(index, 1)[0];
      if (this.closed) throw new Error('the server closed the connection');
      return undefined;
    }, 'a frame');
  }

  #until<T>(look: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        try {
          const found = look();
          if (found === undefined) return;
          finish(() => resolve(found));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const timer = setTimeout(() => finish(() => reject(new Error(`${what} did not come in time`))), PATIENCE_MS);
      const finish = (end: () => void) => {
        clearTimeout(timer);
        this.#wakeups.delete(check);
        end();
      };
      this.#wakeups.add(check);
      check();
    });
  }

  #wake(): void {
    for (const wakeup of [...this.#wakeups]) wakeup();
  }
}
