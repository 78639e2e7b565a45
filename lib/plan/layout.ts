import type { GraphBuilder, StateDeclaration } from "../graph/graph.ts";
import { sizeOf } from "../tensor.ts";
import { alignUp } from "./plan.ts";

export interface StateEntry {
  readonly declaration: StateDeclaration;
  /** In the state region; of a trained parameter also in the gradient region and each slot. */
  readonly offset: number;
  readonly size: number;
}

/** A run of parameters that lie side by side, or one large matrix. */
export interface Block {
  readonly offset: number;
  readonly size: number;
  readonly shape: readonly number[];
}

/** Elements from which on a matrix is a block of its own: threads then divide it as they do its product. */
const LARGE_MATRIX = 16384;

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

export function isLargeMatrix(shape: readonly number[]): boolean {
  return shape.length === 2 && sizeOf(shape) >= LARGE_MATRIX;
}

/** Large matrices one by one; what lies side by side between them joined, so that each block is one instruction. */
export function blocksOf(entries: readonly StateEntry[]): Block[] {
  const blocks: Block[] = [];
  let open: { offset: number; size: number } | undefined;
  const close = (): void => {
    if (open !== undefined) blocks.push({ ...open, shape: [open.size] });
    open = undefined;
  };
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
    const { offset, size } = entry;
    if (isLargeMatrix(entry.declaration.shape)) {
      close();
      blocks.push({ offset, size, shape: entry.declaration.shape });
    } else if (open !== undefined && open.offset + alignUp(open.size) === offset) {
      open.size = offset + size - open.offset;
    } else {
      close();
      open = { offset, size };
    }
  }
  close();
  return blocks;
}
