"""The tasks of docs/tasks.md written plainly in PyTorch and NumPy: what the jobs are measured against.

plain_tasks.py restoration|calibration|likelihood|robustness MODELS MNIST: one line of JSON with the seconds, loading left out, and a figure to compare.
"""
import gzip
import json
import os
import struct
import sys
import time

import numpy as np

task, models, mnist = sys.argv[1:4]


def read(path):
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    kinds = {"F32": np.float32, "F16": np.float16, "U8": np.uint8}
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def idx(name):
    with gzip.open(os.path.join(mnist, name)) as f:
        data = f.read()
    shape = [int(n) for n in np.frombuffer(data[4:4 + 4 * data[3]], ">u4")]
    return np.frombuffer(data[4 + 4 * len(shape):], np.uint8).reshape(shape)


def likelihood():
    """Annealed importance sampling of mnist-rbm, 100 chains through 1 000 temperatures, from the base rates of its buffer."""
    version = os.path.join(models, "mnist-rbm", "1")
    p, states = read(version + "/weights.safetensors"), read(version + "/buffer.safetensors")["states"]
    w, b, c = (np.ascontiguousarray(p[name], np.float32) for name in ("weight", "visible.bias", "hidden.bias"))
    mean = (states.reshape(len(states), -1).astype(np.float32).sum(0) + 0.5) / (len(states) + 1)
    a, rng = np.log(mean / (1 - mean)).astype(np.float32), np.random.default_rng(1)
    start = time.perf_counter()
    wt, chains = np.ascontiguousarray(w.T), 100
    v = (rng.random((chains, len(b)), dtype=np.float32) < 1 / (1 + np.exp(-a))).astype(np.float32)
    logw = np.zeros(chains)
    betas = np.linspace(0, 1, 1001).astype(np.float32)
    for low, high in zip(betas[:-1], betas[1:]):
        drive = v @ wt + c
        logw += (high - low) * (v @ (b - a)) + np.logaddexp(0, high * drive).sum(1) - np.logaddexp(0, low * drive).sum(1)
        h = (rng.random(drive.shape, dtype=np.float32) < 1 / (1 + np.exp(-high * drive))).astype(np.float32)
        up = high * (h @ w) + (1 - high) * a + high * b
        v = (rng.random(up.shape, dtype=np.float32) < 1 / (1 + np.exp(-up))).astype(np.float32)
    seconds = time.perf_counter() - start
    return seconds, np.logaddexp(0, a).sum() + len(c) * np.log(2) + np.log(np.mean(np.exp(logw - logw.max()))) + logw.max()


def jem():
    import torch
    import torch.nn.functional as F
    with open(os.path.join(models, "mnist-jem", "model.json")) as f:
        model = json.load(f)
    p = {name: torch.from_numpy(values.astype(np.float32)) for name, values in read(os.path.join(models, "mnist-jem", "1", "weights.safetensors")).items()}

    def features(x):
        for i, layer in enumerate(model["architecture"]["layers"]):
            x = F.silu(F.conv2d(x, p[f"layers.{i}.weight"], p[f"layers.{i}.bias"], layer.get("stride", 1), layer.get("padding", 1)))
        return x.flatten(1)

    return torch, F, features, lambda z: F.linear(z, p["head.weight"], p["head.bias"])


def digits(count):
    import torch
    return torch.from_numpy(idx("t10k-images-idx3-ubyte.gz")[:count].astype(np.float32) / 127.5 - 1).unsqueeze(1)


def restoration():
    """100 digits, their right half hidden, 8 chains each of 100 steps from noise by the recipe of mnist-jem, digits."""
    torch, F, features, head = jem()
    truth = digits(100).repeat_interleave(8, 0)
    torch.manual_seed(1)
    start = time.perf_counter()
    x = torch.rand_like(truth) * 2 - 1
    known = torch.zeros(28, dtype=torch.bool)
    known[:14] = True
    x = torch.where(known, truth, x)
    for t in range(100):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(-head(features(x)).logsumexp(1).sum(), x)
        step = 20 * (0.02 + 0.98 * (1 + np.cos(np.pi * t / 100)) / 2)
        x = torch.where(known, truth, (x.detach() - step * gradient.clamp(-0.03, 0.03) + 0.005 * torch.randn_like(x)).clamp(-1, 1))
    restored = x.reshape(100, 8, 28, 28)
    mean, deviation = restored.mean(1), restored.std(1)
    seconds = time.perf_counter() - start
    error = (((mean - digits(100)[:, 0]) / 2) ** 2)[:, :, 14:].mean((1, 2))
    return seconds, float((-10 * error.log10()).mean())


def robustness():
    """PGD of 40 steps, L-infinity 0.1 of the range, on 1 000 digits."""
    torch, F, features, head = jem()
    x, y = digits(1000), torch.from_numpy(idx("t10k-labels-idx1-ubyte.gz")[:1000].astype(np.int64))
    torch.manual_seed(1)
    radius, step = 0.2, 0.2 * 2.5 / 40
    start = time.perf_counter()
    right = 0
    for first in range(0, 1000, 100):
        clean, label = x[first:first + 100], y[first:first + 100]
        adversarial = (clean + (torch.rand_like(clean) * 2 - 1) * radius).clamp(-1, 1)
        for _ in range(40):
            adversarial.requires_grad_()
            (gradient,) = torch.autograd.grad(F.cross_entropy(head(features(adversarial)), label, reduction="sum"), adversarial)
            adversarial = torch.minimum(torch.maximum(adversarial.detach() + step * gradient.sign(), clean - radius), clean + radius).clamp(-1, 1)
        with torch.no_grad():
            right += int((head(features(adversarial)).argmax(1) == label).sum())
    return time.perf_counter() - start, right / 1000


def calibration():
    """Scores of 2 000 digits: energy, gradient norm, softmax; features of the last layer, a covariance shared by the classes, 50 nearest neighbours."""
    torch, F, features, head = jem()
    x, y = digits(2000), torch.from_numpy(idx("t10k-labels-idx1-ubyte.gz")[:2000].astype(np.int64))
    start = time.perf_counter()
    rows, energies = [], []
    for first in range(0, 2000, 100):
        part = x[first:first + 100].clone().requires_grad_()
        z = features(part)
        logits = head(z)
        energy = -logits.logsumexp(1)
        (gradient,) = torch.autograd.grad(energy.sum(), part)
        gradient.flatten(1).norm(dim=1), logits.softmax(1).amax(1), logits.amax(1)
        rows.append(z.detach())
        energies.append(energy.detach())
    z = torch.cat(rows).double()
    fit, rest = z[:1000], z[1000:]
    means = torch.stack([fit[y[:1000] == c].mean(0) for c in range(10)])
    centred = fit - means[y[:1000]]
    factor = torch.linalg.cholesky(centred.T @ centred / 1000 + 1e-3 * torch.eye(z.shape[1], dtype=z.dtype))
    torch.stack([torch.linalg.solve_triangular(factor, (rest - m).T, upper=False).pow(2).sum(0) for m in means]).amin(0)
    unit = F.normalize(fit.float(), dim=1), F.normalize(rest.float(), dim=1)
    torch.cdist(unit[1], unit[0]).topk(50, largest=False).values[:, -1]
    return time.perf_counter() - start, float(torch.cat(energies).mean())


seconds, figure = globals()[task]()
print(json.dumps({"seconds": float(seconds), "figure": float(figure)}))
