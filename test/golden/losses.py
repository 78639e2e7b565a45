"""Values and gradients of every loss, in float64. Each is written from its definition in PyTorch operations and,
where PyTorch has the same loss, checked against it."""

import math

import torch
import torch.nn.functional as F

from golden_json import flat, grid

EPSILON = 1e-7
N, C = 4, 5


def clamp(p):
    return p.clamp(EPSILON, 1 - EPSILON)


def one_hot(t, like):
    return F.one_hot(t.long(), like.shape[-1]).to(like.dtype)


def smooth(t, amount, classes):
    return t * (1 - amount) + amount / classes


def normalized(p):
    return clamp(p / p.sum(-1, keepdim=True))


def unit(x):
    return x / (x * x).sum(-1, keepdim=True).clamp(min=1e-12).sqrt()


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


def binary_from_logits(z, t):
    return softplus(z) - z * t


def focal_weight(p, t, balance, gamma):
    weight = (1 - (t * p + (1 - t) * (1 - p))) ** gamma
    return weight if balance is None else weight * (t * balance + (1 - t) * (1 - balance))


# name -> row loss of prediction rows p, target rows t and options o, one value a row.
ROWS = {
    "meanSquaredError": lambda p, t, o: ((p - t) ** 2).mean(-1),
    "meanAbsoluteError": lambda p, t, o: (p - t).abs().mean(-1),
    "meanAbsolutePercentageError": lambda p, t, o: 100 * ((t - p).abs() / t.abs().clamp(min=EPSILON)).mean(-1),
    "meanSquaredLogarithmicError": lambda p, t, o: (
        (torch.log(p.clamp(min=EPSILON) + 1) - torch.log(t.clamp(min=EPSILON) + 1)) ** 2
    ).mean(-1),
    "huber": lambda p, t, o: torch.where(
        (p - t).abs() <= o["delta"], 0.5 * (p - t) ** 2, o["delta"] * ((p - t).abs() - 0.5 * o["delta"])
    ).mean(-1),
    "logCosh": lambda p, t, o: (softplus(-2 * (p - t)) + (p - t) - math.log(2)).mean(-1),
    "hinge": lambda p, t, o: (1 - t * p).clamp(min=0).mean(-1),
    "squaredHinge": lambda p, t, o: ((1 - t * p).clamp(min=0) ** 2).mean(-1),
    "categoricalHinge": lambda p, t, o: (((1 - t) * p).amax(-1) - (t * p).sum(-1) + 1).clamp(min=0),
    "klDivergence": lambda p, t, o: (
        t.clamp(EPSILON, 1) * torch.log(t.clamp(EPSILON, 1) / p.clamp(EPSILON, 1))
    ).sum(-1),
    "poisson": lambda p, t, o: (p - t * torch.log(p + EPSILON)).mean(-1),
    "cosineSimilarity": lambda p, t, o: -(unit(t) * unit(p)).sum(-1),
    "categoricalCrossentropy": lambda p, t, o: -(
        smooth(t, o.get("labelSmoothing", 0), p.shape[-1]) * torch.log(normalized(p))
    ).sum(-1),
    "sparseCategoricalCrossentropy": lambda p, t, o: -(one_hot(t, p) * torch.log(normalized(p))).sum(-1),
    "binaryCrossentropy": lambda p, t, o: -(
        smooth(t, o.get("labelSmoothing", 0), 2) * torch.log(clamp(p))
        + (1 - smooth(t, o.get("labelSmoothing", 0), 2)) * torch.log(1 - clamp(p))
    ).mean(-1),
    "categoricalCrossentropyFromLogits": lambda z, t, o: -(
        smooth(t, o.get("labelSmoothing", 0), z.shape[-1]) * torch.log_softmax(z, -1)
    ).sum(-1),
    "sparseCategoricalCrossentropyFromLogits": lambda z, t, o: -(one_hot(t, z) * torch.log_softmax(z, -1)).sum(-1),
    "binaryCrossentropyFromLogits": lambda z, t, o: binary_from_logits(
        z, smooth(t, o.get("labelSmoothing", 0), 2)
    ).mean(-1),
    "binaryFocal": lambda p, t, o: (
        focal_weight(clamp(p), t, o.get("alpha"), o["gamma"])
        * -(t * torch.log(clamp(p)) + (1 - t) * torch.log(1 - clamp(p)))
    ).mean(-1),
    "binaryFocalFromLogits": lambda z, t, o: (
        focal_weight(torch.sigmoid(z), t, o.get("alpha"), o["gamma"]) * binary_from_logits(z, t)
    ).mean(-1),
    "categoricalFocal": lambda p, t, o: -(
        o["alpha"] * (1 - normalized(p)) ** o["gamma"] * t * torch.log(normalized(p))
    ).sum(-1),
    "categoricalFocalFromLogits": lambda z, t, o: -(
        o["alpha"] * (1 - torch.softmax(z, -1)) ** o["gamma"] * t * torch.log_softmax(z, -1)
    ).sum(-1),
    "negativeLogLikelihood": lambda p, t, o: -(one_hot(t, p) * p).sum(-1),
}

# The same loss as PyTorch has it, one value a row, for inputs without extremes.
THEIRS = {
    "meanSquaredError": lambda p, t, o: F.mse_loss(p, t, reduction="none").mean(-1),
    "meanAbsoluteError": lambda p, t, o: F.l1_loss(p, t, reduction="none").mean(-1),
    "huber": lambda p, t, o: F.huber_loss(p, t, reduction="none", delta=o["delta"]).mean(-1),
    "klDivergence": lambda p, t, o: F.kl_div(torch.log(p), t, reduction="none").sum(-1),
    "poisson": lambda p, t, o: F.poisson_nll_loss(p, t, log_input=False, eps=EPSILON, reduction="none").mean(-1),
    "cosineSimilarity": lambda p, t, o: -F.cosine_similarity(p, t, dim=-1),
    "binaryCrossentropy": lambda p, t, o: F.binary_cross_entropy(
        p, smooth(t, o.get("labelSmoothing", 0), 2), reduction="none"
    ).mean(-1),
    "categoricalCrossentropyFromLogits": lambda z, t, o: F.cross_entropy(
        z, t, reduction="none", label_smoothing=o.get("labelSmoothing", 0)
    ),
    "sparseCategoricalCrossentropyFromLogits": lambda z, t, o: F.cross_entropy(z, t.long(), reduction="none"),
    "binaryCrossentropyFromLogits": lambda z, t, o: F.binary_cross_entropy_with_logits(
        z, smooth(t, o.get("labelSmoothing", 0), 2), reduction="none"
    ).mean(-1),
    "negativeLogLikelihood": lambda p, t, o: F.nll_loss(p, t.long(), reduction="none"),
}


def evaluate(name, prediction, target, options=None, note="", weight=None, reduction="mean", compare=True):
    """reduction: the mean (or sum) over samples of weight * mean over the sample's rows of the row loss."""
    options = options or {}
    p = prediction.clone().requires_grad_()
    rows = ROWS[name](p, target, options)
    checked = compare and name in THEIRS
    if checked:
        assert torch.allclose(rows, THEIRS[name](prediction, target, options), rtol=1e-12, atol=1e-14), name
    samples = rows.reshape(len(prediction), -1).mean(-1)
    value = getattr(samples if weight is None else samples * weight, reduction)()
    value.backward()
    case = {"loss": name, "options": options, "note": note}
    if reduction != "mean":
        case["reduction"] = reduction
    case |= {"checkedAgainstPyTorch": checked, "shape": list(prediction.shape), "prediction": flat(prediction)}
    case |= {"targetShape": list(target.shape), "target": flat(target)}
    if weight is not None:
        case["weight"] = flat(weight)
    return case | {"value": value.item(), "gradient": flat(p.grad)}


class Data:
    """Inputs are multiples of 1/256 (log probabilities apart), away from kinks, the same in both precisions."""

    def __init__(self):
        torch.manual_seed(21)
        self.real = grid(torch.randn(N, C) * 2)
        self.target = grid(torch.randn(N, C) * 2)
        self.positive = grid(torch.rand(N, C) * 3 + 0.1)
        self.counts = torch.tensor([[0, 1, 2, 3, 4], [1, 0, 5, 2, 1], [7, 1, 0, 0, 2], [3, 3, 1, 6, 0]]).double()
        self.probability = grid(torch.rand(N, C) * 0.8 + 0.1)
        self.other = grid(torch.rand(N, C) * 0.8 + 0.1)
        self.labels = torch.tensor([3, 0, 4, 1]).double()
        self.one_hot = one_hot(self.labels, self.real)
        self.mixture = torch.tensor([[1, 2, 3, 1, 1], [0, 4, 0, 4, 0], [2, 2, 2, 1, 1], [8, 0, 0, 0, 0]]).double() / 8
        self.binary = (torch.rand(N, C) > 0.5).double()
        self.weight = torch.tensor([0.5, 2, 0, 1.25])
        self.logits = grid(torch.randn(N, C) * 3)
        self.wide = torch.tensor([[50, -50, 0, 3, -3], [-50, 50, 50, 0, 1], [1, 2, 50, -1, 0], [-50] * 5]).double()
        self.certain = torch.tensor([[0, 1, 0.5, 0, 1], [1, 0, 0, 0, 0], [0.25, 1, 1, 0, 0], [0, 0, 0, 1, 0]])


def plain(d):
    signs = 2 * d.binary - 1
    return [
        evaluate("meanSquaredError", d.real, d.target),
        evaluate("meanAbsoluteError", d.real, d.target),
        evaluate("meanAbsolutePercentageError", d.real, d.target),
        evaluate("meanAbsolutePercentageError", d.real, d.counts, note="targets of zero"),
        evaluate("meanSquaredLogarithmicError", d.positive, d.counts),
        evaluate("meanSquaredLogarithmicError", d.real, d.counts, note="negative predictions: no gradient"),
        evaluate("huber", d.real, d.target, {"delta": 1}),
        evaluate("huber", d.real, d.target, {"delta": 0.5}),
        evaluate("logCosh", d.real, d.target),
        evaluate("logCosh", d.wide, d.target, note="large errors"),
        evaluate("hinge", d.real, signs, note="targets are -1 or 1"),
        evaluate("squaredHinge", d.real, signs, note="targets are -1 or 1"),
        evaluate("categoricalHinge", d.real, d.one_hot),
        evaluate("klDivergence", d.probability, d.other),
        evaluate("klDivergence", d.probability, d.mixture, note="targets of zero", compare=False),
        evaluate("klDivergence", d.certain * 0.75, d.mixture, note="predictions of zero", compare=False),
        evaluate("poisson", d.positive, d.counts),
        evaluate("cosineSimilarity", d.real, d.target),
        evaluate("cosineSimilarity", d.real * (d.labels != 4)[:, None], d.target, note="a row of zeros", compare=False),
    ]


def crossentropies(d):
    smoothing, focal = {"labelSmoothing": 0.1}, {"alpha": 0.25, "gamma": 2}
    log_probability = torch.log_softmax(d.logits, -1)
    cases = [
        evaluate("categoricalCrossentropy", d.probability, d.one_hot),
        evaluate("categoricalCrossentropy", d.probability, d.mixture, smoothing),
        evaluate("categoricalCrossentropy", d.certain, d.one_hot, note="probabilities of zero and one"),
        evaluate("sparseCategoricalCrossentropy", d.probability, d.labels),
        evaluate("sparseCategoricalCrossentropy", d.certain, d.labels, note="probabilities of zero and one"),
        evaluate("binaryCrossentropy", d.probability, d.binary),
        evaluate("binaryCrossentropy", d.probability, d.binary, smoothing),
        evaluate("binaryCrossentropy", d.certain, d.binary, note="probabilities of zero and one", compare=False),
        evaluate("binaryFocal", d.probability, d.binary, {"gamma": 2}),
        evaluate("binaryFocal", d.probability, d.binary, {"alpha": 0.25, "gamma": 1.5}),
        evaluate("categoricalFocal", d.probability, d.one_hot, focal),
        evaluate("negativeLogLikelihood", log_probability, d.labels, note="predictions are log probabilities"),
    ]
    for note, logits in [("", d.logits), ("logits of 50 and -50", d.wide)]:
        cases += [
            evaluate("categoricalCrossentropyFromLogits", logits, d.one_hot, note=note),
            evaluate("categoricalCrossentropyFromLogits", logits, d.mixture, smoothing, note=note),
            evaluate("sparseCategoricalCrossentropyFromLogits", logits, d.labels, note=note),
            evaluate("binaryCrossentropyFromLogits", logits, d.binary, note=note),
            evaluate("binaryCrossentropyFromLogits", logits, d.binary, smoothing, note=note),
            evaluate("binaryFocalFromLogits", logits, d.binary, {"gamma": 2}, note=note),
            evaluate("binaryFocalFromLogits", logits, d.binary, {"alpha": 0.25, "gamma": 2}, note=note),
            evaluate("categoricalFocalFromLogits", logits, d.one_hot, focal, note=note),
        ]
    return cases


def reductions(d):
    """Sample weights (the sum is divided by the number of samples), sums, and several rows a sample."""
    rows = grid(torch.randn(3, 2, 4))
    other = grid(torch.randn(3, 2, 4))
    labels = torch.tensor([[0, 3], [2, 1], [1, 1]]).double()
    weight = torch.tensor([1, 0.5, 3])
    return [
        evaluate("meanSquaredError", d.real, d.target, weight=d.weight),
        evaluate("huber", d.real, d.target, {"delta": 0.5}, weight=d.weight),
        evaluate("categoricalHinge", d.real, d.one_hot, weight=d.weight),
        evaluate("sparseCategoricalCrossentropyFromLogits", d.logits, d.labels, weight=d.weight),
        evaluate("binaryCrossentropyFromLogits", d.logits, d.binary, weight=d.weight),
        evaluate("meanSquaredError", d.real, d.target, reduction="sum"),
        evaluate("categoricalCrossentropy", d.probability, d.one_hot, weight=d.weight, reduction="sum"),
        evaluate("meanAbsoluteError", rows, other, note="two rows a sample"),
        evaluate("cosineSimilarity", rows, other, weight=weight, note="two rows a sample"),
        evaluate(
            "sparseCategoricalCrossentropyFromLogits",
            rows,
            labels,
            weight=weight,
            note="two rows a sample",
            compare=False,
        ),
    ]


def generate():
    data = Data()
    return {
        "about": "Loss and gradient with respect to the prediction: the mean over samples of weight * the mean over "
        "the sample's rows of the row loss; epsilon 1e-7; where a clamp is active the gradient is zero. Arrays are "
        "flat, row by row; sparse losses have one class index a row.",
        "cases": plain(data) + crossentropies(data) + reductions(data),
    }
