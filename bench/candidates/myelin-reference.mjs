import { myelinCandidate } from "../adapters/myelin.mjs";

export default myelinCandidate("reference", "Myelin reference");
