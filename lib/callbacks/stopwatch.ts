/** Takes the time of a training: how fast it is and when it will end. */
export class Stopwatch {
  #trainingStart = 0;
  #epochStart = 0;
  #doneAtStart = 0;
  #samples = 0;
  #samplesBefore = 0;
  /** Seconds of reading samples, validation not counted. */
  #active = 0;
  #activeBefore = 0;

  begin(doneEpochs: number): void {
    this.#trainingStart = performance.now();
    this.#doneAtStart = doneEpochs;
    this.#samples = 0;
    this.#active = 0;
    this.beginEpoch();
  }

  beginEpoch(): void {
    this.#epochStart = performance.now();
    this.#samplesBefore = this.#samples;
    this.#activeBefore = this.#active;
  }

  sampled(samplesOfEpoch: number): void {
    this.#samples = this.#samplesBefore + samplesOfEpoch;
    this.#active = this.#activeBefore + this.epochSeconds;
  }

  get epochSeconds(): number {
    return (performance.now() - this.#epochStart) / 1000;
  }

  get trainingSeconds(): number {
    return (performance.now() - this.#trainingStart) / 1000;
  }

  /** Samples a second so far. */
  get rate(): number {
    return this.#active > 0 ? this.#samples / this.#active : 0;
  }

  /** Seconds until `epochs` are done, when `done` of them (with a fraction) are; undefined at the beginning. */
  remaining(done: number, epochs: number): number | undefined {
    const share = (done - this.#doneAtStart) / (epochs - this.#doneAtStart);
    return share > 0 ? (this.trainingSeconds * (1 - share)) / share : undefined;
  }
}
