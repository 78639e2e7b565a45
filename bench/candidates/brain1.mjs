import { brainCandidate } from "../adapters/brain.mjs";

// What `npm install brain.js` installs. A batch of the deepest network takes it seconds.
export default brainCandidate("brain1", "brain.js 1", ({ bf16, optimizer }) => !bf16 && optimizer !== "adam");
