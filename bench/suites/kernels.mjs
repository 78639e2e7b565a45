// Single operations: matrix products beside the FMA peak and other libraries, and elementwise functions.
import { median } from "../harness/statistics.mjs";
import { knownLibraries } from "../kernels/libraries.mjs";
import { buildProgram, Meter } from "../kernels/program.mjs";
import { instructionSets } from "../report/environment.mjs";
import { functionTable, libraryText, mixedTable, productTable } from "../report/kernels.mjs";

const SQUARES = [64, 128, 256, 512, 1024, 2048].map((n) => [n, n, n]);
/** Rows, inputs and units of layers as they are trained. */
const TRAINING = [
  [32, 784, 128],
  [128, 784, 512],
  [128, 512, 256],
  [128, 256, 10],
  [1, 784, 128],
  [256, 4096, 1024],
  [8, 1024, 1024],
  [32, 1024, 1024],
];
const MODES = ["NN", "NT", "TN"];
/** Of layers so wide that bfloat16 pays. */
const WIDE = [
  [128, 1024, 1024],
  [1024, 1024, 1024],
];
/** Of elements that fit into the first cache; for Adam, into the second, and into none. */
const FUNCTIONS = [
  ...["exponential", "sigmoid", "tanh", "gelu", "softmax"].map((name) => [name, 4000]),
  ["adam", 1 << 16],
  ["adam", 1 << 22],
];
/** Relative to the sum of so many products of numbers below a half. */
const ERROR_OF_SUM = 1e-5;
/** The shortest measurement on several threads, which have to wake up and to find a CPU each. */
const MULTITHREADED_MILLISECONDS = 25;
/** Turns of a round, on one thread and on several: many short ones, so that a machine's busy moments meet everybody. */
const [SINGLE_TURNS, SHARED_TURNS] = [4, 2];

/** Starts a process for each library; those that have none are named. */
async function openLibraries(options) {
  const avx512 = instructionSets().includes("avx512f");
  const open = [];
  const absent = [];
  for (const { name, files } of knownLibraries(options.python, options.libraries)) {
    let reason = "";
    let meter;
    for (const file of files) {
      const candidate = Meter.ofLibrary(file, avx512);
      try {
        const { describe } = await candidate.ask("describe");
        meter = { name, meter: candidate, describe };
        break;
      } catch (error) {
        reason = error.message.split("\n")[0];
        candidate.end();
      }
    }
    if (meter) open.push(meter);
    else absent.push({ name, reason });
  }
  return { open, absent };
}

async function openKernels({ isas }) {
  const open = [];
  for (const wanted of isas ?? [process.env.MYELIN_ISA || undefined]) {
    const meter = Meter.ofIsa(wanted);
    const { describe: isa } = await meter.ask("describe");
    open.push({ name: isas ? `Myelin ${isa}` : "Myelin", meter, isa });
  }
  return open;
}

/** How often and how long everybody is measured. */
function settingsOn(threads, { rounds, milliseconds }) {
  const [turns, least] = threads > 1 ? [SHARED_TURNS, MULTITHREADED_MILLISECONDS] : [SINGLE_TURNS, 4];
  return { rounds: turns * rounds, milliseconds: Math.max(least, milliseconds / 40) };
}

/** One product on so many threads: everybody in turn, the peak among them. */
async function measureProduct([m, k, n], mode, threads, { kernels, libraries }, { rounds, milliseconds }) {
  const request = `product ${mode} ${m} ${k} ${n} ${threads} ${milliseconds}`;
  const flops = 2 * m * k * n;
  const peaks = new Map(kernels.map(({ isa }) => [isa, []]));
  const entries = [...kernels, ...libraries].map(({ name, meter, isa }) => ({
    name,
    meter,
    isa,
    rates: [],
    error: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { meter, isa } of kernels)
      peaks.get(isa).push(await meter.arithmetic("fma", threads, milliseconds));
    for (const entry of entries) {
      if (entry.failure !== undefined) continue;
      try {
        const { seconds, error } = await entry.meter.ask(request);
        entry.rates.push(flops / seconds);
        entry.error = error;
        if (!(error <= ERROR_OF_SUM * Math.sqrt(k))) throw new Error(`an element is wrong by ${error}`);
      } catch (error) {
        entry.failure = error.message;
      }
    }
  }
  const bestIsa = kernels[0].isa;
  return {
    ...{ mode, m, k, n, threads },
    peak: median(peaks.get(bestIsa)),
    entries: entries.map(({ name, isa = bestIsa, rates, failure }) =>
      failure === undefined
        ? { name, rate: median(rates), ofPeak: median(rates) / median(peaks.get(isa)) }
        : { name, failure },
    ),
  };
}

/** Products of bfloat16 beside those of float. */
async function measureMixed(kernels, options) {
  const products = [];
  const [{ meter }] = kernels;
  for (const threads of options.threads) {
    const { rounds, milliseconds } = settingsOn(threads, options);
    for (const [m, k, n] of WIDE) {
      for (const mode of MODES) {
        const [peaks, float, mixed] = [[], [], []];
        const shape = `${mode} ${m} ${k} ${n} ${threads} ${milliseconds}`;
        for (let round = 0; round < rounds; round++) {
          peaks.push(await meter.arithmetic("dot", threads, milliseconds));
          float.push((2 * m * k * n) / (await meter.ask(`product ${shape}`)).seconds);
          mixed.push((2 * m * k * n) / (await meter.ask(`product16 ${shape}`)).seconds);
        }
        const rate = median(mixed);
        products.push({
          ...{ mode, m, k, n, threads, peak: median(peaks), rate },
          ofPeak: rate / median(peaks),
          ofFloat: rate / median(float),
        });
      }
    }
  }
  return products;
}

async function measureFunctions(kernels, options) {
  const { rounds, milliseconds } = settingsOn(1, options);
  const functions = [];
  for (const [name, elements] of FUNCTIONS) {
    for (const { name: who, meter } of kernels) {
      const times = [];
      for (let round = 0; round < rounds; round++) {
        times.push((await meter.ask(`function ${name} ${elements} 1 ${milliseconds}`)).seconds);
      }
      functions.push({ name, elements, who, nanoseconds: (1e9 * median(times)) / elements });
    }
  }
  return functions;
}

export async function runKernels(options, { say, progress }) {
  const unbuilt = buildProgram();
  if (unbuilt !== undefined) {
    say(`The kernels are not measured: ${unbuilt}\n`);
    return { unbuilt, products: [], mixed: [], functions: [], libraries: [], absent: [] };
  }
  const kernels = await openKernels(options);
  const { open: libraries, absent } = await openLibraries(options);
  try {
    const products = [];
    for (const threads of options.threads) {
      const settings = settingsOn(threads, options);
      const own = [];
      for (const shape of [...SQUARES, ...TRAINING]) {
        for (const mode of MODES) {
          progress(`${mode} ${shape.join("x")} on ${threads}`);
          own.push(await measureProduct(shape, mode, threads, { kernels, libraries }, settings));
        }
      }
      progress("");
      say(productTable(own));
      products.push(...own);
    }
    const mixed = await measureMixed(kernels, options);
    say(mixedTable(mixed));
    const functions = await measureFunctions(kernels, options);
    say(functionTable(functions));
    const described = libraries.map(({ name, describe }) => ({ name, describe }));
    say(libraryText(described, absent));
    return { products, mixed, functions, libraries: described, absent };
  } finally {
    for (const { meter } of [...kernels, ...libraries]) meter.end();
  }
}
