"""Outputs and gradients of normalization and dense layers, in float64."""

import torch
import torch.nn.functional as F

from golden_json import flat, grid

EPSILON, MOMENTUM = 1e-3, 0.99


def tensors(**values):
    return {name: {"shape": list(value.shape), "data": flat(value)} for name, value in values.items()}


def gradients(y, dy, inputs):
    grads = torch.autograd.grad(y, list(inputs.values()), dy)
    return tensors(**{f"d{name}": grad for name, grad in zip(inputs, grads)})


def normalization_inputs(shape):
    x = grid(torch.randn(*shape) * 2 + 0.5).requires_grad_()
    gamma = grid(torch.rand(shape[-1]) + 0.5).requires_grad_()
    beta = grid(torch.randn(shape[-1])).requires_grad_()
    return x, gamma, beta, grid(torch.randn(*shape))


def batch_normalization(shape):
    """Moving averages as Keras defines them, over the biased variance (PyTorch's running_var takes the unbiased)."""
    x, gamma, beta, dy = normalization_inputs(shape)
    second = grid(torch.randn(*shape) - 1)
    channels = shape[-1]
    moving_mean, moving_variance = torch.zeros(channels), torch.ones(channels)
    theirs_mean, theirs_variance = moving_mean.clone(), moving_variance.clone()
    for batch in (x, second):
        rows = batch.detach().reshape(-1, channels)
        F.batch_norm(rows, theirs_mean, theirs_variance, training=True, momentum=1 - MOMENTUM)
        moving_mean = moving_mean * MOMENTUM + rows.mean(0) * (1 - MOMENTUM)
        moving_variance = moving_variance * MOMENTUM + rows.var(0, correction=0) * (1 - MOMENTUM)
    rows = x.detach().reshape(-1, channels)
    bessel = rows.shape[0] / (rows.shape[0] - 1)
    assert torch.allclose(moving_mean, theirs_mean)
    assert torch.allclose(theirs_variance, MOMENTUM**2 * (1 - bessel) + bessel * moving_variance)
    y = F.batch_norm(x.reshape(-1, channels), None, None, gamma, beta, training=True, eps=EPSILON).reshape(shape)
    inference = F.batch_norm(rows, moving_mean, moving_variance, gamma, beta, eps=EPSILON).reshape(shape)
    return {
        "epsilon": EPSILON,
        "momentum": MOMENTUM,
        **tensors(x=x, gamma=gamma, beta=beta, dy=dy, y=y, mean=rows.mean(0), variance=rows.var(0, correction=0)),
        **gradients(y, dy, {"x": x, "gamma": gamma, "beta": beta}),
        **tensors(secondX=second, movingMean=moving_mean, movingVariance=moving_variance, inference=inference),
    }


def layer_normalization(shape):
    x, gamma, beta, dy = normalization_inputs(shape)
    y = F.layer_norm(x, shape[-1:], gamma, beta, EPSILON)
    rstd = torch.rsqrt(x.var(-1, correction=0) + EPSILON)
    return {
        "epsilon": EPSILON,
        **tensors(x=x, gamma=gamma, beta=beta, dy=dy, y=y, mean=x.mean(-1), rstd=rstd),
        **gradients(y, dy, {"x": x, "gamma": gamma, "beta": beta}),
    }


def dense(shape, units, activation, function):
    x = grid(torch.randn(*shape)).requires_grad_()
    kernel = grid(torch.randn(shape[-1], units)).requires_grad_()
    bias = grid(torch.randn(units)).requires_grad_()
    y = function(F.linear(x, kernel.T, bias))
    dy = grid(torch.randn(*y.shape))
    return {
        "activation": activation,
        **tensors(x=x, kernel=kernel, bias=bias, dy=dy, y=y),
        **gradients(y, dy, {"x": x, "kernel": kernel, "bias": bias}),
    }


def prelu(shape):
    x = grid(torch.randn(*shape)).requires_grad_()
    alpha = grid(torch.rand(shape[-1]) * 0.5).requires_grad_()
    y = F.prelu(x, alpha)
    dy = grid(torch.randn(*shape))
    return {**tensors(x=x, alpha=alpha, dy=dy, y=y), **gradients(y, dy, {"x": x, "alpha": alpha})}


def generate():
    torch.manual_seed(23)
    return {
        "about": "Tensors are { shape, data }, row by row; kernel is [in, out]; dx is the gradient of sum(y * dy) with "
        "respect to x, and so on. batchNormalization: mean and variance (biased) of x over all axes but the last; the "
        "moving averages are those after a step on x and one on secondX, from 0 and 1; inference is the output for x "
        "with them.",
        "batchNormalization": [batch_normalization((6, 4)), batch_normalization((3, 2, 5))],
        "layerNormalization": [layer_normalization((4, 6)), layer_normalization((2, 3, 5))],
        "dense": [
            dense((4, 5), 3, "linear", lambda z: z),
            dense((4, 5), 3, "tanh", torch.tanh),
            dense((3, 2, 4), 7, "sigmoid", torch.sigmoid),
        ],
        "prelu": [prelu((5, 3))],
    }
