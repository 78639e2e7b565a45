"""Files written by the safetensors library: weights.safetensors of a network, dtypes.safetensors of every type."""

import pathlib

import torch
from golden_json import flat, grid
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent


def network():
    """3-4-2: tanh, batch normalization at prediction, linear."""
    torch.manual_seed(11)
    first, second = torch.nn.Linear(3, 4).float(), torch.nn.Linear(4, 2).float()
    norm = torch.nn.BatchNorm1d(4, eps=1e-3).float().eval()
    with torch.no_grad():
        for parameter in [*norm.parameters(), norm.running_mean]:
            parameter.copy_(grid(torch.randn(4), 16))
        norm.running_var.copy_(grid(torch.rand(4) + 0.5, 16))
    # Linear keeps its matrix [out, in], Myelin (as Keras) [in, out].
    tensors = {
        "hidden/kernel": first.weight.T.contiguous(),
        "hidden/bias": first.bias,
        "norm/gamma": norm.weight,
        "norm/beta": norm.bias,
        "norm/movingMean": norm.running_mean,
        "norm/movingVariance": norm.running_var,
        "output/kernel": second.weight.T.contiguous().half(),
        "output/bias": second.bias.double(),
    }
    save_file({name: tensor.detach() for name, tensor in tensors.items()}, FOLDER / "weights.safetensors")
    second.weight.data = second.weight.data.half().float()
    x = grid(torch.randn(5, 3), 16).float()
    with torch.no_grad():
        y = second(norm(torch.tanh(first(x))))
    return {"x": flat(x), "y": flat(y)}


def dtypes():
    values = torch.tensor([0.0, 1.0, -2.5, 0.1, 65504.0, 6e-8])
    types = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    tensors = {name: values.to(dtype).reshape(2, 3) for name, dtype in types.items()}
    expected = {name: flat(tensor.double()) for name, tensor in tensors.items()}
    others = {"I64": torch.arange(3), "BOOL": torch.tensor([True, False]), "empty": torch.zeros(0, 4)}
    scalar = {"scalar": torch.tensor(7.0).float()}
    save_file({**tensors, **others, **scalar}, FOLDER / "dtypes.safetensors", metadata={"writer": "PyTorch"})
    return expected


def generate():
    return {"network": network(), "dtypes": dtypes()}
