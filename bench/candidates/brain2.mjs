import { brainCandidate } from "../adapters/brain.mjs";

export default brainCandidate("brain.js", "brain.js 2", ({ bf16 }) => !bf16);
