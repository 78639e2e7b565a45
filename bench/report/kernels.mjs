// Tables of single operations.
import { amount, onThreads, percent, rounded, table, times } from "./markdown.mjs";

const shapeOf = ({ mode, m, k, n }) => `${mode} ${m === k && k === n ? m : `${m}x${k}x${n}`}`;

/** How many times faster the first entry is than the fastest of the libraries. */
function lead({ entries }) {
  const rates = entries
    .filter(({ name, rate }) => !name.startsWith("Myelin") && rate !== undefined)
    .map(({ rate }) => rate);
  return entries[0].rate / Math.max(...rates);
}

/**
 * GFLOP/s of all on one number of threads.
 * @param {object[]} products
 */
export function productTable(products) {
  const names = products[0].entries.map(({ name }) => name);
  const own = names.filter((name) => name.startsWith("Myelin"));
  const header = [
    "M x K x N",
    "peak",
    ...names,
    ...own.map((name) => `${name} of peak`),
    "of the best library",
  ];
  const rows = products.map((product) => [
    shapeOf(product),
    rounded(product.peak / 1e9),
    ...product.entries.map(({ rate }) => (rate === undefined ? "failed" : rounded(rate / 1e9))),
    ...product.entries.slice(0, own.length).map(({ ofPeak }) => percent(ofPeak)),
    times(lead(product)),
  ]);
  const failures = products.flatMap(({ entries, ...product }) =>
    entries
      .filter(({ failure }) => failure !== undefined)
      .map(({ name, failure }) => `FAILED ${name}, ${shapeOf(product)}: ${failure}\n`),
  );
  const title = `### Matrix products on ${onThreads(products[0].threads)}, GFLOP/s`;
  return `${title}\n\n${table(header, rows)}\n${failures.join("\n")}`;
}

/** @param {object[]} products of bfloat16 */
export function mixedTable(products) {
  const header = ["M x K x N", "threads", "bf16 peak", "Myelin", "of peak", "of float32"];
  const rows = products.map((product) => [
    shapeOf(product),
    String(product.threads),
    rounded(product.peak / 1e9),
    rounded(product.rate / 1e9),
    percent(product.ofPeak),
    times(product.ofFloat),
  ]);
  return `### Matrix products of bfloat16, GFLOP/s\n\n${table(header, rows)}\n`;
}

/** @param {object[]} functions */
export function functionTable(functions) {
  const kernels = [...new Set(functions.map(({ who }) => who))];
  const kinds = [...new Set(functions.map(({ name, elements }) => `${name} ${elements}`))];
  const rows = kinds.map((kind) => {
    const [name, elements] = kind.split(" ");
    const found = kernels.map((who) =>
      functions.find((f) => f.who === who && `${f.name} ${f.elements}` === kind),
    );
    return [
      `${name}, ${amount(Number(elements), "")} elements`,
      ...found.map(({ nanoseconds }) => rounded(nanoseconds)),
    ];
  });
  return `### Elementwise, ns an element, 1 thread\n\n${table(["", ...kernels], rows)}\n`;
}

/** What the libraries say that they are, and which are not here. */
export function libraryText(libraries, absent) {
  const present = libraries.map(({ name, describe }) => `${name}: ${describe}`);
  const missing = absent.map(({ name, reason }) => `Absent: ${name} (${reason})`);
  return [...present, ...missing].map((line) => `- ${line}\n`).join("");
}
