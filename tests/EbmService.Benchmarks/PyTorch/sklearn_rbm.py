"""scikit-learn's BernoulliRBM on MNIST, and the pseudo-likelihood of its weights and of ours, computed by the same lines.

python3 sklearn_rbm.py MNIST_DIR EPOCHS HIDDEN BATCH RATE [weights.safetensors]   -> one line of JSON
"""
import gzip
import json
import os
import resource
import struct
import sys
import time

import numpy as np


def images(folder, name):
    path = os.path.join(folder, name)
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as file:
        _, count, height, width = struct.unpack(">4i", file.read(16))
        return np.frombuffer(file.read(), np.uint8).reshape(count, height * width)


def binary(levels, seed):
    return (np.random.default_rng(seed).random(levels.shape, np.float32) < levels / np.float32(255)).astype(np.float32)


def tensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def pseudo_likelihood(rows, weight, visible, hidden):
    """Mean over rows of the sum over pixels of log p(pixel | the others), nats; every pixel, not one drawn at random."""
    energy = lambda v: -(v @ visible + np.logaddexp(0, v @ weight.T + hidden).sum(1))
    total = np.zeros(len(rows))
    here = energy(rows)
    for pixel in range(rows.shape[1]):
        flipped = rows.copy()
        flipped[:, pixel] = 1 - flipped[:, pixel]
        total -= np.logaddexp(0, -(energy(flipped) - here))
    return float(total.mean())


def main():
    from sklearn import __version__
    from sklearn.neural_network import BernoulliRBM

    folder, epochs, hidden, batch, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    train = binary(images(folder, "train-images-idx3-ubyte")[:58000], 1)
    test = binary(images(folder, "t10k-images-idx3-ubyte")[:300], 2)
    model = BernoulliRBM(n_components=hidden, learning_rate=rate, batch_size=batch, n_iter=epochs, random_state=1)
    begun = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - begun
    answer = {
        "version": __version__, "secondsPerEpoch": seconds / epochs, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pseudoLikelihood": pseudo_likelihood(test, model.components_, model.intercept_visible_, model.intercept_hidden_),
    }
    if len(sys.argv) > 6:
        ours = tensors(sys.argv[6])
        answer["oursPseudoLikelihood"] = pseudo_likelihood(test, ours["weight"], ours["visible.bias"], ours["hidden.bias"])
    print(json.dumps(answer))


main()
