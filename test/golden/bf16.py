"""Dense layers in bf16: what PyTorch's own bf16 product gives, and the product of factors that PyTorch has rounded."""

import torch

from golden_json import flat, grid


def tensors(**values):
    return {name: {"shape": list(value.shape), "data": flat(value)} for name, value in values.items()}


def rounded(x):
    return x.float().bfloat16().double()


def dense(rows, k, n):
    # Numbers beyond 1 have more than the 8 bits that bf16 keeps.
    x, kernel, dy = grid(torch.randn(rows, k) * 3), grid(torch.randn(k, n) * 3), grid(torch.randn(rows, n) * 3)
    bias = grid(torch.randn(n))
    half = [value.float().bfloat16() for value in (x, kernel, dy)]
    assert not torch.equal(rounded(x), x)
    return {
        **tensors(x=x, kernel=kernel, bias=bias, dy=dy),
        "product": tensors(
            y=rounded(x) @ rounded(kernel) + bias,
            dx=rounded(dy) @ rounded(kernel).T,
            dkernel=rounded(x).T @ rounded(dy),
            dbias=dy.sum(0),
        ),
        # Each result rounded to bf16 in the end.
        "theirs": tensors(
            y=(half[0] @ half[1]).double(), dx=(half[2] @ half[1].T).double(), dkernel=(half[0].T @ half[2]).double()
        ),
    }


def specials():
    bits = [0x3F808000, 0x3F818000, 0x3F808001, 0xBF818000, 0x7F7F8000, 0x7F7F7FFF, 0x00800000, 0x3FFFFFFF]
    values = torch.tensor(bits, dtype=torch.int64).to(torch.int32).view(torch.float32)
    return [[bits, rounded.view(torch.int16).to(torch.int64).bitwise_and(0xFFFF).item()] for bits, rounded in zip(bits, values.bfloat16())]


def generate():
    torch.manual_seed(11)
    return {"dense": [dense(3, 5, 4), dense(7, 33, 17)], "upperHalves": specials()}
