import { tfjsCandidate } from "../adapters/tfjs.mjs";

export default tfjsCandidate("wasm", "TensorFlow.js wasm");
