/**
 * The keys (client_msg_id) of messages that the engine was asked to send and has not answered for. The same text in the
 * same conversation gets the same key again, so that trying again after a lost answer has one effect.
 */
export interface SendKeys {
  keyFor(conversationId: string, text: string): string;
  /** A definite answer came, good or bad. */
  answered(conversationId: string, key: string): void;
}

const randomBytes = 10;

export function createSendKeys(now: () => number): SendKeys {
  const open = new Map<string, { text: string; key: string }>();
  return {
    keyFor(conversationId, text) {
      const before = open.get(conversationId);
      if (before?.text === text) return before.key;
      const key = newKey(now());
      open.set(conversationId, { text, key });
      return key;
    },
    answered(conversationId, key) {
      if (open.get(conversationId)?.key === key) open.delete(conversationId);
    },
  };
}

/** A client_msg_id in hex: 48 bits of time, then 80 random ones. */
export function newKey(nowMs: number): string {
  const random = crypto.getRandomValues(new Uint8Array(randomBytes));
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return Math.floor(nowMs).toString(16).padStart(12, '0') + digits;
}
