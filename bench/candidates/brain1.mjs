import { brainCandidate } from "../adapters/brain.mjs";

// What `npm install brain.js` installs.
export default brainCandidate("brain1", "brain.js 1");
