"""Compact, diff-friendly JSON: one line for each list of numbers, one line for each key."""

import json
import math

import torch


def grid(tensor, steps=256):
    """Rounds to multiples of 1/steps: short to write, and the same number in float32 and float64."""
    return torch.round(tensor * steps) / steps


def flat(tensor):
    """The elements in row-major order as Python numbers; float32 keeps 9 significant digits, float64 17."""
    tensor = tensor.detach()
    values = tensor.reshape(-1).tolist()
    if tensor.dtype == torch.float32:
        return [float(f"{value:.9g}") for value in values]
    return values


def _number(value):
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written as JSON")
        return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
    return json.dumps(value)


def dumps(value, indent=""):
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key)}: {dumps(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}" if rows else "{}"
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (dict, list, tuple)) for item in value):
            rows = [inner + dumps(item, inner) for item in value]
            return "[\n" + ",\n".join(rows) + f"\n{indent}]"
        return "[" + ", ".join(_number(item) for item in value) + "]"
    return _number(value)
