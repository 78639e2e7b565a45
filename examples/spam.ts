/** Logistic regression as a spam filter: one weight a word, learned from messages. */
import { Dataset, layers, Network, optimizers, Random, regularizers, Trainer } from "myelin";
import { isScript } from "./script.ts";

const PEOPLE = ["Anna", "Tom", "the team", "your sister", "Dr. Weber", "the school", "our landlord"];
const DAYS = ["today", "tomorrow", "on Monday", "on Friday", "next week", "this evening"];

/** What people write; {who} and {when} are filled in. */
const HAM = [
  "Hi, {who} asked whether the meeting {when} still takes place.",
  "Could you send me the report before lunch {when}? Thanks.",
  "We are having dinner with {who} {when}, would you like to come?",
  "The train is late, I will be at the office an hour later {when}.",
  "Please find the minutes attached, {who} added some notes.",
  "Happy birthday! I hope to see you {when}.",
  "Did you get the photos of the holiday that {who} sent?",
  "The children have a day off {when}, can you pick them up?",
  "I read your draft, it is good; let us talk about it {when}.",
  "Your order has been sent and will arrive {when}.",
  "{who} won the chess tournament, free drinks at our place {when}!",
  "Reminder: the rent is due {when}, please pay {who}.",
];

const SPAM = [
  "Congratulations! You have won a free prize, click here to claim it now!",
  "Cheap pills without prescription, order now and save money!",
  "URGENT: your account is suspended, verify your password here {when}.",
  "Earn money from home, no risk, guaranteed income, click now!",
  "Dear friend, I need your help to transfer a million dollars, {who} told me.",
  "Limited offer: buy one watch, get one free, only {when}!",
  "Hot singles near you are waiting, join free now!",
  "You are the lucky winner of our lottery, send your bank account to claim.",
  "Lose weight fast, guaranteed, cheap offer ends {when}!",
  "Click this link to receive your free gift card, offer ends {when}.",
  "Your loan is approved, no credit check, money {when}!",
  "Investment with guaranteed profit, double your money {when}.",
];

interface Message {
  text: string;
  spam: boolean;
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[random.integer(values.length)] as T;
}

/** Messages of one or two sentences, about half of them spam; some spam begins innocently. */
export function messages(count: number, random: Random): Message[] {
  return Array.from({ length: count }, () => {
    const spam = random.uniform() < 0.5;
    const templates = [pick(spam ? SPAM : HAM, random)];
    if (random.uniform() < 0.5) templates.unshift(pick(HAM, random));
    const fill = (text: string): string =>
      text.replaceAll("{who}", () => pick(PEOPLE, random)).replaceAll("{when}", () => pick(DAYS, random));
    return { text: fill(templates.join(" ")), spam };
  });
}

/** The different words of a text; exclamation marks are a word. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[a-z]+|!/g) ?? [])];
}

export interface SpamResult {
  /** Of messages that were not trained on. */
  accuracy: number;
  precision: number;
  recall: number;
  /** Words with their weights, the most suspicious first. */
  words: { word: string; weight: number }[];
  /** The probability that a text is spam. */
  classify(text: string): number;
}

export async function spamFilter(seed = 1): Promise<SpamResult> {
  const random = new Random(seed);
  const corpus = messages(800, random);
  const vocabulary = [...new Set(corpus.slice(0, 600).flatMap(({ text }) => wordsOf(text)))].sort();
  const featuresOf = (text: string): number[] => {
    const present = new Set(wordsOf(text));
    return vocabulary.map((word) => (present.has(word) ? 1 : 0));
  };
  const all = Dataset.from({
    x: corpus.map(({ text }) => featuresOf(text)),
    y: corpus.map(({ spam }) => (spam ? 1 : 0)),
  });
  const network = new Network({
    input: [vocabulary.length],
    layers: [
      layers.dense({ units: 1, activation: "sigmoid", kernelRegularizer: regularizers.l2({ l2: 1e-4 }) }),
    ],
    seed,
  });
  const trainer = new Trainer(network, {
    loss: "binaryCrossentropy",
    optimizer: optimizers.adam({ learningRate: 0.02 }),
    metrics: ["accuracy", "precision", "recall"],
  });
  await trainer.fit(all.take(600), { epochs: 20 });
  const { accuracy, precision, recall } = await trainer.evaluate(all.skip(600));
  const weights = network.layer("dense").weights[0]?.data ?? new Float32Array();
  const words = vocabulary.map((word, i) => ({ word, weight: weights[i] as number }));
  return {
    accuracy: accuracy as number,
    precision: precision as number,
    recall: recall as number,
    words: words.sort((a, b) => b.weight - a.weight),
    classify: (text) => network.predict(featuresOf(text)).data[0] as number,
  };
}

if (isScript(import.meta.url)) {
  const { accuracy, precision, recall, words, classify } = await spamFilter();
  const list = (part: { word: string }[]): string => part.map(({ word }) => word).join(", ");
  console.log(
    `accuracy ${accuracy.toFixed(3)}, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`,
  );
  console.log(`most suspicious: ${list(words.slice(0, 8))}`);
  console.log(`most innocent:   ${list(words.slice(-8).reverse())}`);
  for (const text of ["Claim your free money now!", "Shall we have lunch with the team on Monday?"])
    console.log(`${(100 * classify(text)).toFixed(1).padStart(5)} % spam: ${text}`);
}
