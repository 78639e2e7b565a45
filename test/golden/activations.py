"""Values and derivatives of every activation, in float64; softmax and logSoftmax with a gradient per row."""

import torch
import torch.nn.functional as F

from golden_json import flat, grid

SMALL = [0.0009765625, 0.03125, 0.125, 0.25, 0.5, 0.75]
MAGNITUDES = [*SMALL, 1, 1.5, 2, 2.5, 2.9375, 3, 3.0625, 4, 5.5, 6, 7, 10, 15, 20]


def points():
    return torch.tensor([-x for x in reversed(MAGNITUDES)] + [0] + MAGNITUDES)


# name, alpha, beta, function, points without a derivative, smallest x
UNARY = [
    ("linear", 0, 0, lambda x: x * 1, [], None),
    ("step", 0, 0, lambda x: (x >= 0).double() + 0 * x, [0], None),
    ("sigmoid", 0, 0, torch.sigmoid, [], None),
    # F.hardsigmoid's derivative is 1/6 in single precision.
    ("hardSigmoid", 0, 0, lambda x: (x / 6 + 0.5).clamp(0, 1), [-3, 3], None),
    ("tanh", 0, 0, torch.tanh, [], None),
    ("relu", 0, 0, F.relu, [0], None),
    ("relu6", 0, 0, F.relu6, [0, 6], None),
    ("leakyRelu", 0.2, 0, lambda x: F.leaky_relu(x, 0.2), [0], None),
    ("elu", 1, 0, F.elu, [], None),
    ("elu", 0.5, 0, lambda x: F.elu(x, 0.5), [0], None),
    ("selu", 0, 0, F.selu, [0], None),
    ("gelu", 0, 0, F.gelu, [], None),
    ("geluTanh", 0, 0, lambda x: F.gelu(x, approximate="tanh"), [], None),
    ("silu", 0, 0, F.silu, [], None),
    ("mish", 0, 0, F.mish, [], None),
    # F.softplus turns into the identity above a threshold; this does not.
    ("softplus", 0, 0, lambda x: torch.logaddexp(x, torch.zeros_like(x)), [], None),
    ("softsign", 0, 0, F.softsign, [], None),
    ("exponential", 0, 0, torch.exp, [], None),
    ("affine", 1.5, -0.25, lambda x: 1.5 * x - 0.25, [], None),
    ("square", 0, 0, torch.square, [], None),
    ("sqrt", 0, 0, torch.sqrt, [], 0.0009765625),
    ("rsqrt", 0, 0, torch.rsqrt, [], 0.0009765625),
    ("reciprocal", 0, 0, torch.reciprocal, [], 0.0009765625),
    ("log", 0, 0, torch.log, [], 0.0009765625),
    ("abs", 0, 0, torch.abs, [0], None),
    ("sign", 0, 0, torch.sign, [0], None),
    ("clip", -1.25, 2.25, lambda x: x.clamp(-1.25, 2.25), [], None),
]


def unary(name, alpha, beta, function, kinks, smallest):
    x = points() if smallest is None else points()[points() >= smallest]
    if name == "reciprocal":
        x = points()[points() != 0]
    x.requires_grad_()
    y = function(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    values = [None if at in kinks else value for at, value in zip(flat(x), flat(gradient))]
    return {"name": name, "alpha": alpha, "beta": beta, "x": flat(x), "value": flat(y), "gradient": values}


def rows(name, function, x, dy):
    x = x.clone().requires_grad_()
    y = function(x, -1)
    (dx,) = torch.autograd.grad(y, x, dy)
    return {"name": name, "shape": list(x.shape), "x": flat(x), "dy": flat(dy), "value": flat(y), "gradient": flat(dx)}


def generate():
    torch.manual_seed(22)
    x = torch.cat([grid(torch.randn(4, 5) * 3), torch.tensor([[50.0, -50, 0, 1, 50], [-1000, 1000, 3, 999, 998]])])
    dy = grid(torch.randn(6, 5))
    return {
        "about": "unary: value and derivative at each x (null where there is no derivative). rows: over the last axis, "
        "with the gradient dx for a given dy.",
        "unary": [unary(*spec) for spec in UNARY],
        "rows": [rows("softmax", torch.softmax, x, dy), rows("logSoftmax", torch.log_softmax, x, dy)],
    }
