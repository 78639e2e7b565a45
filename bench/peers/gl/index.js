// No context: gpu.js sees that there is no WebGL and runs on the CPU.
module.exports = () => null;
