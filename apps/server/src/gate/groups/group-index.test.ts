import { Command, HEADER_LENGTH, MAX_DATA_AFTER_LOGIN, MAX_REPEATED, typingPush } from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASK_AGAIN_MS, HEAD_GAP_MS, TICK_MS } from '../gate-limits.ts';
import { GROUP, type GroupClient, GroupHarness } from '../testing/group-harness.ts';

let gate: GroupHarness;
beforeEach(async () => {
  gate = await new GroupHarness().start();
});
afterEach(() => gate.stop());

const tellAll = (clients: readonly GroupClient[]) => clients.map((client) => client.told());

describe('a packet of a group', () => {
  it('is a body for those who look at it, a head for the others, and nothing for who sent it or does not follow', () => {
    const [viewer, other, sender] = [gate.member(1n), gate.member(2n), gate.member(3n)];
    const stranger = gate.connect(4n);
    gate.view(viewer);
    gate.view(sender);
    gate.view(stranger);
    gate.group(2, { except: sender.id });
    gate.tick();
    expect(tellAll([viewer, other, sender, stranger])).toEqual([['body 2'], ['head 2'], [], []]);
    gate.calm();
    gate.lookAway(viewer);
    gate.view(other);
    gate.group(3);
    gate.tick();
    expect(tellAll([viewer, other, sender])).toEqual([['head 3'], ['body 3'], ['body 3']]);
  });

  it('goes nowhere when nobody follows the group', () => {
    const client = gate.member(1n);
    gate.group(2, { conversationId: 901n });
    gate.tick();
    expect(client.news()).toEqual([]);
  });

  it('reaches each connection of a user', () => {
    const devices = [gate.member(1n), gate.member(1n)];
    gate.group(2, { except: devices[0]!.id });
    gate.tick();
    expect(tellAll(devices)).toEqual([[], ['head 2']]);
  });

  it('is followed once, however often that is said', () => {
    const client = gate.member(1n);
    gate.follow(client, 1);
    gate.follow(client, 5);
    gate.group(6);
    gate.tick();
    expect(client.told()).toEqual(['head 6']);
  });
});

describe('what one tick brings', () => {
  it('is one frame for each command, and of the heads of one conversation the last', () => {
    const client = gate.member(1n);
    gate.follow(client, 1, 901n);
    gate.follow(client, 1, 902n);
    gate.view(client, 902n);
    for (let convSeq = 2; convSeq <= 6; convSeq += 1) {
      for (const conversationId of [GROUP, 901n, 902n]) gate.group(convSeq, { conversationId });
    }
    gate.tick();
    const frames = client.news();
    expect(frames.map(({ cmd, logId }) => [cmd, logId])).toEqual([
      [Command.messages, 2],
      [Command.heads, 6],
    ]);
    gate.tick();
    expect(client.news()).toEqual([]);
  });

  it('has the bodies in the order in which they came', () => {
    const client = gate.member(1n);
    gate.view(client);
    for (const convSeq of [2, 3, 4]) gate.group(convSeq);
    gate.tick();
    expect(client.told()).toEqual(['body 2', 'body 3', 'body 4']);
  });

  it('keeps its place among the other frames of the connection', () => {
    const client = gate.member(1n);
    gate.downlink(client, Command.cursors);
    gate.group(2);
    gate.downlink(client, Command.reconnect);
    gate.group(3);
    gate.tick();
    expect(client.told()).toEqual(['19/3', 'head 2', '4/3', 'head 3']);
  });

  it('is encoded once for all who get the same, whatever the number', () => {
    const clients = Array.from({ length: 100 }, (_, index) => gate.member(BigInt(index + 1)));
    const written = new Set<Uint8Array>();
    for (const { socket } of clients) {
      const { write } = socket;
      socket.write = (bytes) => {
        written.add(bytes);
        write.call(socket, bytes);
      };
    }
    for (const client of clients.slice(0, 10)) gate.view(client);
    for (const client of clients.slice(10, 30)) gate.follow(client, 1, 901n);
    for (const convSeq of [2, 3]) gate.group(convSeq, { except: clients[99]!.id });
    gate.group(7, { conversationId: 901n });
    gate.tick();
    // Viewers, those in both groups, the others: three buffers for 99 connections.
    expect(written.size).toBe(3);
    expect(clients[0]!.told()).toEqual(['body 2', 'body 3']);
    expect(clients[20]!.told()).toEqual(['head 3', 'head 7 of 901']);
    expect(clients[98]!.told()).toEqual(['head 3']);
    expect(clients[99]!.told()).toEqual([]);
  });

  it('never goes over the limits of a frame', () => {
    const client = gate.member(1n);
    gate.view(client);
    for (let convSeq = 2; convSeq < 12; convSeq += 1) gate.group(convSeq, { bodyLength: 16_000 });
    for (let conversationId = 1_000n; conversationId < 3_500n; conversationId += 1n) {
      gate.follow(client, 1, conversationId);
      gate.group(2, { conversationId });
    }
    gate.tick();
    const frames = client.news();
    for (const { data } of frames) expect(data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
    expect(frames.filter(({ cmd }) => cmd === Command.messages)).toHaveLength(3);
    expect(frames.filter(({ cmd }) => cmd === Command.heads)).toHaveLength(Math.ceil(2_500 / MAX_REPEATED));
  });

  it('of a body that no frame can carry is a head', () => {
    const client = gate.member(1n);
    gate.view(client);
    gate.group(2, { bodyLength: MAX_DATA_AFTER_LOGIN });
    gate.tick();
    expect(client.told()).toEqual(['head 2']);
  });
});

describe('a group where much happens', () => {
  it('tells a head at once, and what follows it together a moment later', () => {
    const [client, sender] = [gate.member(1n), gate.member(2n)];
    gate.group(2, { except: sender.id });
    gate.tick();
    expect(client.told()).toEqual(['head 2']);
    for (let convSeq = 3; convSeq < 20; convSeq += 1) {
      gate.group(convSeq, { except: sender.id });
      gate.tick();
    }
    expect(client.told()).toEqual([]);
    gate.clock.advance(HEAD_GAP_MS - 1);
    gate.tick();
    expect(client.told()).toEqual([]);
    gate.clock.advance(1);
    gate.tick();
    expect(tellAll([client, sender])).toEqual([['head 19'], []]);
    // Again a pause, and after it nothing: the next one is told at once.
    gate.group(20);
    gate.tick();
    expect(client.told()).toEqual([]);
    gate.calm();
    expect(tellAll([client, sender])).toEqual([['head 20'], ['head 20']]);
    gate.calm();
    gate.group(21);
    gate.tick();
    expect(client.told()).toEqual(['head 21']);
  });

  it('gives bodies without a pause', () => {
    const viewer = gate.member(1n);
    gate.view(viewer);
    for (const convSeq of [2, 3, 4]) {
      gate.group(convSeq);
      gate.tick();
    }
    expect(viewer.told()).toEqual(['body 2', 'body 3', 'body 4']);
    gate.calm();
    expect(viewer.told()).toEqual([]);
  });

  it('tells who begins to look what was held back, and nothing to who is out by then', () => {
    const [viewer, other] = [gate.member(1n, 2), gate.member(2n, 2)];
    gate.group(3);
    gate.tick();
    gate.group(4);
    gate.view(viewer);
    gate.view(viewer);
    gate.group(5, { removed: [2n] });
    gate.tick();
    expect(viewer.told()).toEqual(['head 3', 'head 4', 'body 5']);
    gate.calm();
    expect(tellAll([viewer, other])).toEqual([[], ['head 3']]);
  });

  it('leaves no timer behind when the last one goes', () => {
    const before = gate.clock.pendingTimers;
    const client = gate.member(1n);
    gate.group(2);
    gate.tick();
    expect(gate.clock.pendingTimers).toBe(before + 1);
    client.socket.close();
    expect(gate.clock.pendingTimers).toBe(before);
  });
});

describe('who leaves', () => {
  it('gets nothing of the notice of it and of what follows, on none of the devices', () => {
    const [stays, phone, laptop] = [gate.member(1n), gate.member(2n), gate.member(2n)];
    gate.view(phone);
    gate.group(2);
    gate.group(3, { removed: [2n] });
    gate.group(4, { removalsSeq: 3 });
    gate.tick();
    expect(tellAll([stays, phone, laptop])).toEqual([['head 4'], ['body 2'], ['head 2']]);
    expect(gate.logic.stale).toEqual([]);
  });

  it('is not brought back by what was read before', () => {
    const [, gone] = [gate.member(1n, 2), gate.member(2n, 2)];
    gate.group(3, { removed: [2n] });
    gate.follow(gone, 2);
    gate.group(4, { removalsSeq: 3 });
    gate.tick();
    expect(gone.news()).toEqual([]);
    expect(gate.logic.stale).toEqual([{ conversationId: GROUP, userIds: [2n] }]);
    gate.gate.confirm(GROUP, [], 3);
    gate.group(5, { removalsSeq: 3 });
    gate.tick();
    expect(gone.news()).toEqual([]);
    expect(gate.logic.stale).toHaveLength(1);
  });

  it('comes back with what is read after the return, and gets nothing from between', () => {
    const [, back] = [gate.member(1n, 2), gate.member(2n, 2)];
    gate.group(3, { removed: [2n] });
    gate.follow(back, 6);
    gate.view(back);
    for (const convSeq of [4, 5, 6, 7]) gate.group(convSeq, { removalsSeq: 3 });
    gate.tick();
    expect(back.told()).toEqual(['body 6', 'body 7']);
  });

  it('and has come back stays, when the packet of the leaving is late', () => {
    const [, back] = [gate.member(1n, 2), gate.member(2n, 2)];
    gate.follow(back, 6);
    gate.group(3, { removed: [2n] });
    gate.group(6, { removalsSeq: 3 });
    gate.tick();
    expect(back.told()).toEqual(['head 6']);
  });

  it('late, behind younger packets, is asked about', () => {
    const [stays, gone] = [gate.member(1n), gate.member(2n)];
    gate.group(4, { removalsSeq: 0 });
    gate.group(3, { removed: [2n] });
    gate.tick();
    gate.calm();
    stays.news();
    gone.news();
    gate.group(5, { removalsSeq: 3 });
    gate.tick();
    expect(tellAll([stays, gone])).toEqual([['head 5'], []]);
    expect(gate.logic.stale.at(-1)).toEqual({ conversationId: GROUP, userIds: [2n] });
  });

  it('is forgotten with the last connection, and costs nothing', async () => {
    const clients = [gate.member(1n), gate.member(2n)];
    expect(await gate.metric('fastim_gate_groups', { of: 'follows' })).toBe(2);
    for (const { socket } of clients) socket.close();
    expect(await gate.metric('fastim_gate_groups', { of: 'conversations' })).toBe(0);
    gate.group(2);
    gate.tick();
    expect(tellAll(clients)).toEqual([[], []]);
  });
});

describe('a removal that this gate was not told of', () => {
  it('holds everything back until logic has said who is a member, and then tells the head', () => {
    const [stays, gone] = [gate.member(1n), gate.member(2n)];
    gate.view(stays);
    gate.group(6, { removalsSeq: 5 });
    gate.group(7, { removalsSeq: 5 });
    gate.tick();
    expect(tellAll([stays, gone])).toEqual([[], []]);
    expect(gate.logic.stale).toEqual([{ conversationId: GROUP, userIds: [1n, 2n] }]);
    gate.gate.confirm(GROUP, [1n], 5);
    gate.tick();
    expect(tellAll([stays, gone])).toEqual([['head 7'], []]);
    gate.group(8, { removalsSeq: 5 });
    gate.tick();
    expect(tellAll([stays, gone])).toEqual([['body 8'], []]);
    expect(gate.logic.stale).toHaveLength(1);
  });

  it('is noticed also by the packet of another removal', () => {
    const [stays, missed, gone] = [gate.member(1n), gate.member(2n), gate.member(3n)];
    // Somebody was removed by 4; this gate hears of 6 only.
    gate.group(6, { removed: [3n] });
    gate.tick();
    expect(tellAll([stays, missed, gone])).toEqual([[], [], []]);
    expect(gate.logic.stale).toEqual([{ conversationId: GROUP, userIds: [1n, 2n] }]);
    gate.gate.confirm(GROUP, [1n], 6);
    gate.tick();
    expect(tellAll([stays, missed, gone])).toEqual([['head 6'], [], []]);
  });

  it('is no question when its packet only comes late', () => {
    const [stays, gone] = [gate.member(1n), gate.member(2n)];
    gate.group(2);
    gate.group(4, { removalsSeq: 3 });
    gate.group(3, { removed: [2n] });
    gate.tick();
    expect(tellAll([stays, gone])).toEqual([['head 4'], ['head 2']]);
  });

  it('is asked about again when no answer comes, not with every packet', () => {
    gate.member(1n);
    for (let convSeq = 6; convSeq < 20; convSeq += 1) gate.group(convSeq, { removalsSeq: 5 });
    expect(gate.logic.stale).toHaveLength(1);
    gate.clock.advance(ASK_AGAIN_MS + TICK_MS);
    gate.group(20, { removalsSeq: 5 });
    expect(gate.logic.stale).toHaveLength(2);
  });

  it('that is newer than the answer is asked about at once', () => {
    const client = gate.member(1n);
    gate.group(6, { removalsSeq: 5 });
    gate.group(9, { removalsSeq: 8 });
    gate.gate.confirm(GROUP, [1n], 5);
    gate.tick();
    expect(client.news()).toEqual([]);
    expect(gate.logic.stale).toHaveLength(2);
    gate.gate.confirm(GROUP, [1n], 8);
    gate.tick();
    expect(client.told()).toEqual(['head 9']);
  });

  it('concerns only those whose membership was read before it', () => {
    const [knows] = [gate.member(1n, 5)];
    gate.group(6, { removalsSeq: 5 });
    const late = gate.member(2n, 0);
    gate.calm();
    gate.group(7, { removalsSeq: 5 });
    gate.tick();
    expect(tellAll([knows, late])).toEqual([['head 6', 'head 7'], []]);
    expect(gate.logic.stale).toEqual([{ conversationId: GROUP, userIds: [2n] }]);
    // A newer reading settles it as well as the answer.
    gate.follow(late, 6);
    gate.tick();
    expect(late.told()).toEqual(['head 7']);
  });

  it('with an answer that nobody asked for changes nothing', () => {
    const client = gate.member(1n);
    gate.gate.confirm(GROUP, [], 5);
    gate.gate.confirm(901n, [], 5);
    gate.group(2);
    gate.tick();
    expect(client.told()).toEqual(['head 2']);
  });
});

describe('a packet behind a younger one', () => {
  it('makes those who look at the conversation pull, and says nothing to the others', () => {
    const [viewer, other] = [gate.member(1n), gate.member(2n)];
    gate.view(viewer);
    gate.group(3);
    gate.tick();
    expect(tellAll([viewer, other])).toEqual([['body 3'], ['head 3']]);
    gate.group(2);
    gate.tick();
    expect(tellAll([viewer, other])).toEqual([['head 3'], []]);
  });
});

describe('who follows late', () => {
  it('is told the head, but not by the log-in, which is followed by a sync', () => {
    gate.member(1n);
    for (const convSeq of [2, 3, 4]) gate.group(convSeq);
    gate.logic.silentLogin = true;
    const invited = gate.connect(2n);
    const login = gate.logic.packets.at(-1)!;
    gate.gate.bind(invited.id, { userId: 2n, deviceId: 'd', sessionId: 9n, epoch: 1 });
    gate.follow(invited, 3);
    gate.logic.answer(login, new Uint8Array(0));
    gate.tick();
    expect(invited.told()).toEqual(['1/2']);
    const other = gate.connect(3n);
    gate.gate.bind(other.id, { userId: 3n, deviceId: 'e', sessionId: 10n, epoch: 1 });
    gate.logic.answer(gate.logic.packets.at(-1)!, new Uint8Array(0));
    gate.follow(other, 3);
    gate.tick();
    expect(other.told()).toEqual(['1/2', 'head 4']);
  });
});

describe('a signal', () => {
  const piece = typingPush.encode({ typing: [{ conversationId: GROUP, userId: 1n }] });
  const signal = (viewersOnly: boolean, asOfSeq = 0) =>
    gate.gate.signal({
      conversationId: GROUP,
      asOfSeq,
      viewersOnly,
      exceptUser: 1n,
      cmd: Command.typingPush,
      piece,
      logId: 0,
    });

  it('goes to all but the user it is about, or only to those who look', () => {
    const [self, viewer, other] = [gate.member(1n), gate.member(2n), gate.member(3n)];
    gate.view(viewer);
    gate.view(self);
    signal(false);
    gate.tick();
    expect(tellAll([self, viewer, other])).toEqual([[], ['typing 1'], ['typing 1']]);
    signal(true);
    gate.tick();
    expect(tellAll([self, viewer, other])).toEqual([[], ['typing 1'], []]);
  });

  it('does not go to somebody whose membership is in doubt, nor where nobody follows', () => {
    const [, doubtful] = [gate.member(2n, 5), gate.member(3n, 5)];
    gate.group(6, { removed: [9n] });
    const late = gate.member(4n, 1);
    gate.tick();
    doubtful.news();
    late.news();
    signal(false);
    gate.gate.signal({ conversationId: 77n, asOfSeq: 0, viewersOnly: false, exceptUser: 1n, cmd: 23, piece, logId: 0 });
    gate.tick();
    expect(tellAll([doubtful, late])).toEqual([['typing 1'], []]);
  });
});

describe('a signal from a time that the gate has not heard of', () => {
  const piece = typingPush.encode({ typing: [{ conversationId: GROUP, userId: 1n }] });
  const signal = (asOfSeq: number) =>
    gate.gate.signal({
      conversationId: GROUP,
      asOfSeq,
      viewersOnly: false,
      exceptUser: 1n,
      cmd: Command.typingPush,
      piece,
      logId: 0,
    });

  it('does not reach somebody whose removal was lost; once members are known it goes through', () => {
    const [member, removed] = [gate.member(2n, 5), gate.member(3n, 5)];
    gate.group(5);
    gate.tick();
    tellAll([member, removed]);
    // At 6 user 3 was removed, and this gate was not told.
    signal(7);
    gate.tick();
    expect(tellAll([member, removed])).toEqual([[], []]);
    expect(gate.logic.stale.splice(0)).toEqual([{ conversationId: GROUP, userIds: [2n, 3n] }]);
    gate.gate.confirm(GROUP, [2n], 7);
    gate.tick();
    tellAll([member, removed]);
    signal(7);
    gate.tick();
    expect(tellAll([member, removed])).toEqual([['typing 1'], []]);
    // It is known now: nobody is asked again.
    expect(gate.logic.stale).toEqual([]);
  });

  it('waits for nothing when the packet it was ahead of comes', () => {
    const [member, other] = [gate.member(2n, 5), gate.member(3n, 5)];
    gate.group(5);
    gate.tick();
    gate.calm();
    tellAll([member, other]);
    signal(6);
    gate.group(6);
    signal(6);
    gate.tick();
    expect(tellAll([member, other])).toEqual([
      ['head 6', 'typing 1'],
      ['head 6', 'typing 1'],
    ]);
  });
});

describe('a client that does not read', () => {
  const fill = (client: GroupClient) => {
    client.socket.blocked = true;
    const frame = new Uint8Array(60_000);
    while (client.socket.unwritten === 0) {
      gate.downlink(client, Command.messages, frame);
      gate.tick();
    }
    for (let bytes = 0; bytes <= gate.config.outQueueSoftBytes; bytes += frame.length + HEADER_LENGTH) {
      gate.downlink(client, Command.messages, frame);
    }
    gate.tick();
  };
  const worst = () => gate.metric('fastim_gate_unsent_bytes', { of: 'worst' });

  it('has one head for each conversation to come, and its queue does not grow', async () => {
    const [slow, other] = [gate.member(1n), gate.member(2n)];
    gate.follow(slow, 1, 901n);
    gate.view(slow);
    fill(slow);
    const before = await worst();
    for (let convSeq = 2; convSeq < 5_000; convSeq += 1) {
      gate.group(convSeq, { bodyLength: 1_000 });
      if (convSeq % 100 === 0) gate.group(convSeq, { conversationId: 901n });
      if (convSeq % 7 === 0) gate.tick();
    }
    gate.calm();
    expect(await worst()).toBe(before);
    expect(other.told().at(-1)).toBe('head 4999');
    slow.news();
    slow.socket.unblock();
    gate.tick();
    const told = slow.news().filter(({ data }) => data.length < 60_000);
    expect(told.map(({ cmd }) => cmd)).toEqual([Command.heads]);
    gate.group(5_000);
    gate.tick();
    expect(slow.told()).toEqual(['body 5000']);
    expect(await gate.metric('fastim_gate_slow_consumers_total')).toBe(0);
  });

  it('is told nothing of a group that it was removed from meanwhile', () => {
    const slow = gate.member(1n);
    fill(slow);
    gate.group(2);
    gate.tick();
    gate.group(3, { removed: [1n] });
    gate.tick();
    slow.socket.unblock();
    gate.tick();
    expect(slow.news().filter(({ cmd }) => cmd === Command.heads)).toEqual([]);
  });

  it('does not get what may be dropped, of groups or of its own', async () => {
    const slow = gate.member(1n);
    gate.view(slow);
    fill(slow);
    const before = await worst();
    const piece = typingPush.encode({ typing: [{ conversationId: GROUP, userId: 2n }] });
    gate.gate.signal({
      conversationId: GROUP,
      asOfSeq: 0,
      viewersOnly: true,
      exceptUser: 2n,
      cmd: Command.typingPush,
      piece,
      logId: 0,
    });
    gate.downlink(slow, Command.presencePush);
    gate.tick();
    expect(await worst()).toBe(before);
    expect(await gate.metric('fastim_gate_dropped_total')).toBe(2);
    slow.socket.unblock();
    gate.tick();
    const after = slow.news().map(({ cmd }) => cmd);
    expect(after).not.toContain(Command.typingPush);
    expect(after).not.toContain(Command.presencePush);
  });
});
