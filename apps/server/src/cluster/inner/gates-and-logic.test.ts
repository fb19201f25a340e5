import {
  CloseCode,
  Command,
  createGroupRequest,
  createGroupResponse,
  loginRequest,
  type Message,
  MessageKind,
  MsgType,
  messagePush,
  plainText,
  sendRequest,
  sendResponse,
  textBody,
} from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { request, type TcpClient } from '../../gate/testing/tcp-client.ts';
import { clientMsgId } from '../../logic/testing/logic-harness.ts';
import { until } from './testing/inner-world.ts';
import { type GateMember, SmallCluster } from './testing/small-cluster.ts';

let cluster: SmallCluster;
afterEach(() => cluster.stop());

let made = 0;

class Person {
  readonly userId: bigint;
  readonly client: TcpClient;
  #next = 0;

  private constructor(userId: bigint, client: TcpClient) {
    this.userId = userId;
    this.client = client;
  }

  static async online(userId: bigint, gate: GateMember): Promise<Person> {
    const person = new Person(userId, await cluster.connect(gate));
    const accessToken = `${userId}/phone${gate.nodeId.slice(5, 6)}/${userId * 100n}/1`;
    const login = loginRequest.encode({ accessToken, clientVersion: 'test/1.0.0', gateTicket: '' });
    expect(await person.client.status(person.ask(Command.login, login))).toBeUndefined();
    return person;
  }

  ask(cmd: number, data: Uint8Array): number {
    const sequenceId = this.#next++;
    this.client.send(request(cmd, sequenceId, data));
    return sequenceId;
  }

  send(conversationId: bigint, text: string): number {
    made += 1;
    const body = textBody.encode(plainText(text));
    const kind = MessageKind.text;
    return this.ask(Command.send, sendRequest.encode({ clientMsgId: clientMsgId(made), conversationId, kind, body }));
  }

  async ack(sequenceId: number) {
    await this.client.until('it is acked', () => this.client.response(sequenceId) !== undefined);
    return sendResponse.decode(this.client.response(sequenceId)!.data);
  }

  /** What was pushed to it, in order. */
  get messages(): Message[] {
    return this.client.frames
      .filter((frame) => frame.cmd === Command.messages && frame.msgType === MsgType.notify)
      .flatMap((frame) => messagePush.decode(frame.data).messages);
  }

  texts(conversationId: bigint): string[] {
    return this.messages
      .filter((message) => message.conversationId === conversationId)
      .map((message) => textBody.decode(message.body).text);
  }
}

async function setUp(): Promise<{ alice: Person; bob: Person; direct: bigint[] }> {
  cluster = await new SmallCluster().start(2, 2);
  const { storage } = cluster;
  for (let userId = 1n; userId <= 40n; userId += 1n) {
    await storage.users.create({
      userId,
      username: `user${userId}`,
      usernameKey: `user${userId}`,
      displayName: `User ${userId}`,
      passwordHash: 'x',
      createdMs: Date.now(),
      showOnline: true,
    });
  }
  const direct: bigint[] = [];
  for (let peer = 2n; peer <= 20n; peer += 1n) {
    direct.push((await storage.openDirect(1n, peer, 1_000n + peer, Date.now())).conversationId);
  }
  const [first, second] = cluster.gates as [GateMember, GateMember];
  return { alice: await Person.online(1n, first), bob: await Person.online(2n, second), direct };
}

describe('two gates and two logic nodes over TCP', () => {
  it('carry messages between clients of different gates, in order, both ways', async () => {
    const { alice, bob, direct } = await setUp();
    const conversation = direct[0]!;
    const texts = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    const acks = await Promise.all(texts.map((text) => alice.ack(alice.send(conversation, text))));
    expect(acks.map(({ convSeq }) => convSeq)).toEqual(texts.map((_, index) => index + 1));
    await bob.client.until('all have arrived', () => bob.messages.length >= 100);
    expect(bob.texts(conversation)).toEqual(texts);
    await bob.ack(bob.send(conversation, 'and back'));
    await alice.client.until('it has arrived', () => alice.messages.length > 0);
    expect(alice.texts(conversation)).toEqual(['and back']);
    for (const member of [...cluster.gates, ...cluster.logics]) expect(member.node.errors).toEqual([]);
  });

  it('store each conversation at its owner, wherever the sender is connected', async () => {
    const { alice, direct } = await setUp();
    for (const conversation of direct) await alice.ack(alice.send(conversation, 'hello'));
    const counts = cluster.logics.map(({ appended }) => appended.messages);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(direct.length);
    for (const count of counts) expect(count).toBeGreaterThan(2);
    // One batch at a time reached the store; nothing was stored twice.
    expect(cluster.storage.batches.flat()).toHaveLength(direct.length);
  });

  it('carry a group to all its members, one packet for each gate', async () => {
    const { alice, bob } = await setUp();
    const others: Person[] = [];
    for (let user = 3n; user <= 20n; user += 1n)
      others.push(await Person.online(user, cluster.gates[Number(user % 2n)]!));
    const created = alice.ask(
      Command.createGroup,
      createGroupRequest.encode({
        clientMsgId: clientMsgId(++made),
        name: 'everybody',
        avatarColor: 0,
        userIds: Array.from({ length: 19 }, (_, index) => BigInt(index + 2)),
      }),
    );
    expect(await alice.client.status(created)).toBeUndefined();
    const { conversation } = createGroupResponse.decode(alice.client.response(created)!.data);
    const heads = (person: Person): number =>
      person.client.frames.filter(({ cmd }) => cmd === Command.heads || cmd === Command.messages).length;
    await until('all know of it', () => [bob, ...others].every((person) => heads(person) > 0));
    const before = [bob, ...others].map(heads);
    await bob.ack(bob.send(conversation!.conversationId, 'hello all'));
    await until('all have heard', () => others.every((person, index) => heads(person) > before[index + 1]!));
    await until('alice too', () => heads(alice) > 0);
  });

  it('close the connections of a logic node that dies; the clients come back to the other and lose nothing', async () => {
    const { alice, bob, direct } = await setUp();
    const people = [alice, bob];
    for (let user = 3n; user <= 20n; user += 1n)
      people.push(await Person.online(user, cluster.gates[Number(user % 2n)]!));
    const [dying] = cluster.logics;
    await dying!.stop();
    await until('its clients are told', () => people.some((person) => person.client.goodbye !== undefined));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const gone = people.filter((person) => person.client.goodbye);
    const stay = people.filter((person) => !person.client.goodbye);
    expect([gone.length > 2, stay.length > 2]).toEqual([true, true]);
    for (const person of gone) expect(person.client.goodbye!.closeCode).toBe(CloseCode.nodeLost);
    const back = await Promise.all(gone.map((person) => Person.online(person.userId, cluster.gates[0]!)));
    const now = new Map([...stay, ...back].map((person) => [person.userId, person]));
    for (const [index, conversation] of direct.entries()) {
      const ack = await now.get(1n)!.ack(now.get(1n)!.send(conversation, `to ${index}`));
      expect(ack).toMatchObject({ status: undefined, convSeq: 1 });
      const peer = now.get(BigInt(index + 2))!;
      await peer.client.until('it has arrived', () => peer.texts(conversation).length === 1);
    }
  });

  it('go on when a gate is started anew and a logic node is added', async () => {
    const { alice, direct } = await setUp();
    await cluster.gates[1]!.stop();
    const gate = await cluster.addGate('gate-2');
    await cluster.addLogic('logic-3');
    await cluster.linked();
    const bob = await Person.online(2n, gate);
    await alice.ack(alice.send(direct[0]!, 'to the new gate'));
    await bob.client.until('it has arrived', () => bob.messages.length === 1);
    expect(bob.texts(direct[0]!)).toEqual(['to the new gate']);
  });

  it('keep all links when the registry is flushed', async () => {
    const { alice, bob, direct } = await setUp();
    cluster.registry.flush();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await cluster.linked();
    await alice.ack(alice.send(direct[0]!, 'still here'));
    expect([alice.client.goodbye, bob.client.goodbye]).toEqual([undefined, undefined]);
  });
});
