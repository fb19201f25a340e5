import type { HistoryEntry, SeenMessage, StoredEvents, View } from './history.ts';

export interface Verdict {
  readonly acked: number;
  readonly failed: number;
  /** Neither acknowledged nor refused when everything was over. */
  readonly unknown: number;
  /** Acknowledged, and missing on a device; or an edit or recall that was taken and has no effect. */
  readonly lost: number;
  /** On a device or in the store more than once; or there although it was refused, or nobody sent it. */
  readonly duplicated: number;
  /** Another place than acknowledged, places that do not rise or have a hole, or a sender's order that was not kept. */
  readonly misordered: number;
  /** Shown otherwise by one device than by the others. */
  readonly different: number;
  /** The first of each, in words. */
  readonly examples: readonly string[];
}

interface Sent {
  readonly device: number;
  readonly conversation: number;
  readonly number: number;
  readonly key: string;
  ack: { readonly seq: number; readonly id: string } | undefined;
  refused: string | undefined;
  lastEdit: string | undefined;
  recalled: boolean;
}

const EXAMPLES_OF_A_KIND = 5;

/**
 * Compares what was acknowledged with what every device shows and the server has stored. Give it the history first, then
 * every view and all stored events, then ask for the verdict. It keeps one view of each conversation to compare with.
 */
export class Checker {
  readonly #sent = new Map<string, Sent>();
  readonly #counts = { lost: 0, duplicated: 0, misordered: 0, different: 0 };
  readonly #examples = new Map<string, string[]>();
  readonly #byConversation = new Map<number, Sent[]>();
  readonly #reference = new Map<number, { of: string; messages: ReadonlyMap<string, SeenMessage> }>();
  #acked = 0;
  #failed = 0;

  /** In the order in which the driver wrote it. */
  history(entries: Iterable<HistoryEntry>): void {
    for (const entry of entries) this.#entry(entry);
  }

  #entry(entry: HistoryEntry): void {
    switch (entry.t) {
      case 'send': {
        const { d, c, n, key } = entry;
        if (this.#sent.has(key)) throw new Error(`the key ${key} was used twice by the driver`);
        const sent: Sent = {
          device: d,
          conversation: c,
          number: n,
          key,
          ack: undefined,
          refused: undefined,
          lastEdit: undefined,
          recalled: false,
        };
        this.#sent.set(key, sent);
        const of = this.#byConversation.get(c);
        if (of) of.push(sent);
        else this.#byConversation.set(c, [sent]);
        break;
      }
      case 'ok': {
        const sent = this.#find(entry.key);
        if (!sent.ack) this.#acked += 1;
        else if (sent.ack.seq !== entry.seq || sent.ack.id !== entry.id) {
          this.#found('duplicated', `${describe(sent)} was acknowledged as ${sent.ack.seq} and as ${entry.seq}`);
        }
        sent.ack ??= { seq: entry.seq, id: entry.id };
        break;
      }
      case 'fail':
        this.#failed += 1;
        this.#find(entry.key).refused = entry.reason;
        break;
      case 'edit':
        this.#find(entry.key).lastEdit = entry.text;
        break;
      case 'recall':
        this.#find(entry.key).recalled = true;
        break;
      case 'react':
      case 'back':
      case 'synced':
      case 'ended':
        break;
    }
  }

  view(view: View): void {
    const seen = new Map<string, SeenMessage>();
    let before = 0;
    for (const message of view.messages) {
      const where = `${view.of}, conversation ${view.conversation}, place ${message.seq}`;
      if (message.seq <= before) this.#found('misordered', `${where}: comes after ${before}`);
      before = Math.max(before, message.seq);
      const identity = `${message.sender}:${message.key}`;
      if (seen.has(identity)) {
        this.#found('duplicated', `${where}: the same message as at ${seen.get(identity)!.seq}`);
        continue;
      }
      seen.set(identity, message);
      if (message.kind === 'text') this.#compareWithSent(view, message, where);
    }
    this.#compareWithAcked(view, seen);
    this.#compareWithOthers(view, seen);
  }

  #compareWithSent(view: View, message: SeenMessage, where: string): void {
    const sent = this.#sent.get(message.key);
    if (!sent || sent.conversation !== view.conversation) {
      this.#found('duplicated', `${where}: a message that nobody sent there (${message.key})`);
    } else if (sent.refused !== undefined) {
      this.#found('duplicated', `${where}: ${describe(sent)} is there although it was refused (${sent.refused})`);
    } else if (sent.ack && (sent.ack.seq !== message.seq || sent.ack.id !== message.id)) {
      this.#found('misordered', `${where}: ${describe(sent)} was acknowledged as ${sent.ack.seq} (${sent.ack.id})`);
    } else if (sent.device === view.device && message.failure === null) {
      if (sent.recalled && !message.recalled) this.#found('lost', `${where}: the recall has no effect`);
      if (sent.lastEdit !== undefined && !message.recalled && message.text !== sent.lastEdit) {
        this.#found('lost', `${where}: the last edit has no effect`);
      }
    }
  }

  #compareWithAcked(view: View, seen: ReadonlyMap<string, SeenMessage>): void {
    const keys = new Set([...seen.values()].map(({ key }) => key));
    for (const sent of this.#byConversation.get(view.conversation) ?? []) {
      if (sent.ack && !keys.has(sent.key)) {
        this.#found('lost', `${view.of}: ${describe(sent)}, acknowledged as ${sent.ack.seq}, is missing`);
      }
    }
  }

  #compareWithOthers(view: View, seen: ReadonlyMap<string, SeenMessage>): void {
    const reference = this.#reference.get(view.conversation);
    if (!reference) {
      this.#reference.set(view.conversation, { of: view.of, messages: seen });
      return;
    }
    for (const [identity, message] of seen) {
      const other = reference.messages.get(identity);
      const where = `conversation ${view.conversation}, place ${message.seq}`;
      if (!other) this.#found('different', `${where}: on ${view.of}, and not on ${reference.of}`);
      else if (shown(message) !== shown(other)) {
        this.#found('different', `${where}: ${view.of} has ${shown(message)}, ${reference.of} ${shown(other)}`);
      }
    }
    for (const [identity, { seq }] of reference.messages) {
      if (seen.has(identity)) continue;
      this.#found(
        'different',
        `conversation ${view.conversation}, place ${seq}: on ${reference.of}, not on ${view.of}`,
      );
    }
  }

  stored({ conversation, seqs, keys }: StoredEvents): void {
    for (const [index, seq] of seqs.entries()) {
      if (seq !== index + 1) {
        this.#found('misordered', `conversation ${conversation}: the store has ${seq} where ${index + 1} is due`);
        break;
      }
    }
    const twice = keys.length - new Set(keys).size;
    if (twice > 0) this.#found('duplicated', `conversation ${conversation}: ${twice} events are stored twice`, twice);
  }

  verdict(): Verdict {
    for (const [conversation, all] of this.#byConversation) {
      const places = new Map<number, Sent>();
      const lastOf = new Map<number, Sent>();
      for (const sent of all) {
        if (!sent.ack) continue;
        const same = places.get(sent.ack.seq);
        if (same) this.#found('misordered', `${describe(sent)} and ${describe(same)} have one place, ${sent.ack.seq}`);
        places.set(sent.ack.seq, sent);
        const before = lastOf.get(sent.device);
        if (before?.ack && (before.number >= sent.number || before.ack.seq >= sent.ack.seq)) {
          this.#found(
            'misordered',
            `conversation ${conversation}: ${describe(sent)} is at ${sent.ack.seq}, the one sent before it at ${before.ack.seq}`,
          );
        }
        lastOf.set(sent.device, sent);
      }
    }
    return {
      acked: this.#acked,
      failed: this.#failed,
      unknown: this.#sent.size - this.#acked - this.#failed,
      ...this.#counts,
      examples: [...this.#examples.values()].flat(),
    };
  }

  #find(key: string): Sent {
    const sent = this.#sent.get(key);
    if (!sent) throw new Error(`the history tells of ${key}, which was never sent`);
    return sent;
  }

  #found(kind: keyof Verdict & ('lost' | 'duplicated' | 'misordered' | 'different'), what: string, times = 1): void {
    this.#counts[kind] += times;
    const examples = this.#examples.get(kind) ?? [];
    this.#examples.set(kind, examples);
    if (examples.length < EXAMPLES_OF_A_KIND) examples.push(`${kind}: ${what}`);
  }
}

function describe({ device, number, conversation }: Sent): string {
  return `message ${number} of device ${device} in conversation ${conversation}`;
}

/** What all devices have to agree on. */
function shown({ seq, id, kind, text, edited, recalled, reactions }: SeenMessage): string {
  return JSON.stringify([seq, id, kind, text, edited, recalled, reactions]);
}
