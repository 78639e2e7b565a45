// The native program that measures single operations: built from bench/native where it is stale.
import { kernelsSetting } from "../../scripts/build.mjs";
import { CommandError, findProgram, path, run } from "../../scripts/project.mjs";
import { LineProcess } from "../harness/line-process.mjs";
import { SINGLE_CPU } from "../harness/single-cpu.mjs";

/** The same folder as the C++ tests': they share all objects. */
const FOLDER = "build-tests/release";

/** Builds the program. @returns {string | undefined} why it could not be built */
export function buildProgram() {
  if (findProgram("cmake") === undefined) return "cmake is not installed";
  const generator = findProgram("ninja") === undefined ? [] : ["-G", "Ninja"];
  try {
    const settings = ["-DCMAKE_BUILD_TYPE=Release", kernelsSetting(), ...generator];
    run("cmake", ["-S", "native", "-B", FOLDER, ...settings], { quiet: true });
    run("cmake", ["--build", FOLDER, "--target", "myelin_bench", "--parallel"], { quiet: true });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return `${error.message}\n${error.output.slice(-2000)}`;
  }
  return undefined;
}

/**
 * What suits processors with AVX-512 best that these libraries are too old to know. Whatever the environment says:
 * a run means the same everywhere.
 */
const LIBRARY_SETTINGS = {
  OPENBLAS_CORETYPE: "SkylakeX",
  OPENBLAS_L2_SIZE: undefined,
  BLIS_ARCH_TYPE: "skx",
};

/** A process of the program. */
export class Meter extends LineProcess {
  /** @param {string[]} args @param {Record<string, string | undefined>} [env] */
  constructor(args, env = {}) {
    const cpu = SINGLE_CPU === undefined ? [] : ["--cpu", String(SINGLE_CPU)];
    super(path(FOLDER, "myelin_bench"), [...cpu, ...args], env);
  }

  /** Of Myelin's kernels for an ISA; none: the best that runs here. @param {string} [isa] */
  static ofIsa(isa) {
    return new Meter(isa === undefined ? [] : ["--isa", isa]);
  }

  /** Of a library with sgemm. @param {string} file @param {boolean} avx512 whether the processor has it */
  static ofLibrary(file, avx512) {
    return new Meter(["--library", file], avx512 ? LIBRARY_SETTINGS : {});
  }

  /** Floating-point operations a second. @param {"fma" | "dot"} what dot: of bfloat16 */
  async arithmetic(what, threads, milliseconds) {
    return (await this.ask(`${what} ${threads} ${milliseconds}`)).rate;
  }

  /** Bytes a second from so much memory of all threads together. @param {"read" | "copy"} what */
  async traffic(what, bytes, threads, milliseconds) {
    // At least what the program's loops take at once.
    const share = Math.max(8192, Math.min(256 << 20, Math.ceil(bytes / threads)));
    return (await this.ask(`${what} ${share} ${threads} ${milliseconds}`)).rate;
  }
}
