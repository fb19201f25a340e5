import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeFrames, type OutgoingFrame } from '@fastim/protocol';
import { type ClientOptions, WebSocket } from 'ws';
import { FrameLog } from './frame-log.ts';

/** A well-behaved WebSocket client; `end.code` is the close code it was given. */
export class WebSocketClient extends FrameLog {
  readonly websocket: WebSocket;
  /** Frames in each message that came. */
  readonly messageSizes: number[] = [];

  constructor(websocket: WebSocket) {
    super();
    this.websocket = websocket;
    websocket.on('message', (data: Buffer) => {
      this.messageSizes.push(data.length);
      this.receive(data);
    });
    websocket.on('close', (code) => this.ended(code));
    websocket.on('error', () => undefined);
  }

  /** Rejects with "Unexpected server response: 403" and the like when the upgrade is refused. */
  static connect(port: number, options: ClientOptions = {}): Promise<WebSocketClient> {
    return new Promise((resolve, reject) => {
      const websocket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, ...options });
      const client = new WebSocketClient(websocket);
      websocket.once('error', reject);
      websocket.once('open', () => resolve(client));
    });
  }

  /** All frames in one message. */
  send(...frames: OutgoingFrame[]): void {
    this.websocket.send(encodeFrames(frames));
  }

  destroy(): void {
    this.websocket.terminate();
  }
}

/** A client that upgrades by hand and then writes WebSocket frames of its own making; `end.code` as above. */
export class RawWebSocketClient extends FrameLog {
  readonly socket: Socket;
  #head = '';
  #upgraded = false;
  #bytes = Buffer.alloc(0);
  #closeCode = 0;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => this.ended(this.#closeCode));
    socket.on('close', () => this.ended(this.#closeCode));
  }

  static async connect(port: number): Promise<RawWebSocketClient> {
    const client = new RawWebSocketClient(connect(port, '127.0.0.1'));
    const key = randomBytes(16).toString('base64');
    client.socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await client.until('the upgrade is answered', () => client.#upgraded);
    return client;
  }

  /** One WebSocket frame. `declaredLength`: what the header says instead of the truth. */
  frame(options: { first: number; masked?: boolean; payload?: Uint8Array; declaredLength?: bigint }): void {
    const { first, masked = true, payload = new Uint8Array(0), declaredLength = BigInt(payload.length) } = options;
    const header = Buffer.alloc(10);
    header[0] = first;
    header[1] = 127 | (masked ? 0x80 : 0);
    header.writeBigUInt64BE(declaredLength, 2);
    // A mask of zeros leaves the payload as it is.
    this.socket.write(Buffer.concat([header, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]));
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Reads the server's frames, which are short and whole: binary ones and the close. */
  #read(chunk: Buffer): void {
    if (!this.#upgraded) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = true;
      this.#bytes = Buffer.from(this.#head.slice(end + 4), 'latin1');
      this.receive(new Uint8Array(0));
    } else {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    }
    while (this.#bytes.length >= 2) {
      const short = this.#bytes[1]!;
      const at = short === 126 ? 4 : 2;
      if (this.#bytes.length < at) return;
      const length = short === 126 ? this.#bytes.readUInt16BE(2) : short;
      if (this.#bytes.length < at + length) return;
      const payload = this.#bytes.subarray(at, at + length);
      if (this.#bytes[0] === 0x82) this.receive(payload);
      if (this.#bytes[0] === 0x88) this.#closeCode = payload.readUInt16BE(0);
      this.#bytes = this.#bytes.subarray(at + length);
    }
  }
}
