/** How a client reached the gate; the name metrics and logs use. */
export type Transport = 'tcp' | 'websocket';

/**
 * What a connection needs of a socket: the port between `Connection` and the two listeners. The same rules then hold
 * on both transports, and a test can drive a connection without a network.
 */
export interface ClientSocket {
  readonly transport: Transport;
  /** Bytes given to `write` that the operating system has not taken yet. 0 right after a write that fitted. */
  readonly unwritten: number;
  /** Starts the flow of events. Called once. */
  attach(owner: SocketOwner): void;
  /**
   * Sends whole frames, in order. The bytes may be shared with other sockets; nobody changes them afterwards. The
   * owner's `written` is called when the operating system has taken them.
   */
  write(bytes: Uint8Array): void;
  /** Stops reading, so that the peer is slowed down by its own transport. A message or two may still arrive. */
  pause(): void;
  resume(): void;
  /** Ends our direction after everything written; WebSocket says the code too. What still arrives is the owner's to drop. */
  end(code: number, reason: string): void;
  /** Closes at once; what is not written is lost. */
  destroy(): void;
}

/** What a socket tells its connection. */
export interface SocketOwner {
  /**
   * Bytes that nobody else writes to afterwards, so views into them may be kept. On WebSocket one call is one whole
   * message.
   */
  received(bytes: Uint8Array): void;
  /** The transport's own sign of life (WebSocket ping or pong). */
  pinged(): void;
  written(): void;
  /** The peer ended its direction; ours ends after what is queued in the socket. */
  ended(): void;
  /** The peer broke the transport's own rules: the socket is closing itself with this WebSocket code. */
  violated(code: number, reason: string): void;
  /** The socket is gone, from whichever side. Said exactly once; nothing is said after it. */
  gone(): void;
}
