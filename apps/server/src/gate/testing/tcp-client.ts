import { connect, type Socket } from 'node:net';
import { Command, encodeFrames, MsgType, type OutgoingFrame } from '@fastim/protocol';
import { FrameLog } from './frame-log.ts';

/** A request frame with a text for data. */
export function request(cmd: number, sequenceId: number, data: string | Uint8Array = ''): OutgoingFrame {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return { cmd, msgType: MsgType.request, logId: 1000 + sequenceId, sequenceId, data: bytes };
}

/** A client that sends what it is told to, right or wrong. */
export class TcpClient extends FrameLog {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => this.ended(0));
    socket.on('close', () => this.ended(0));
  }

  static connect(port: number): Promise<TcpClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new TcpClient(socket));
      });
    });
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  send(...frames: OutgoingFrame[]): void {
    this.write(encodeFrames(frames));
  }

  /** LOGIN with sequenceId 0, and waits for its answer. */
  async login(user = '1:device'): Promise<void> {
    this.send(request(Command.login, 0, user));
    await this.until('the login is answered', () => this.response(0) !== undefined);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
