import type { Random } from '@fastim/core';
import type { ChannelKind, GrayRule } from '../registry/contract.ts';
import { isGrayFor } from './gray-rules.ts';
import { twoRandomChoices } from './two-random-choices.ts';

/** A gate as the chooser sees it. */
export interface GateCandidate {
  readonly gateId: string;
  /** As of its last report. */
  readonly connections: number;
  /** Clients that were sent there and are not among `connections`. */
  readonly reservations: number;
  /** Connections that it takes. */
  readonly capacity: number;
  /** False while it starts or drains. */
  readonly accepting: boolean;
  readonly appIds: readonly string[];
  readonly channels: readonly ChannelKind[];
  /** Empty: for everybody. */
  readonly grayRules: readonly GrayRule[];
}

/** Who asks, and for what. */
export interface GateQuestion {
  readonly userId: bigint;
  /** "name/semver". */
  readonly clientVersion: string;
  readonly appId: string;
  /** both: one connection for all conversations. */
  readonly channel: ChannelKind | 'both';
}

/** Whether a gate is out of the question. Pure. */
export interface GateRule {
  readonly name: string;
  admits(gate: GateCandidate, question: GateQuestion): boolean;
}

/** Ids of gates that take this client, best first, each once; the client tries them in this order. Empty: none does. */
export type GatePolicy = (candidates: readonly GateCandidate[], question: GateQuestion) => readonly string[];

/** Puts equals in order, the best first; at most `count` of them. Never changes what it is given. */
export type GateOrder = (gates: readonly GateCandidate[], count: number) => readonly GateCandidate[];

const MAX_ANSWERS = 3;

/** What a gate has to be, in the order in which it is asked. */
export const gateRules: readonly GateRule[] = [
  { name: 'accepting', admits: (gate) => gate.accepting },
  { name: 'app', admits: (gate, { appId }) => gate.appIds.includes(appId) },
  {
    name: 'channel',
    admits: ({ channels }, { channel }) =>
      channel === 'both' ? channels.includes('single') && channels.includes('group') : channels.includes(channel),
  },
  { name: 'gray', admits: (gate, question) => gate.grayRules.length === 0 || isGrayFor(gate.grayRules, question) },
  { name: 'capacity', admits: (gate) => gate.connections + gate.reservations < gate.capacity },
];

/** Rules and an order make a policy. Those whom a gray rule sends somewhere get gray gates first, the others behind them. */
export function gatePolicy(rules: readonly GateRule[], order: GateOrder): GatePolicy {
  return (candidates, question) => {
    const fit = candidates.filter((gate) => rules.every((rule) => rule.admits(gate, question)));
    const gray = order(
      fit.filter((gate) => gate.grayRules.length > 0),
      MAX_ANSWERS,
    );
    const common = order(
      fit.filter((gate) => gate.grayRules.length === 0),
      MAX_ANSWERS,
    );
    return answersOf(gray, common).map((gate) => gate.gateId);
  };
}

/** The policy of the LSB. */
export function standardGatePolicy(random: Pick<Random, 'fraction'>): GatePolicy {
  return gatePolicy(gateRules, twoRandomChoices(random));
}

/** A gray gate is on trial: there is always a way around it. */
function answersOf(gray: readonly GateCandidate[], common: readonly GateCandidate[]): readonly GateCandidate[] {
  const grayAnswers = common.length > 0 ? gray.slice(0, MAX_ANSWERS - 1) : gray;
  return [...grayAnswers, ...common].slice(0, MAX_ANSWERS);
}
