import { alignUp } from "./plan.ts";

/** A piece of memory that is needed from instruction `start` to `end`, both included. */
export interface Lifetime {
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

export interface MemoryPlan {
  readonly offsets: readonly number[];
  readonly total: number;
}

/**
 * Gives each lifetime an offset such that none that overlap in time overlap in space: the largest
 * first, each at the lowest gap that fits (Pisarchyk & Lee 2020, "greedy by size").
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes
    .map((_, i) => i)
    .sort((a, b) => (lifetimes[b] as Lifetime).size - (lifetimes[a] as Lifetime).size || a - b);
  const placed: { offset: number; end: number; lifetime: Lifetime }[] = [];
  let total = 0;
  for (const index of order) {
    const lifetime = lifetimes[index] as Lifetime;
    const size = alignUp(lifetime.size);
    let offset = 0;
    for (const other of placed) {
      const apart = other.lifetime.end < lifetime.start || other.lifetime.start > lifetime.end;
      if (apart || other.end <= offset) continue;
      if (other.offset >= offset + size) break;
      offset = other.end;
    }
    offsets[index] = offset;
    total = Math.max(total, offset + size);
    placed.push({ offset, end: offset + size, lifetime });
    placed.sort((a, b) => a.offset - b.offset);
  }
  return { offsets, total };
}
