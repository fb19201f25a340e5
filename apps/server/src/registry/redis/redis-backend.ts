import type { Random } from '@fastim/core';
import {
  channels,
  type Look,
  MAX_INTRUDERS,
  NUMBERS,
  type NumberOrder,
  type OwnFields,
  type RegistryBackend,
  type RouteFields,
  type RouteWrite,
} from '../shared/registry-backend.ts';
import type { RedisLink } from './redis-link.ts';
import {
  ADD_INTRUDERS,
  ADMIT,
  CLEAR_ROUTES,
  LOOK,
  READ_ROUTES,
  RELEASE_NUMBER,
  RENEW_NUMBER,
  RENEW_ROUTES,
  REPORT,
  RESERVATIONS,
  RESERVE,
  TAKE_NUMBER,
  WRITE_ROUTES,
} from './redis-scripts.ts';

const SCANNED_AT_ONCE = 500;

/** Each call is one script, so it happens as a whole or not at all, and in the order of the calls. */
export class RedisBackend implements RegistryBackend {
  readonly #link: RedisLink;
  readonly #random: Random;
  readonly #prefix: string;

  /** `prefix`: in front of every key and channel. */
  constructor(options: { link: RedisLink; random: Random; prefix: string }) {
    this.#link = options.link;
    this.#random = options.random;
    this.#prefix = options.prefix;
  }

  async look(): Promise<Look> {
    const era = Buffer.from(this.#random.bytes(9)).toString('base64url');
    const [found, ...nodes] = (await this.#eval(
      LOOK,
      [this.#key('era'), this.#key('nodes')],
      [era, this.#key('node:')],
    )) as string[];
    return { era: found ?? '', nodes };
  }

  async report(nodeId: string, record: string, expiryMs: number, news: boolean): Promise<void> {
    const channel = news ? this.#key(channels.nodes) : '';
    await this.#eval(REPORT, [this.#key('nodes'), this.#key(`node:${nodeId}`)], [nodeId, record, expiryMs, channel]);
  }

  async withdraw(nodeId: string): Promise<void> {
    await this.#link.run((redis) => redis.del(this.#key(`node:${nodeId}`)));
  }

  async addIntruders(texts: readonly string[]): Promise<void> {
    await this.#eval(ADD_INTRUDERS, [this.#key('intruders')], [MAX_INTRUDERS, ...texts]);
  }

  intruders(): Promise<readonly string[]> {
    return this.#link.run((redis) => redis.lrange(this.#key('intruders'), 0, -1));
  }

  async publish(channel: string, text: string): Promise<void> {
    await this.#link.run((redis) => redis.publish(this.#key(channel), text));
  }

  subscribe(channel: string): void {
    this.#link.subscribe(channel);
  }

  async writeRoutes(writes: readonly RouteWrite[], ttlMs: number): Promise<readonly RouteFields[]> {
    const packed = JSON.stringify(writes.map(({ userId, field, value }) => [userId, field, value ?? false]));
    return hashes(await this.#eval(WRITE_ROUTES, [], [packed, this.#key('user:'), ttlMs, this.#key(channels.routes)]));
  }

  async readRoutes(userIds: readonly string[]): Promise<readonly RouteFields[]> {
    return hashes(await this.#eval(READ_ROUTES, [], [JSON.stringify(userIds), this.#key('user:')]));
  }

  async clearRoutes(gone: ReadonlyArray<{ userId: string; field: string; value: string }>): Promise<void> {
    const packed = JSON.stringify(gone.map(({ userId, field, value }) => [userId, field, value]));
    await this.#eval(CLEAR_ROUTES, [], [packed, this.#key('user:'), this.#key(channels.routes)]);
  }

  async renewRoutes(owner: string, users: readonly OwnFields[], ttlMs: number): Promise<void> {
    const packed = JSON.stringify(users.map(({ userId, fields }) => [userId, Object.entries(fields).flat()]));
    const [users_, routes] = [this.#key('user:'), this.#key(channels.routes)];
    await this.#eval(RENEW_ROUTES, [], [packed, users_, ttlMs, routes, owner]);
  }

  async scanRoutes(cursor: string): Promise<{ cursor: string; users: (readonly [string, RouteFields])[] }> {
    const start = this.#key('user:');
    const [next, keys] = await this.#link.run((redis) =>
      redis.scan(cursor, 'MATCH', `${globLiteral(start)}*`, 'COUNT', SCANNED_AT_ONCE),
    );
    const userIds = keys.map((key) => key.slice(start.length));
    const fields = userIds.length === 0 ? [] : await this.readRoutes(userIds);
    return { cursor: next, users: userIds.map((userId, index) => [userId, fields[index] ?? {}]) };
  }

  async takeNumber(
    holder: string,
    ttlMs: number,
    quietMs: number,
    order: NumberOrder,
  ): Promise<number | 'wait' | 'none'> {
    const args = [this.#key('number:'), holder, ttlMs, quietMs, order.start, order.step, NUMBERS];
    const number = Number(await this.#eval(TAKE_NUMBER, [this.#key('era')], args));
    if (number === -2) return 'wait';
    return number < 0 ? 'none' : number;
  }

  async renewNumber(number: number, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#eval(RENEW_NUMBER, [this.#key(`number:${number}`)], [holder, ttlMs])) === 1;
  }

  async releaseNumber(number: number, holder: string): Promise<void> {
    await this.#eval(RELEASE_NUMBER, [this.#key(`number:${number}`)], [holder]);
  }

  async admit(perSecond: number, burst: number, maxDelayMs: number): Promise<number> {
    return Number(await this.#eval(ADMIT, [this.#key('admissions')], [perSecond, burst, maxDelayMs]));
  }

  async reserve(gateId: string, userId: string, expiryMs: number): Promise<void> {
    await this.#eval(RESERVE, [this.#key(`reserved:${gateId}`)], [userId, expiryMs]);
  }

  async arrived(gateId: string): Promise<void> {
    await this.#link.run((redis) => redis.zpopmin(this.#key(`reserved:${gateId}`)));
  }

  async reservations(gateIds: readonly string[]): Promise<readonly number[]> {
    if (gateIds.length === 0) return [];
    return (await this.#eval(RESERVATIONS, [], [this.#key('reserved:'), ...gateIds])) as number[];
  }

  async stop(): Promise<void> {
    this.#link.stop();
  }

  #key(name: string): string {
    return `${this.#prefix}${name}`;
  }

  #eval(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#link.run((redis) => redis.eval(script, keys.length, ...keys, ...args));
  }
}

/** Redis gives a hash as field, value, field, value … */
function hashes(reply: unknown): RouteFields[] {
  return (reply as string[][]).map((flat) => {
    const fields: Record<string, string> = {};
    for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index]!] = flat[index + 1]!;
    return fields;
  });
}

function globLiteral(text: string): string {
  return text.replaceAll(/[[\]*?\\]/g, '\\$&');
}
