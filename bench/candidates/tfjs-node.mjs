import { tfjsCandidate } from "../adapters/tfjs.mjs";

export default tfjsCandidate("tensorflow", "TensorFlow.js node");
