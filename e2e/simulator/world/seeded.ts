import type { Random } from '@fastim/core';
import { seededRandom, seededRandomPort } from '@fastim/core/testing';

/** Everything that is left to chance in a run, drawn from one stream of numbers. */
export class Chance {
  readonly #fraction: () => number;

  constructor(seed: number) {
    this.#fraction = seededRandom(seed);
    // The first numbers of neighbouring seeds are alike.
    for (let index = 0; index < 4; index += 1) this.#fraction();
  }

  fraction(): number {
    return this.#fraction();
  }

  /** An integer, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#fraction() * (high - low + 1));
  }

  /** Between the two, small ones more often: evenly over their logarithm. */
  skewed(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.#fraction());
  }

  happens(probability: number): boolean {
    return this.#fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#fraction() * list.length)]!;
  }

  /** `undefined` for an empty list. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.pick(list);
  }

  /** By weight; the weights need not add up to anything. */
  weighted<T>(choices: ReadonlyArray<readonly [T, number]>): T {
    let left = this.#fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return choices[choices.length - 1]![0];
  }

  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let index = result.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.#fraction() * (index + 1));
      [result[index], result[other]] = [result[other]!, result[index]!];
    }
    return result;
  }
}

/** A stream of its own for each name, so that what one part draws does not move what another gets. */
export function streamOf(seed: number, name: string): Chance {
  return new Chance(mix(seed, name));
}

export function randomPortOf(seed: number, name: string): Random {
  return seededRandomPort(mix(seed, name));
}

function mix(seed: number, name: string): number {
  let hash = (seed ^ 0x9e3779b9) >>> 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x85ebca6b) >>> 0;
    hash = (hash ^ (hash >>> 13)) >>> 0;
  }
  return hash;
}
