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

    def features(x, layers=None):
        for i, layer in enumerate(model["architecture"]["layers"]):
            x = F.silu(F.conv2d(x, p[f"layers.{i}.weight"], p[f"layers.{i}.bias"], layer.get("stride", 1), layer.get("padding", 1)))
            if layers is not None:
                side = -(-x.shape[2] // 8)
                layers.append((F.avg_pool2d(x, side) if side > 1 else x).flatten(1))
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
        with torch.no_grad():
            read = head(features(clean)).argmax(1) == label
        clean, label = clean[read], label[read]
        adversarial = (clean + (torch.rand_like(clean) * 2 - 1) * radius).clamp(-1, 1)
        for _ in range(40):
            adversarial.requires_grad_()
            logits = head(features(adversarial))
            (gradient,) = torch.autograd.grad(F.cross_entropy(logits, label, reduction="sum"), adversarial)
            left = logits.argmax(1) == label
            clean, label, gradient, adversarial = clean[left], label[left], gradient[left], adversarial.detach()[left]
            adversarial = torch.minimum(torch.maximum(adversarial + step * gradient.sign(), clean - radius), clean + radius).clamp(-1, 1)
        with torch.no_grad():
            right += int((head(features(adversarial)).argmax(1) == label).sum())
    return time.perf_counter() - start, right / 1000


def calibration():
    """2 000 digits, as the job does it without chains: Gaussians of each class in 64 principal components of three layers (of more than 1 600 numbers: folded
    by random signs), distances by the shared covariance, 50 nearest neighbours, residual, clipped features; energy, gradient norm, softmax; the combined score."""
    torch, F, features, head = jem()
    x = digits(2000)
    order = torch.randperm(2000, generator=torch.Generator().manual_seed(1))
    start = time.perf_counter()
    folds = {}

    def fold(z):
        width = z.shape[1]
        if width <= 1600:
            return z
        if width not in folds:
            g = torch.Generator().manual_seed(width)
            folds[width] = torch.randint(1600, (width,), generator=g), torch.randint(2, (width,), generator=g) * 2.0 - 1
        place, sign = folds[width]
        return torch.zeros(len(z), 1600).index_add_(1, place, z * sign)

    def run(rows, gradient=False):
        found, logits, norms, last = [], [], [], []
        for part in rows.split(64):
            one, layers = x[part].clone().requires_grad_(gradient), []
            with torch.set_grad_enabled(gradient):
                z = features(one, layers)
                out = head(z)
                if gradient:
                    (slope,) = torch.autograd.grad(out.logsumexp(1).sum(), one)
                    norms.append(slope.flatten(1).norm(dim=1))
            found.append([fold(layers[i].detach()) for i in (0, (len(layers) - 1) // 2, -1)])
            logits.append(out.detach())
            last.append(z.detach())
        return [torch.cat(layer) for layer in zip(*found)], torch.cat(logits), torch.cat(last)

    z, logits, last = run(order[:1000])
    clip = last.flatten().kthvalue(int(0.9 * last.numel())).values
    label, gaussians = logits.argmax(1), []
    for layer in z:
        centre = layer.double().mean(0)
        centred = layer.double() - centre
        basis = torch.linalg.eigh(centred.T @ centred / len(centred))[1][:, -64:]
        y = centred @ basis
        means = torch.stack([y[label == c].mean(0) if (label == c).any() else 0 * y[0] for c in range(10)])
        within = y - means[label]
        tied = within.T @ within / len(y)
        factors = [torch.linalg.cholesky((within[label == c].T @ within[label == c] + 64 * tied) / ((label == c).sum() + 64)) for c in range(10)]
        gaussians.append((centre, basis, means, factors))
    tied, bank = torch.linalg.cholesky(tied), F.normalize(y, dim=1)

    def score(rows, gradient):
        z, logits, last = run(rows, gradient)
        energy, label, probabilities = -logits.logsumexp(1), logits.argmax(1), logits.softmax(1)
        parts = [-energy.double()]
        for layer, (centre, basis, means, factors) in zip(z, gaussians):
            centred = layer.double() - centre
            y = centred @ basis
            density = torch.empty(len(y), dtype=y.dtype)
            for c in range(10):
                of, lower = label == c, factors[c]
                density[of] = -torch.linalg.solve_triangular(lower, (y[of] - means[c]).T, upper=False).pow(2).sum(0) / 2 - lower.diagonal().log().sum()
            parts.append(density)
        parts.append(-(centred.pow(2).sum(1) - y.pow(2).sum(1)).clamp(min=0).sqrt())
        torch.stack([torch.linalg.solve_triangular(tied, (y - m).T, upper=False).pow(2).sum(0) for m in means]).amin(0)
        torch.cdist(F.normalize(y, dim=1), bank).topk(50, largest=False).values[:, -1]
        head(last.minimum(clip)).logsumexp(1), probabilities.amax(1), logits.amax(1), -(probabilities * probabilities.log()).sum(1)
        return energy, torch.stack(parts)

    _, parts = score(order[1000:1200], False)
    centre, spread = parts.mean(1, keepdim=True), parts.std(1, keepdim=True)
    energy, parts = score(order[1200:], True)
    F.logsigmoid((parts - centre) / spread * np.pi / np.sqrt(3)).sum(0)
    return time.perf_counter() - start, float(energy.mean())


seconds, figure = globals()[task]()
print(json.dumps({"seconds": float(seconds), "figure": float(figure)}))
