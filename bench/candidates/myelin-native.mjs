import { myelinCandidate } from "../adapters/myelin.mjs";

export default myelinCandidate("native", "Myelin native");
