import { brainCandidate } from "../adapters/brain.mjs";

export default brainCandidate("brain.js", "brain.js 2");
