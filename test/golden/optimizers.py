"""Ten steps of one small network under each optimizer, in float32 and float64."""

import torch
import torch.nn.functional as F

from golden_json import flat, grid

UNITS = [5, 7, 6, 3]
SAMPLES, BATCH, STEPS = 12, 4, 10
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class Lion(torch.optim.Optimizer):
    """PyTorch has no Lion: the rule of Chen et al. 2023 (arXiv 2302.06675), written in torch operations."""

    def __init__(self, params, lr, betas):
        super().__init__(params, dict(lr=lr, betas=betas))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.sub_(group["lr"] * torch.sign(beta1 * m + (1 - beta1) * p.grad))
                m.mul_(beta2).add_((1 - beta2) * p.grad)


def case(name, optimizer, options, build, **extra):
    return dict(name=name, optimizer=optimizer, options=options, build=build, **extra)


def adam(params, o):
    return torch.optim.Adam(
        params,
        lr=o["learningRate"],
        betas=(o["beta1"], o["beta2"]),
        eps=o["epsilon"],
        amsgrad=o.get("amsgrad", False),
    )


def sgd(params, o):
    return torch.optim.SGD(
        params, lr=o["learningRate"], momentum=o.get("momentum", 0), nesterov=o.get("nesterov", False)
    )


def rmsprop(params, o):
    return torch.optim.RMSprop(
        params,
        lr=o["learningRate"],
        alpha=o["rho"],
        eps=o["epsilon"],
        momentum=o.get("momentum", 0),
        centered=o.get("centered", False),
    )


def betas(o):
    return (o["beta1"], o["beta2"])


MOMENTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
SGD = {"learningRate": 0.1}
RMSPROP = {"learningRate": 0.01, "rho": 0.9, "epsilon": 1e-7}
ADAM = {"learningRate": 0.01, **MOMENTS}
DECAY = {"initialLearningRate": 0.1, "decaySteps": 1, "decayRate": 0.8}

CASES = [
    case("sgd", "sgd", SGD, sgd),
    case("sgd with momentum", "sgd", {**SGD, "momentum": 0.9}, sgd),
    case("sgd with Nesterov momentum", "sgd", {**SGD, "momentum": 0.9, "nesterov": True}, sgd),
    case("rmsprop", "rmsprop", RMSPROP, rmsprop),
    case("rmsprop, centered", "rmsprop", {**RMSPROP, "centered": True}, rmsprop),
    case("rmsprop with momentum", "rmsprop", {**RMSPROP, "momentum": 0.9}, rmsprop),
    case("rmsprop with momentum, centered", "rmsprop", {**RMSPROP, "momentum": 0.9, "centered": True}, rmsprop),
    case(
        "adagrad",
        "adagrad",
        {"learningRate": 0.1, "initialAccumulatorValue": 0.1, "epsilon": 1e-7},
        lambda params, o: torch.optim.Adagrad(
            params,
            lr=o["learningRate"],
            initial_accumulator_value=o["initialAccumulatorValue"],
            eps=o["epsilon"],
        ),
    ),
    case(
        "adadelta",
        "adadelta",
        {"learningRate": 1.0, "rho": 0.95, "epsilon": 1e-7},
        lambda params, o: torch.optim.Adadelta(params, lr=o["learningRate"], rho=o["rho"], eps=o["epsilon"]),
    ),
    case("adam", "adam", ADAM, adam),
    # A small beta2 makes v fall within ten steps, so that its maximum matters.
    case("adam with amsgrad", "adam", {**ADAM, "beta2": 0.7, "amsgrad": True}, adam),
    case(
        "adamw",
        "adamw",
        {**ADAM, "weightDecay": 0.01},
        lambda params, o: torch.optim.AdamW(
            params, lr=o["learningRate"], betas=betas(o), eps=o["epsilon"], weight_decay=o["weightDecay"]
        ),
    ),
    case(
        "adamax",
        "adamax",
        ADAM,
        lambda params, o: torch.optim.Adamax(params, lr=o["learningRate"], betas=betas(o), eps=o["epsilon"]),
    ),
    case(
        "nadam",
        "nadam",
        {**ADAM, "decay": 0.004},
        lambda params, o: torch.optim.NAdam(
            params, lr=o["learningRate"], betas=betas(o), eps=o["epsilon"], momentum_decay=o["decay"]
        ),
    ),
    case(
        "lion",
        "lion",
        {"learningRate": 0.01, "beta1": 0.9, "beta2": 0.99},
        lambda params, o: Lion(params, lr=o["learningRate"], betas=betas(o)),
    ),
    case("sgd, clipValue", "sgd", {**SGD, "clipValue": 0.05}, sgd),
    case("sgd, clipNorm", "sgd", {**SGD, "clipNorm": 0.2}, sgd),
    case("sgd, globalClipNorm", "sgd", {**SGD, "globalClipNorm": 0.5}, sgd),
    case("adam, globalClipNorm", "adam", {**ADAM, "globalClipNorm": 0.5}, adam),
    # Without momentum: Keras's velocity holds the rate, PyTorch's does not, which differs when the rate changes.
    case("sgd, exponential decay", "sgd", SGD, sgd, exponentialDecay=DECAY),
    case("adam, exponential decay", "adam", {**ADAM, "learningRate": 0.1}, adam, exponentialDecay=DECAY),
    case("adam, kernel regularizer", "adam", ADAM, adam, kernelRegularizer={"l2": 0.01}),
    # One factor for each layer; 0 means frozen: no gradient, no update.
    case("adam, parameter groups", "adam", ADAM, adam, learningRateScales=[0.1, 0, 1]),
]


def clip(params, options):
    """Keras's clipping. PyTorch's clip_grad_norm_ adds 1e-6 to the norm, so the norms are clipped here."""
    grads = [p.grad for p in params if p.grad is not None]
    if "clipValue" in options:
        torch.nn.utils.clip_grad_value_(params, options["clipValue"])
    if "clipNorm" in options:
        for g in grads:
            g.mul_(options["clipNorm"] / max(g.norm().item(), options["clipNorm"]))
    if "globalClipNorm" in options:
        limit = options["globalClipNorm"]
        theirs = [torch.nn.Parameter(g.clone()) for g in grads]
        for p, g in zip(theirs, grads):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(theirs, limit).item()
        for g, p in zip(grads, theirs):
            g.mul_(limit / max(norm, limit))
            assert torch.allclose(g, p.grad, rtol=1e-5, atol=0)


def forward(params, x):
    for layer, activation in enumerate([torch.tanh, torch.relu, None]):
        x = x @ params[2 * layer] + params[2 * layer + 1]
        x = activation(x) if activation else x
    return x


def by_layer(tensors):
    return [{"kernel": flat(tensors[i]), "bias": flat(tensors[i + 1])} for i in range(0, len(tensors), 2)]


def build_optimizer(spec, params):
    scales = spec.get("learningRateScales")
    groups = params
    if scales:
        rate = spec["options"]["learningRate"]
        groups = [{"params": params[2 * i : 2 * i + 2], "lr": rate * s} for i, s in enumerate(scales) if s]
    return spec["build"](groups, spec["options"])


def run(spec, dtype, initial, x, y):
    """Trains on the batches in order. The gradients are those of the first step, after clipping."""
    torch.set_default_dtype(dtype)
    params = [p.to(dtype).clone().requires_grad_() for p in initial]
    for i, scale in enumerate(spec.get("learningRateScales", [])):
        if scale == 0:
            params[2 * i].requires_grad_(False), params[2 * i + 1].requires_grad_(False)
    optimizer = build_optimizer(spec, params)
    schedule = spec.get("exponentialDecay")
    scheduler = schedule and torch.optim.lr_scheduler.ExponentialLR(optimizer, schedule["decayRate"])
    x, losses, gradients = x.to(dtype), [], None
    for step in range(STEPS):
        rows = slice(step * BATCH % SAMPLES, step * BATCH % SAMPLES + BATCH)
        loss = F.cross_entropy(forward(params, x[rows]), y[rows])
        if "kernelRegularizer" in spec:
            loss = loss + spec["kernelRegularizer"]["l2"] * sum((kernel**2).sum() for kernel in params[::2])
        optimizer.zero_grad()
        loss.backward()
        clip(params, spec["options"])
        gradients = gradients or [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in params]
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss)
    return {"losses": flat(torch.stack(losses)), "gradients": by_layer(gradients), "weights": by_layer(params)}


def generate():
    torch.manual_seed(20)
    x = grid(torch.randn(SAMPLES, UNITS[0]), 64)
    y = torch.arange(SAMPLES) * 5 % 7 % 3
    initial = []
    for fan_in, fan_out in zip(UNITS, UNITS[1:]):
        initial += [grid(torch.randn(fan_in, fan_out) / fan_in**0.5 * 1.2, 64), grid(torch.randn(fan_out) * 0.1, 64)]
    cases, first = [], {}
    for spec in CASES:
        out = {key: value for key, value in spec.items() if key != "build"}
        for name, dtype in DTYPES.items():
            result = run(spec, dtype, initial, x, y)
            # Most cases share the first gradients: they are written once.
            if first.setdefault(name, result["gradients"]) == result["gradients"]:
                del result["gradients"]
            out[name] = result
        cases.append(out)
    return {
        "about": "Ten steps on the 12 samples in order, in batches of 4: the loss of each step's batch before its "
        "update, the gradients of the first step (after clipping; firstGradients where a case has none) and the "
        "final weights. Kernels are [in, out], row by row. Loss: softmax crossentropy of the logits, mean.",
        "units": UNITS,
        "activations": ["tanh", "relu", "linear"],
        "batchSize": BATCH,
        "x": flat(x.double()),
        "y": flat(y),
        "initial": by_layer([p.double() for p in initial]),
        "firstGradients": first,
        "cases": cases,
    }
