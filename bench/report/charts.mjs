// The pictures of the documents.
import { barChart } from "./chart.mjs";
import { percent, times } from "./markdown.mjs";
import { byWorkload, rivalsOf } from "./summary.mjs";

/**
 * How many times faster Myelin is than the others.
 * @param {import("../harness/measure.mjs").Result[]} results
 * @param {Record<string, string>} names of the workloads
 */
export function speedChart(results, names) {
  const groups = byWorkload(results)
    .map(([name, own]) => ({
      title: names[name],
      bars: rivalsOf(own).map(({ name: rival, ratio }) => ({
        name: rival,
        value: ratio,
        label: times(ratio),
      })),
    }))
    .filter(({ bars }) => bars.length > 0);
  return barChart(groups, {
    title: "How many times faster Myelin is",
    subtitle: "on as many threads, FP32, in one interleaved run; logarithmic; at 1x both are as fast",
    log: true,
    mark: { value: 1, label: "1x" },
  });
}

/**
 * How much of the machine's peak matrix products reach, on one thread.
 * @param {object[]} products
 */
export function productChart(products) {
  const threads = products[0].threads;
  const groups = products
    .filter((product) => product.threads === threads && product.mode === "NN")
    .map(({ m, k, n, entries }) => ({
      title: `${m} x ${k} x ${n}`,
      bars: entries
        .filter(({ ofPeak }) => ofPeak !== undefined)
        .map(({ name, ofPeak }) => ({ name, value: ofPeak, label: percent(ofPeak) })),
    }));
  return barChart(groups, {
    title: "Matrix products: how much of the FMA peak",
    subtitle: "FP32, rows x inputs x units, 1 thread, the peak measured in the same run",
    mark: { value: 1, label: "peak" },
    columns: 3,
  });
}
