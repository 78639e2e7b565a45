import { tfjsCandidate } from "../adapters/tfjs.mjs";

export default tfjsCandidate("cpu", "TensorFlow.js cpu");
