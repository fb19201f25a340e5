import { BusinessLine, type Clock, type RateLimiter } from '@fastim/core';
import {
  type ChangeGroupRequest,
  Command,
  changeGroupRequest,
  changeGroupResponse,
  createGroupRequest,
  createGroupResponse,
  FastimError,
  headPush,
  joinRequest,
  joinResponse,
} from '@fastim/protocol';
import type { Logger } from 'pino';
import type { UplinkPacket } from '../../cluster/contract.ts';
import { visitRoutes } from '../../routing/locate-user.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { GroupOutcome } from '../../storage/group-store.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Answer } from '../answer.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import type { MakeIds } from '../make-ids.ts';
import { requirePull } from '../require-pull.ts';
import type { Writes } from '../writes.ts';
import {
  type CheckedChange,
  checkChange,
  checkColor,
  checkName,
  checkUsers,
  requireClientMsgId,
  requireToken,
} from './check-group.ts';
import type { FollowGroups } from './follow-groups.ts';
import type { GroupFanOut } from './group-fan-out.ts';

type Stored = Extract<GroupOutcome, { notice: unknown }>;

/**
 * CREATE_GROUP, CHANGE_GROUP and JOIN: what makes and changes groups. Here it is checked whether the request makes sense;
 * whether its sender may is decided by the storage, in the transaction that also stores the notice. Then everybody is
 * told, and then it is answered. A repeat gets the first answer, and nobody is told again.
 */
export class ChangeGroups {
  readonly #storage: Pick<Storage, 'groups' | 'users' | 'conversations'>;
  readonly #fanOut: GroupFanOut;
  readonly #follow: FollowGroups;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #ids: MakeIds;
  readonly #answer: Answer;
  readonly #writes: Writes;
  readonly #rate: RateLimiter<bigint>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  readonly #maxMembers: number;

  constructor(parts: {
    storage: Pick<Storage, 'groups' | 'users' | 'conversations'>;
    fanOut: GroupFanOut;
    follow: FollowGroups;
    routes: RouteTable;
    toGate: SendToGate;
    ids: MakeIds;
    answer: Answer;
    writes: Writes;
    /** Changes per user. */
    rate: RateLimiter<bigint>;
    clock: Clock;
    logger: Logger;
    metrics: LogicMetrics;
    maxMembers: number;
  }) {
    this.#storage = parts.storage;
    this.#fanOut = parts.fanOut;
    this.#follow = parts.follow;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#ids = parts.ids;
    this.#answer = parts.answer;
    this.#writes = parts.writes;
    this.#rate = parts.rate;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#maxMembers = parts.maxMembers;
  }

  create(packet: UplinkPacket, route: Route): Promise<void> {
    const request = createGroupRequest.decode(packet.data);
    const me = route.identity.userId;
    requireClientMsgId(request.clientMsgId);
    const name = checkName(request.name);
    const avatarColor = checkColor(request.avatarColor);
    const memberIds = checkUsers(
      request.userIds.filter((userId) => userId !== me),
      0,
    );
    if (memberIds.length + 1 > this.#maxMembers) throw new FastimError('GROUP_FULL');
    return this.#run(packet, route, async () => {
      await this.#requireUsers(memberIds);
      const outcome = await this.#write(() =>
        this.#storage.groups.create({
          creatorId: me,
          clientMsgId: request.clientMsgId,
          conversationId: this.#ids.next(BusinessLine.group, packet.logId),
          msgId: this.#ids.next(BusinessLine.group, packet.logId),
          name,
          avatarColor,
          memberIds,
          nowMs: this.#clock.now(),
        }),
      );
      const { conversationId } = this.#told(packet, outcome);
      const [conversation] = await this.#storage.conversations.states(me, [conversationId]);
      if (conversation) this.#follow.named(route, [conversation]);
      this.#answer.with(packet, createGroupResponse.encode({ status: undefined, conversation }));
    });
  }

  change(packet: UplinkPacket, route: Route): Promise<void> {
    const request = changeGroupRequest.decode(packet.data);
    const checked = checkChange(request);
    return this.#run(packet, route, async () => {
      await this.#requireUsers(checked.userIds);
      const outcome = await this.#write(() =>
        this.#storage.groups.change(this.#toStore(packet, route, request, checked)),
      );
      const told = this.#told(packet, outcome);
      if (told.outcome === 'unchanged') this.#tellAdmins(told.conversationId, told.adminIds, packet.logId);
      const { convSeq, userIds } = 'notice' in told ? { convSeq: told.notice.convSeq, userIds: told.userIds } : nothing;
      this.#answer.with(packet, changeGroupResponse.encode({ status: undefined, convSeq, userIds: [...userIds] }));
    });
  }

  join(packet: UplinkPacket, route: Route): Promise<void> {
    const { clientMsgId, token } = joinRequest.decode(packet.data);
    const me = route.identity.userId;
    requireClientMsgId(clientMsgId);
    requireToken(token);
    return this.#run(packet, route, async () => {
      const outcome = await this.#write(() =>
        this.#storage.groups.joinByLink({
          token,
          userId: me,
          clientMsgId,
          msgId: this.#ids.next(BusinessLine.group, packet.logId),
          nowMs: this.#clock.now(),
          maxMembers: this.#maxMembers,
        }),
      );
      const told = this.#told(packet, outcome);
      if (told.outcome === 'requested') this.#tellAdmins(told.conversationId, told.adminIds, packet.logId);
      const states = 'notice' in told ? await this.#storage.conversations.states(me, [told.conversationId]) : [];
      this.#follow.named(route, states);
      this.#answer.with(packet, joinResponse.encode({ status: undefined, conversation: states[0] }));
    });
  }

  #run(packet: UplinkPacket, route: Route, work: () => Promise<void>): Promise<void> {
    requirePull(this.#rate, route.identity.userId, this.#clock.now());
    if (this.#logger.isLevelEnabled('debug')) {
      const { userId, deviceId } = route.identity;
      this.#logger.debug({ logId: packet.logId, userId: userId.toString(), deviceId }, 'group change accepted');
    }
    return this.#writes.run(work);
  }

  #toStore(packet: UplinkPacket, route: Route, request: ChangeGroupRequest, checked: CheckedChange) {
    return {
      ...checked,
      conversationId: request.conversationId,
      actorId: route.identity.userId,
      clientMsgId: request.clientMsgId,
      msgId: this.#ids.next(BusinessLine.group, packet.logId),
      change: request.change,
      nowMs: this.#clock.now(),
      maxMembers: this.#maxMembers,
    };
  }

  async #requireUsers(userIds: readonly bigint[]): Promise<void> {
    if (userIds.length === 0) return;
    const found = await this.#storage.users.byIds(userIds);
    if (found.length < userIds.length) throw new FastimError('NOT_FOUND', 'no such user');
  }

  async #write(store: () => Promise<GroupOutcome>): Promise<GroupOutcome> {
    try {
      return await store();
    } catch (error) {
      this.#fanOut.unsure();
      throw error;
    }
  }

  /** Tells those concerned, before anything is awaited. Throws the refusal. */
  #told(packet: UplinkPacket, outcome: GroupOutcome): Exclude<GroupOutcome, { outcome: 'refused' }> {
    if (outcome.outcome === 'refused') throw new FastimError(outcome.reason);
    if (outcome.outcome === 'stored') this.#tell(packet, outcome);
    return outcome;
  }

  #tell(packet: UplinkPacket, { notice, added, removed, removalsSeq }: Stored): void {
    this.#metrics.groupChanges += 1;
    this.#fanOut.stored({
      message: notice,
      targetSeq: 0,
      removalsSeq,
      added,
      removed,
      // The answer says that the notice is there, but not all that is in it.
      except: undefined,
      logId: packet.logId,
    });
  }

  /** A request to join waits, or was turned down. No message says so: a head of 0 means "ask for the conversation's state". */
  #tellAdmins(conversationId: bigint, adminIds: readonly bigint[], logId: number): void {
    const piece = headPush.encode({ heads: [{ conversationId, headSeq: 0 }] });
    for (const userId of adminIds) {
      visitRoutes(
        this.#routes,
        userId,
        (route) => this.#toGate.push(route, Command.heads, piece, logId),
        (error) => this.#answer.explain(error, logId),
      );
    }
  }
}

const nothing = { convSeq: 0, userIds: [] } as const;
