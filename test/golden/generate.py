"""Writes the golden values beside this file: python3 generate.py [name ...]. See README.md."""

import importlib
import pathlib
import sys

import torch

sys.dont_write_bytecode = True
from golden_json import dumps

NAMES = ["activations", "bf16", "layers", "losses", "metrics", "optimizers", "weights"]


def main(names):
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    folder = pathlib.Path(__file__).parent
    for name in names or NAMES:
        if name not in NAMES:
            sys.exit(f"unknown name {name!r}, known: {', '.join(NAMES)}")
        torch.set_default_dtype(torch.float64 if name != "optimizers" else torch.float32)
        source = f"PyTorch {torch.__version__.split('+')[0]}, CPU, one thread"
        values = {"source": source, **importlib.import_module(name).generate()}
        path = folder / f"{name}.json"
        path.write_text(dumps(values) + "\n")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
