"""The plain loop of Plain/PlainNetwork.cs in PyTorch, for every kind of network that is measured.

`chains N STEPS THREADS PRECISION` a line, seconds back; `energy`, E of the input whose numbers rise evenly from the least to the largest.
"""
import json
import os
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

folder = sys.argv[1]
with open(os.path.join(folder, "..", "model.json")) as f:
    model = json.load(f)
architecture = model["architecture"]
if architecture["kind"] == "torchscript":
    module = torch.jit.load(os.path.join(folder, "model.pt")).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
else:
    with open(os.path.join(folder, "weights.safetensors"), "rb") as f:
        data = f.read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])


def load(name, dtype):
    entry = header[name]
    begin, end = entry["data_offsets"]
    kind = {"F32": np.float32, "F16": np.float16}[entry["dtype"]]
    values = np.frombuffer(data[8 + size + begin:8 + size + end], kind).astype(np.float32)
    return torch.from_numpy(values).reshape(entry["shape"]).to(dtype)


def conv_jem(dtype):
    layers = model["architecture"]["layers"]
    convolutions = [(load(f"layers.{i}.weight", dtype), load(f"layers.{i}.bias", dtype), layer.get("stride", 1), layer.get("padding", 1))
                    for i, layer in enumerate(layers)]
    head = load("head.weight", dtype), load("head.bias", dtype)

    def energy(x):
        x = x.to(dtype)
        for weight, bias, stride, padding in convolutions:
            x = F.silu(F.conv2d(x, weight, bias, stride, padding))
        return -F.linear(x.flatten(1), *head).float().logsumexp(1)

    return energy


class Layers:
    """Convolutions by name, as the published code has them: square kernels, padded to keep the size."""

    def __init__(self, dtype):
        self.weights = {name[:-7]: (load(name, dtype), load(name[:-7] + ".bias", dtype) if name[:-7] + ".bias" in header else None)
                        for name in header if name.endswith(".weight")}

    def convolve(self, x, name, stride=1):
        weight, bias = self.weights[name]
        return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2)

    def has(self, name):
        return name in self.weights


def wide_resnet(dtype):
    layers = Layers(dtype)
    blocks = (architecture["depth"] - 4) // 6

    def energy(x):
        x = layers.convolve(x.to(dtype), "conv1")
        for stage in range(3):
            for block in range(blocks):
                name, stride = f"layer{stage + 1}.{block}", 2 if stage > 0 and block == 0 else 1
                hidden = layers.convolve(F.leaky_relu(x, 0.2), name + ".conv1")
                hidden = layers.convolve(F.leaky_relu(hidden, 0.2), name + ".conv2", stride)
                x = hidden + (layers.convolve(x, name + ".shortcut", stride) if layers.has(name + ".shortcut") else x)
        features = F.avg_pool2d(F.leaky_relu(x, 0.2), architecture.get("pool", 8)).flatten(1)
        return -F.linear(features, *layers.weights["head"]).float().logsumexp(1)

    return energy


def igebm(dtype):
    layers = Layers(dtype)

    def energy(x):
        x = F.leaky_relu(layers.convolve(x.to(dtype), "conv1"), 0.2)
        for i, block in enumerate(architecture["blocks"]):
            name = f"blocks.{i}"
            hidden = layers.convolve(F.leaky_relu(layers.convolve(x, name + ".conv1"), 0.2), name + ".conv2")
            x = hidden + (layers.convolve(x, name + ".skip") if layers.has(name + ".skip") else x)
            x = F.leaky_relu(F.avg_pool2d(x, 2) if block.get("halve") else x, 0.2)
        return F.linear(x.relu().flatten(2).sum(2), *layers.weights["head"]).float().squeeze(1)

    return energy


def torchscript(dtype):
    return lambda x: -module(x).logsumexp(1)


kinds = {"conv-jem": conv_jem, "wide-resnet-jem": wide_resnet, "igebm": igebm, "torchscript": torchscript}
networks = {}


def network(precision):
    if precision not in networks:
        networks[precision] = kinds[architecture["kind"]](torch.bfloat16 if precision == "bfloat16" else torch.float32)
    return networks[precision]


recipe = model["recipes"][model["defaultRecipe"]]
step_size, noise, limit = recipe["stepSize"], recipe["noise"], recipe["gradientClip"]["limit"]
low, high = model["input"]["min"], model["input"]["max"]
default_threads = torch.get_num_threads()

for line in sys.stdin:
    if line.strip() == "energy":
        shape = model["input"]["shape"]
        print(repr(network("float32")(torch.linspace(low, high, int(np.prod(shape))).reshape(1, *shape)).item()), flush=True)
        continue
    _, chains, steps, threads, precision = line.split()
    torch.set_num_threads(int(threads) or default_threads)
    energy = network(precision)
    begun = time.perf_counter()
    x = torch.rand(int(chains), *model["input"]["shape"]) * (high - low) + low
    for _ in range(int(steps)):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(energy(x).sum(), x)
        x = (x.detach() - step_size * gradient.clamp(-limit, limit) + noise * torch.randn_like(x)).clamp(low, high)
    print(repr(time.perf_counter() - begun), flush=True)
