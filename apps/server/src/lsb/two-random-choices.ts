import type { Random } from '@fastim/core';
import type { GateCandidate, GateOrder } from './choose-gate.ts';

/**
 * Of two gates drawn at random the one with more room, by connections and reservations together; the next answer comes
 * from the rest in the same way. The emptiest of all would get everybody until it reports, and so would each in turn.
 *
 * What gates report is seconds old, and a reservation may be counted twice (it arrived and was reported) or not yet (it
 * was made by another LSB). So a difference that is no larger than what is under way says nothing: then the draw decides,
 * which spreads a crowd evenly whatever is known of it.
 */
export function twoRandomChoices(random: Pick<Random, 'fraction'>): GateOrder {
  return (gates, count) => {
    const rest = [...gates];
    const chosen: GateCandidate[] = [];
    while (rest.length > 0 && chosen.length < count) {
      const first = draw(rest, random);
      const second = draw(rest, random);
      const better = second === undefined || !hasMoreRoom(second, first!) ? first! : second;
      if (better === first && second) rest.push(second);
      else if (better === second) rest.push(first!);
      chosen.push(better);
    }
    return chosen;
  };
}

/** Takes one out. */
function draw(gates: GateCandidate[], random: Pick<Random, 'fraction'>): GateCandidate | undefined {
  const at = Math.floor(random.fraction() * gates.length);
  const [drawn] = gates.splice(at, 1);
  return drawn;
}

/** `one` and `other` were drawn in random order, so saying no to a tie is a fair draw. */
function hasMoreRoom(one: GateCandidate, other: GateCandidate): boolean {
  const underWay = Math.max(one.reservations / one.capacity, other.reservations / other.capacity);
  return load(other) - load(one) > underWay;
}

/** Gates may be of different sizes. */
function load(gate: GateCandidate): number {
  return (gate.connections + gate.reservations) / gate.capacity;
}
