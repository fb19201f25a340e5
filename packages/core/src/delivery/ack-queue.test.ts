import { describe, expect, it } from 'vitest';
import { AckQueue, type AckQueueOptions } from './ack-queue.ts';

function make(options: Partial<AckQueueOptions> = {}): AckQueue {
  return new AckQueue({ window: 10, timeout: { baseMs: 1_000, capMs: 8_000 }, random: () => 0, ...options });
}

function filled(ids: string, options?: Partial<AckQueueOptions>, conversation = 'c'): AckQueue {
  const queue = make(options);
  for (const id of ids) queue.add(id, conversation);
  queue.connected();
  return queue;
}

const take = (queue: AckQueue, now: number) => queue.takeDue(now).join('');

describe('the ack queue', () => {
  it('sends nothing before a connection, then everything oldest first', () => {
    const queue = make();
    for (const id of 'abc') queue.add(id, 'c');
    expect([take(queue, 0), queue.nextTimeout()]).toEqual(['', undefined]);
    queue.connected();
    expect(take(queue, 0)).toBe('abc');
    expect(take(queue, 0)).toBe('');
    expect([queue.size, queue.inFlight]).toEqual([3, 3]);
  });

  it('keeps to the window over all conversations, and goes on as entries settle', () => {
    const queue = filled('abcde', { window: 2 });
    expect(take(queue, 0)).toBe('ab');
    expect(queue.settle('b')).toBe(true);
    expect(queue.settle('b')).toBe(false);
    expect(take(queue, 1)).toBe('c');
    expect([queue.size, queue.inFlight]).toEqual([4, 2]);
  });

  it('lets conversations take turns, so that a backlog in one does not hold up the others', () => {
    const queue = make({ window: 4 });
    for (const id of 'abcdef') queue.add(id, 'long');
    queue.add('X', 'short');
    queue.add('Y', 'other');
    queue.connected();
    expect(take(queue, 0)).toBe('aXYb');
    queue.settle('a');
    queue.settle('X');
    queue.add('Z', 'other');
    expect(take(queue, 1)).toBe('cZ');
  });

  it('leaves an id that is queued already as it is', () => {
    const queue = filled('a');
    take(queue, 0);
    queue.add('a', 'other');
    expect([queue.size, take(queue, 1), queue.attempts('a'), queue.has('a')]).toEqual([1, '', 1, true]);
  });

  it('resends an entry that waited too long, and the younger ones already out, in order', () => {
    const queue = filled('abc');
    expect(take(queue, 0)).toBe('abc');
    queue.settle('a');
    expect(queue.nextTimeout()).toBe(1_001);
    expect(take(queue, 1_000)).toBe('');
    queue.add('d', 'c');
    expect(take(queue, 1_001)).toBe('bcd');
    expect([queue.attempts('b'), queue.attempts('d')]).toEqual([2, 1]);
    expect(take(queue, 1_001)).toBe('');
  });

  it('resends a late entry behind the older ones of its conversation, and no other conversation', () => {
    let fraction = 0.9;
    const queue = make({ random: () => fraction });
    queue.add('a', 'c');
    queue.add('X', 'other');
    queue.connected();
    expect(take(queue, 0)).toBe('aX');
    fraction = 0;
    queue.add('b', 'c');
    queue.add('d', 'c');
    expect(take(queue, 10)).toBe('bd');
    expect(take(queue, 1_011)).toBe('abd');
    expect(take(queue, 1_900)).toBe('X');
  });

  it('waits longer after each try, up to base and cap, with the jitter given', () => {
    const queue = filled('a', { random: () => 0.5 });
    const sent: number[] = [];
    for (let now = 0; now < 40_000; now += 1) if (take(queue, now)) sent.push(now);
    const waits = sent.slice(1).map((at, index) => at - sent[index]!);
    expect(waits.slice(0, 6)).toEqual([1_500, 2_000, 3_000, 5_000, 5_000, 5_000]);
  });

  it('sends everything again, in order, on the next connection', () => {
    const queue = filled('abc', { window: 2 });
    take(queue, 0);
    queue.disconnected();
    expect([queue.inFlight, take(queue, 5_000), queue.nextTimeout()]).toEqual([0, '', undefined]);
    queue.settle('a');
    queue.connected();
    expect(take(queue, 5_000)).toBe('bc');
    queue.connected();
    expect(take(queue, 5_000)).toBe('bc');
    expect(queue.attempts('b')).toBe(3);
  });

  it('holds a postponed entry and the younger ones back, and nothing else', () => {
    const queue = filled('abcd');
    queue.add('X', 'other');
    take(queue, 0);
    queue.postpone('b', 100, 500);
    expect(queue.inFlight).toBe(2);
    expect(take(queue, 100)).toBe('');
    queue.add('e', 'c');
    expect(take(queue, 599)).toBe('');
    expect(queue.nextTimeout()).toBe(600);
    expect(take(queue, 600)).toBe('bcde');
  });

  it('keeps the delay over a reconnect', () => {
    const queue = filled('ab');
    take(queue, 0);
    queue.postpone('a', 0, 700);
    queue.disconnected();
    queue.connected();
    expect([take(queue, 699), queue.nextTimeout(), take(queue, 700)]).toEqual(['', 700, 'ab']);
  });

  it('goes on with the next entry when a postponed one is given up', () => {
    const queue = filled('ab');
    take(queue, 0);
    queue.postpone('a', 0, 10_000);
    queue.settle('a');
    expect(take(queue, 1)).toBe('b');
  });

  it('can postpone an entry that is not out yet, and one twice', () => {
    const queue = filled('abc', { window: 1 });
    take(queue, 0);
    queue.postpone('b', 0, 300);
    queue.settle('a');
    expect(take(queue, 10)).toBe('');
    queue.postpone('b', 10, 100);
    expect([take(queue, 109), take(queue, 110)]).toEqual(['', 'b']);
    queue.postpone('nothing', 0, 100);
  });

  it('does not ask to be woken for a delay that is over while the window is full', () => {
    const queue = make({ window: 1 });
    queue.add('a', 'c');
    queue.connected();
    take(queue, 0);
    queue.postpone('a', 0, 50);
    queue.add('X', 'other');
    take(queue, 10);
    expect(queue.nextTimeout()).toBe(10 + 1_001);
    expect(take(queue, 100)).toBe('');
    expect(queue.nextTimeout()).toBe(10 + 1_001);
    queue.settle('X');
    expect(take(queue, 101)).toBe('a');
  });

  it('is not held up by a clock that was set back', () => {
    const queue = filled('ab');
    take(queue, 1_000_000);
    queue.settle('a');
    expect(take(queue, 5_000)).toBe('b');
    queue.postpone('b', 1_000_000, 60_000);
    expect(take(queue, 6_000)).toBe('b');
    expect(queue.nextTimeout()).toBeLessThan(6_000 + 10_000);
  });

  it('settles 100,000 entries of one conversation in linear time', () => {
    const queue = make({ window: 64 });
    for (let index = 0; index < 100_000; index += 1) queue.add(`${index}`, 'c');
    queue.connected();
    const started = performance.now();
    let settled = 0;
    for (let now = 0; queue.size > 0; now += 1) {
      for (const id of queue.takeDue(now)) {
        queue.settle(id);
        settled += 1;
      }
    }
    expect(settled).toBe(100_000);
    // Copying the lane for each settle moves 5 billion entries.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
