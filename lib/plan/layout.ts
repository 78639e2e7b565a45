import type { GraphBuilder, StateDeclaration } from "../graph/graph.ts";
import { sizeOf } from "../tensor.ts";
import { alignUp } from "./plan.ts";

export interface StateEntry {
  readonly declaration: StateDeclaration;
  /** In the state region; of a trained parameter also in the gradient region and each slot. */
  readonly offset: number;
  readonly size: number;
}

/** A run of parameters that lie side by side. */
export interface Block {
  readonly offset: number;
  readonly size: number;
}

/**
 * The one layout of a network's state: parameters first, in the order in which the layers declare
 * them, so that gradients and optimizer slots of the same layout are updated block by block. Entries
 * start on cache lines; the gaps hold zeros, and zeros they stay under every optimizer.
 */
export class StateLayout {
  readonly entries: ReadonlyMap<string, StateEntry>;
  /** Elements of all parameters, which come first. */
  readonly parameterSize: number;
  /** Elements of the whole state. */
  readonly size: number;

  constructor(graph: GraphBuilder) {
    const declarations = [...graph.states.values()].map((value) => {
      if (value.source.kind !== "state") throw new TypeError("a state value must come from a declaration");
      return value.source.state;
    });
    const entries = new Map<string, StateEntry>();
    let offset = 0;
    const place = (declaration: StateDeclaration): void => {
      const size = sizeOf(declaration.shape);
      entries.set(declaration.path, { declaration, offset, size });
      offset += alignUp(size);
    };
    declarations.filter(({ kind }) => kind === "parameter").forEach(place);
    this.parameterSize = offset;
    declarations.filter(({ kind }) => kind === "variable").forEach(place);
    this.entries = entries;
    this.size = offset;
  }

  entry(path: string): StateEntry {
    const entry = this.entries.get(path);
    if (entry === undefined) throw new TypeError(`no state at "${path}"`);
    return entry;
  }
}

/** Joins parameters that lie side by side, so that each block is one instruction. */
export function blocksOf(entries: readonly StateEntry[]): Block[] {
  const blocks: { offset: number; size: number }[] = [];
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
    const last = blocks.at(-1);
    if (last !== undefined && last.offset + alignUp(last.size) === entry.offset) {
      last.size = entry.offset + entry.size - last.offset;
    } else {
      blocks.push({ offset: entry.offset, size: entry.size });
    }
  }
  return blocks;
}
