"""PyTorch's end of adapters/torch.mjs: reads requests from standard input, a line of JSON each, and answers
each with one. Argument: eager, compile or bf16. MYELIN_NUM_THREADS threads."""

import base64
import json
import os
import statistics
import sys
import time

import torch
from torch import nn

MODE = sys.argv[1]
torch.set_num_threads(int(os.environ.get("MYELIN_NUM_THREADS", "1")))
ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}


def tensor(text, *shape):
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32).reshape(shape).clone()


class Task:
    """A network with the workload's weights and data."""

    def __init__(self, spec):
        self.spec = spec
        layers, batch = spec["layers"], spec["batchSize"]
        modules = []
        for layer, parameters in zip(layers, spec["initial"]):
            linear = nn.Linear(layer["inputs"], layer["units"])
            with torch.no_grad():
                linear.weight.copy_(tensor(parameters["kernel"], layer["inputs"], layer["units"]).T)
                linear.bias.copy_(tensor(parameters["bias"], layer["units"]))
            modules.append(linear)
            if layer["activation"] in ACTIVATIONS:
                modules.append(ACTIVATIONS[layer["activation"]]())
        # Crossentropy takes the logits.
        self.net = nn.Sequential(*modules)
        self.x = tensor(spec["x"], -1, batch, layers[0]["inputs"])
        self.y = tensor(spec["y"], -1, batch, layers[-1]["units"])
        if spec["loss"] == "categoricalCrossentropy":
            self.y = self.y.argmax(2)
        self.position = 0
        if spec["kind"] == "predict":
            model = nn.Sequential(self.net, nn.Softmax(1)).eval()
            self.model = torch.compile(model) if MODE == "compile" else model
        else:
            self.prepare_training()

    def prepare_training(self):
        rate = self.spec["learningRate"]
        if self.spec["optimizer"] == "adam":
            self.optimizer = torch.optim.Adam(self.net.parameters(), lr=rate, eps=1e-7)
        else:
            self.optimizer = torch.optim.SGD(self.net.parameters(), lr=rate)
        criterion = nn.CrossEntropyLoss() if self.spec["loss"] == "categoricalCrossentropy" else nn.MSELoss()

        def loss(x, y):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=MODE == "bf16"):
                outputs = self.net(x)
            return criterion(outputs.float(), y)

        self.loss = torch.compile(loss) if MODE == "compile" else loss

    def train(self, steps):
        x, y, count = self.x, self.y, len(self.x)
        start = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(x[self.position], y[self.position]).backward()
            self.optimizer.step()
            self.position = (self.position + 1) % count
        return {"milliseconds": 1000 * (time.perf_counter() - start)}

    def predict(self, calls):
        """The median of so many predictions, from tensor to tensor, times their number."""
        x, count, times = self.x, len(self.x), []
        with torch.inference_mode():
            for i in range(calls):
                start = time.perf_counter()
                self.model(x[i % count])
                times.append(time.perf_counter() - start)
        return {"milliseconds": 1000 * statistics.median(times) * calls}

    def step(self, steps):
        return self.predict(steps) if self.spec["kind"] == "predict" else self.train(steps)

    def weights(self):
        linears = [module for module in self.net if isinstance(module, nn.Linear)]
        encode = lambda values: base64.b64encode(values.detach().contiguous().numpy().tobytes()).decode()
        return [{"kernel": encode(linear.weight.T), "bias": encode(linear.bias)} for linear in linears]

    def outputs(self, count):
        with torch.inference_mode():
            rows = [self.model(self.x[i])[0].tolist() for i in range(count)]
        return rows


task = None


def answer(request):
    global task
    command = request["command"]
    if command == "load":
        return {"version": torch.__version__}
    if command == "prepare":
        with open(request["file"]) as file:
            task = Task(json.load(file))
        return {}
    if command == "step":
        return task.step(request["steps"])
    if command == "weights":
        return {"weights": task.weights()}
    return {"outputs": task.outputs(request["count"])}


# What libraries print must not come between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:  # said by the benchmark, which goes on with others
        reply = {"failure": repr(error)[:500]}
    print(json.dumps(reply), file=answers, flush=True)
