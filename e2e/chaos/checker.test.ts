import { describe, expect, it } from 'vitest';
import { Checker, type Verdict } from './checker.ts';
import type { HistoryEntry, SeenMessage, View } from './history.ts';

interface Recorded {
  history: HistoryEntry[];
  views: Array<View & { messages: SeenMessage[] }>;
  seqs: number[];
  keys: string[];
}

const KEYS = ['a0', 'b0', 'a1', 'b1', 'a2'];

/** Two devices of two users in one conversation, five messages, one edited (place 6) and one recalled (place 7). */
function recorded(): Recorded {
  const history: HistoryEntry[] = [];
  const counts = [0, 0];
  for (const [index, key] of KEYS.entries()) {
    const d = key.startsWith('a') ? 0 : 1;
    history.push({ t: 'send', at: index, d, c: 0, n: counts[d]!, key });
    counts[d]! += 1;
  }
  for (const [index, key] of KEYS.entries()) {
    history.push({ t: 'ok', at: index, key, seq: index + 1, id: `id${index}` });
  }
  history.push({ t: 'edit', at: 9, d: 0, c: 0, key: 'a0', text: 'better' });
  history.push({ t: 'recall', at: 9, d: 1, c: 0, key: 'b1' });
  const messages = (): SeenMessage[] =>
    KEYS.map((key, index) => ({
      key,
      seq: index + 1,
      id: `id${index}`,
      sender: key[0]!,
      kind: 'text',
      text: key === 'a0' ? 'better' : key === 'b1' ? '' : key,
      edited: key === 'a0',
      recalled: key === 'b1',
      reactions: '',
      failure: null,
    }));
  const views = [0, 1].map((device) => ({ of: `device ${device}`, device, conversation: 0, messages: messages() }));
  return { history, views, seqs: [1, 2, 3, 4, 5, 6, 7], keys: ['1', '2', '3', '4', '5', '6', '7'] };
}

function judge(change: (recorded: Recorded) => void = () => {}): Verdict {
  const run = recorded();
  change(run);
  const checker = new Checker();
  checker.history(run.history);
  for (const view of run.views) checker.view(view);
  checker.stored({ conversation: 0, seqs: run.seqs, keys: run.keys });
  return checker.verdict();
}

const counts = ({ lost, duplicated, misordered, different }: Verdict) => ({ lost, duplicated, misordered, different });
const nothing = { lost: 0, duplicated: 0, misordered: 0, different: 0 };
const acked = (entry: HistoryEntry, key: string) => entry.t === 'ok' && entry.key === key;

describe('the checker', () => {
  it('is content with a history that was kept', () => {
    expect(judge()).toEqual({ ...nothing, acked: 5, failed: 0, unknown: 0, examples: [] });
  });

  it('finds an acknowledged message that a device does not have', () => {
    const verdict = judge(({ views }) => views[1]!.messages.splice(2, 1));
    expect(counts(verdict)).toEqual({ ...nothing, lost: 1, different: 1 });
    expect(verdict.examples[0]).toBe(
      'lost: device 1: message 1 of device 0 in conversation 0, acknowledged as 3, is missing',
    );
  });

  it('finds an acknowledged message that nobody has', () => {
    const verdict = judge(({ views }) => {
      for (const { messages } of views) messages.splice(4, 1);
    });
    expect(counts(verdict)).toEqual({ ...nothing, lost: 2 });
  });

  it('does not call lost what was never acknowledged', () => {
    const verdict = judge(({ history, views }) => {
      history.splice(
        history.findIndex((entry) => acked(entry, 'a2')),
        1,
      );
      for (const view of views) view.messages.pop();
    });
    expect(verdict).toMatchObject({ ...nothing, acked: 4, unknown: 1 });
  });

  it('finds a message that is there twice', () => {
    const verdict = judge(({ views }) => {
      for (const view of views) view.messages.push({ ...view.messages[1]!, seq: 8, id: 'id8' });
    });
    expect(counts(verdict)).toEqual({ ...nothing, duplicated: 2 });
  });

  it('finds what is stored twice, or acknowledged as two', () => {
    expect(counts(judge(({ keys }) => keys.splice(3, 1, '1'))).duplicated).toBe(1);
    const twice: HistoryEntry = { t: 'ok', at: 99, key: 'a0', seq: 6, id: 'id6' };
    expect(counts(judge(({ history }) => history.push(twice))).duplicated).toBe(1);
  });

  it('finds what is there although it was refused, and what nobody sent', () => {
    const refused = judge(({ history }) => {
      history[history.findIndex((entry) => acked(entry, 'a2'))] = { t: 'fail', at: 5, key: 'a2', reason: 'MUTED' };
    });
    expect(counts(refused)).toEqual({ ...nothing, duplicated: 2 });
    const stray = judge(({ views }) => {
      for (const view of views) view.messages.push({ ...view.messages[0]!, key: 'zz', seq: 9 });
    });
    expect(counts(stray)).toEqual({ ...nothing, duplicated: 2 });
  });

  it('finds another place than acknowledged, and a device that shows another order', () => {
    const moved = judge(({ views }) => {
      const { messages } = views[0]!;
      messages[1] = { ...messages[1]!, seq: 3 };
      messages[2] = { ...messages[2]!, seq: 2 };
    });
    // Both are elsewhere, and the second one comes after a higher place.
    expect(counts(moved)).toEqual({ ...nothing, misordered: 3, different: 2 });
  });

  it("finds a sender's messages that changed places", () => {
    const verdict = judge(({ history, views }) => {
      const swap = (key: string) => (key === 'a1' ? 'a2' : key === 'a2' ? 'a1' : key);
      for (const [index, entry] of history.entries())
        if (entry.t === 'ok') history[index] = { ...entry, key: swap(entry.key) };
      for (const view of views) {
        for (const [index, message] of view.messages.entries()) {
          view.messages[index] = { ...message, key: swap(message.key) };
        }
      }
    });
    expect(counts(verdict)).toEqual({ ...nothing, misordered: 1 });
  });

  it('finds a hole in what is stored, and two messages at one place', () => {
    expect(counts(judge(({ seqs }) => seqs.splice(3, 1))).misordered).toBe(1);
    const same = judge(({ history }) => {
      const index = history.findIndex((entry) => acked(entry, 'b1'));
      history[index] = { t: 'ok', at: 3, key: 'b1', seq: 3, id: 'id3' };
    });
    expect(counts(same).misordered).toBeGreaterThan(0);
  });

  it('finds edits and recalls without effect, unless they were refused', () => {
    const without = (failure: string | null) =>
      counts(
        judge(({ views }) => {
          for (const { messages } of views) {
            messages[0] = { ...messages[0]!, text: 'a0', edited: false, failure };
            messages[3] = { ...messages[3]!, text: 'b1', recalled: false, failure };
          }
        }),
      );
    expect(without(null)).toEqual({ ...nothing, lost: 2 });
    expect(without('WINDOW_OVER')).toEqual(nothing);
  });

  it('finds devices that show different words or reactions', () => {
    const verdict = judge(({ views }) => {
      views[1]!.messages[2] = { ...views[1]!.messages[2]!, reactions: '👍×1' };
    });
    expect(counts(verdict)).toEqual({ ...nothing, different: 1 });
  });
});
