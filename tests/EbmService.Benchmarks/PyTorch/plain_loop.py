"""The plain loop of Plain/PlainNetwork.cs in PyTorch: `chains N STEPS THREADS PRECISION` a line, seconds back."""
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


def network(dtype):
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


networks = {name: network(dtype) for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))}
recipe = model["recipes"][model["defaultRecipe"]]
step_size, noise, limit = recipe["stepSize"], recipe["noise"], recipe["gradientClip"]["limit"]
low, high = model["input"]["min"], model["input"]["max"]
default_threads = torch.get_num_threads()

for line in sys.stdin:
    _, chains, steps, threads, precision = line.split()
    torch.set_num_threads(int(threads) or default_threads)
    energy = networks[precision]
    begun = time.perf_counter()
    x = torch.rand(int(chains), *model["input"]["shape"]) * (high - low) + low
    for _ in range(int(steps)):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(energy(x).sum(), x)
        x = (x.detach() - step_size * gradient.clamp(-limit, limit) + noise * torch.randn_like(x)).clamp(low, high)
    print(repr(time.perf_counter() - begun), flush=True)
