import type { LogicPort } from '../cluster/contract.ts';
import { LogicLinks } from '../cluster/logic-links.ts';

/** A gate's logic nodes, and how many there are: without one, nobody can log in. */
export class CountedLinks extends LogicLinks {
  /** Resolves when the first node has come. */
  readonly first: Promise<void>;
  readonly #here = new Set<string>();
  readonly #came: () => void;
  #changed: () => void = () => undefined;

  constructor(gate: ConstructorParameters<typeof LogicLinks>[0]) {
    super(gate);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#came = resolve;
  }

  get count(): number {
    return this.#here.size;
  }

  /** Called when there is one again, or none any more. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  override nodeCame(nodeId: string, node: LogicPort): void {
    super.nodeCame(nodeId, node);
    this.#here.add(nodeId);
    this.#came();
    if (this.#here.size === 1) this.#changed();
  }

  override nodeGone(nodeId: string): void {
    super.nodeGone(nodeId);
    if (this.#here.delete(nodeId) && this.#here.size === 0) this.#changed();
  }
}
