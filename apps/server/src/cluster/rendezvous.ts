/**
 * The one of `nodeIds` that `key` belongs to (highest random weight): everybody who knows the same nodes says the same,
 * and when a node goes only its own keys move. Undefined without nodes. The order of `nodeIds` does not matter.
 */
export function rendezvous(key: string, nodeIds: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const nodeId of nodeIds) {
    const weight = hash(`${key}\n${nodeId}`);
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && nodeId < best)) {
      best = nodeId;
      bestWeight = weight;
    }
  }
  return best;
}

/** FNV-1a, its bits mixed once more: the low ones of similar texts are alike. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
