"""Metrics of fixed predictions, written in numpy from their definitions."""

import numpy as np

EPSILON = 1e-7


def divide(a, b):
    """a / b, and 0 where b is 0, as Keras has it."""
    return float(a / b) if b else 0.0


def exact_auc(score, truth, weight):
    """The weighted share of (positive, negative) pairs in the right order; a tie counts one half."""
    positive, negative = truth > 0.5, truth <= 0.5
    a, b = score[positive][:, None], score[negative][None, :]
    pairs = weight[positive][:, None] * weight[negative][None, :]
    return float((((a > b) + 0.5 * (a == b)) * pairs).sum() / pairs.sum())


def threshold_counts(score, truth, weight, thresholds):
    above = score[None, :] > thresholds[:, None]
    positive = truth[None, :] > 0.5
    masks = [above & positive, above & ~positive, ~above & ~positive, ~above & positive]
    return [(mask * weight).sum(1) for mask in masks]


def keras_auc(score, truth, weight, count=200):
    """keras.metrics.AUC: trapezoids below the ROC curve of evenly spaced thresholds."""
    inner = [(i + 1) / (count - 1) for i in range(count - 2)]
    thresholds = np.array([-EPSILON, *inner, 1 + EPSILON])
    tp, fp, tn, fn = threshold_counts(score, truth, weight, thresholds)
    recall, fall_out = tp / (tp + fn), fp / (fp + tn)
    return float(((fall_out[:-1] - fall_out[1:]) * (recall[:-1] + recall[1:]) / 2).sum())


def precision_recall(tp, fp, fn):
    precision, recall = divide(tp, tp + fp), divide(tp, tp + fn)
    return precision, recall, divide(2 * precision * recall, precision + recall)


def binary(score, truth, weight=None):
    w = np.ones_like(score) if weight is None else weight
    cases = []
    for threshold in [0.25, 0.5, 0.75]:
        tp, fp, tn, fn = [float(c[0]) for c in threshold_counts(score, truth, w, np.array([threshold]))]
        precision, recall, f1 = precision_recall(tp, fp, fn)
        cases.append(
            {"threshold": threshold, "counts": [tp, fp, tn, fn], "accuracy": (tp + tn) / (tp + fp + tn + fn)}
            | {"precision": precision, "recall": recall, "f1": f1}
        )
    return {
        "prediction": score.tolist(),
        "target": truth.tolist(),
        **({} if weight is None else {"weight": weight.tolist()}),
        "exactAuc": exact_auc(score, truth, w),
        "auc": keras_auc(score, truth, w),
        "thresholds": cases,
    }


def categorical(score, labels, weight):
    """In ties the first maximum wins; among the k largest means fewer than k strictly greater values."""
    classes = score.shape[1]
    predicted = score.argmax(1)
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    own = score[np.arange(len(labels)), labels]
    rank = (score > own[:, None]).sum(1)
    hits = np.diag(confusion)
    false_positives, false_negatives = confusion.sum(0) - hits, confusion.sum(1) - hits
    each = map(precision_recall, hits, false_positives, false_negatives)
    precision, recall, f1 = (list(values) for values in zip(*each))
    return {
        "shape": list(score.shape),
        "prediction": score.reshape(-1).tolist(),
        "target": labels.tolist(),
        "weight": weight.tolist(),
        "confusion": confusion.tolist(),
        "accuracy": float((predicted == labels).mean()),
        "weightedAccuracy": float((weight * (predicted == labels)).sum() / weight.sum()),
        "topK": [float((rank < k).mean()) for k in range(1, classes + 1)],
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "macroF1": float(np.mean(f1)),
    }


def regression(prediction, target, weight=None):
    w = np.ones(len(target)) if weight is None else weight
    w = np.broadcast_to(w[:, None], target.shape)
    error = prediction - target
    mse = (w * error**2).sum() / w.sum()
    mean = (w * target).sum() / w.sum()
    return {
        "shape": list(target.shape),
        "prediction": prediction.reshape(-1).tolist(),
        "target": target.reshape(-1).tolist(),
        **({} if weight is None else {"weight": weight.tolist()}),
        "meanAbsoluteError": float((w * abs(error)).sum() / w.sum()),
        "meanSquaredError": float(mse),
        "rootMeanSquaredError": float(np.sqrt(mse)),
        "r2": float(1 - (w * error**2).sum() / (w * (target - mean) ** 2).sum()),
    }


def generate():
    rng = np.random.default_rng(24)
    truth = (rng.random(40) < 0.4).astype(float)
    score = np.clip(np.round((0.35 * truth + 0.65 * rng.random(40)) * 32) / 32, 0, 1)  # on 1/32: with ties
    close = np.round((0.42 + 0.03 * truth * rng.random(40) + 0.03 * rng.random(40)) * 1024) / 1024
    weight = np.round(rng.random(40) * 8) / 4
    labels = rng.integers(0, 4, 24)
    scores = np.round(rng.random((24, 4)) * 16) / 16
    scores[np.arange(24), labels] += 0.25
    target = np.round(rng.normal(size=(10, 2)) * 64) / 64
    prediction = target + np.round(rng.normal(size=(10, 2)) * 32) / 64
    return {
        "about": "binary: counts are true positives, false positives, true negatives, false negatives of prediction > "
        "threshold; auc is Keras's with 200 thresholds, exactAuc the rank statistic. categorical: rows of confusion "
        "are the true classes; topK[k - 1] for each k; precision, recall and f1 of each class. regression: over all "
        "elements; a weight belongs to a row.",
        "binary": [binary(p, truth, w) for p in (score, close) for w in (None, weight)],
        "categorical": [categorical(scores, labels, np.round(rng.random(24) * 8) / 4)],
        "regression": [regression(prediction, target), regression(prediction, target, np.arange(10) / 4)],
    }
