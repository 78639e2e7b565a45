// Optimizers with each kind of slot that they may have: tables for the ops that are made of them.
import { type Fill, uniform } from "./op-cases.ts";

export const positive = uniform(0.01, 0.5);
export const any = uniform();
/** What all optimizers take. */
export const BASE = { scale: 0.5, weightDecay: 0.01 };

/** An optimizer's attributes and what its slots hold. */
export const UPDATES: readonly (readonly [string, Record<string, number>, readonly Fill[]])[] = [
  ["sgd", { momentum: 0, nesterov: 0 }, []],
  ["sgd", { momentum: 0.9, nesterov: 0 }, [any]],
  ["sgd", { momentum: 0.9, nesterov: 1 }, [any]],
  ["rmsprop", { rho: 0.9, epsilon: 1e-7, momentum: 0, centered: 0 }, [positive]],
  ["rmsprop", { rho: 0.9, epsilon: 1e-7, momentum: 0.8, centered: 0 }, [positive, any]],
  // A mean whose square stays below the mean square, as it does in training.
  ["rmsprop", { rho: 0.9, epsilon: 1e-7, momentum: 0, centered: 1 }, [uniform(0.3, 0.5), uniform(-0.2, 0.2)]],
  [
    "rmsprop",
    { rho: 0.9, epsilon: 1e-7, momentum: 0.8, centered: 1 },
    [uniform(0.3, 0.5), any, uniform(-0.2, 0.2)],
  ],
  ["adagrad", { epsilon: 1e-7 }, [positive]],
  ["adadelta", { rho: 0.95, epsilon: 1e-7 }, [positive, positive]],
  ["adam", { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }, [any, positive]],
  ["adam", { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }, [any, positive, positive]],
  ["adamax", { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }, [any, positive]],
  ["nadam", { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0.004 }, [any, positive]],
  ["lion", { beta1: 0.9, beta2: 0.99 }, [any]],
];
