import { type NamedBuffer, type Plan, type Buffer as PlanBuffer, REGIONS } from "./plan.ts";

const VERSION = 1;
const NUMBER = 0;
const TEXT = 1;

/** Appends little-endian words to a growing buffer. */
class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  word(value: number): void {
    const start = this.#reserve(4);
    this.#view.setUint32(start, value, true);
  }

  float(value: number): void {
    const start = this.#reserve(8);
    this.#view.setFloat64(start, value, true);
  }

  /** Length in bytes, then UTF-8 padded with zeros to whole words. */
  text(value: string): void {
    const bytes = Buffer.from(value);
    this.word(bytes.length);
    const start = this.#reserve(Math.ceil(bytes.length / 4) * 4);
    this.#bytes.set(bytes, start);
  }

  buffer({ region, offset, type }: PlanBuffer): void {
    this.word(REGIONS.indexOf(region));
    this.word(offset);
    this.word(type.batched ? 1 : 0);
    this.word(type.shape.length);
    for (const dimension of type.shape) this.word(dimension);
  }

  named(entries: readonly NamedBuffer[]): void {
    this.word(entries.length);
    for (const { name, buffer } of entries) {
      this.text(name);
      this.buffer(buffer);
    }
  }

  buffers(buffers: readonly PlanBuffer[]): void {
    this.word(buffers.length);
    for (const buffer of buffers) this.buffer(buffer);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for so many bytes more; returns where they start. */
  #reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }
}

/** The plan as bytes for the native loader, which checks everything again. Format: docs/architecture.md. */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new Writer();
  writer.word(0x4c50594d); // "MYPL"
  writer.word(VERSION);
  writer.word(plan.capacity);
  writer.word(REGIONS.length);
  for (const region of REGIONS) writer.word(plan.sizes[region]);
  writer.named(plan.inputs);
  writer.named(plan.outputs);
  writer.word(plan.instructions.length);
  for (const { op, inputs, outputs, attributes } of plan.instructions) {
    writer.text(op.name);
    writer.buffers(inputs);
    writer.buffers(outputs);
    writer.word(op.attributes.length);
    for (const name of op.attributes) {
      const value = attributes[name] as number | string;
      writer.word(typeof value === "string" ? TEXT : NUMBER);
      if (typeof value === "string") writer.text(value);
      else writer.float(value);
    }
  }
  return writer.finish();
}
