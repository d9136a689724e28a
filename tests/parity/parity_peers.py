"""Computes what other packages make of some inputs: parity_peers.py INPUTS.npz VALUES.npz

A program of its own, because some builds of PyTorch and TensorFlow cannot be in one process. A
package that is missing leaves its values out.
"""

import contextlib
import io
import sys
import warnings

import numpy as np


def torch_fidelity(given):
    """torch-fidelity: https://github.com/toshas/torch-fidelity."""
    import torch
    from torch_fidelity import (
        interpolate_compat_tensorflow,
        metric_fid,
        metric_isc,
        metric_kid,
        metric_prc,
    )

    def distance(first, second):
        statistics = [
            metric_fid.fid_features_to_statistics(torch.tensor(x)) for x in (first, second)
        ]
        return metric_fid.fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]

    yield "FID, 2048 features", distance(given["wide 1"], given["wide 2"])
    yield "FID, 256 features", distance(given["narrow 1"], given["narrow 2"])
    first, second = (torch.tensor(given[f"narrow {i}"]) for i in (1, 2))
    kid = metric_kid.kid_features_to_metric(first, second, verbose=False)
    yield "KID, mean of 100 subsets", kid["kernel_inception_distance_mean"]
    yield "KID, deviation of 100 subsets", kid["kernel_inception_distance_std"]
    score = metric_isc.isc_features_to_metric(torch.tensor(given["logits"]), 10, shuffle=False)
    yield "IS, mean of 10 parts", score["inception_score_mean"]
    yield "IS, deviation of 10 parts", score["inception_score_std"]
    real, generated = (torch.tensor(given[name]) for name in ("real", "generated"))
    found = metric_prc.prc_features_to_metric(generated, real, verbose=False)
    yield "precision, k = 3", found["precision"]
    yield "recall, k = 3", found["recall"]
    for name, image in images(given):
        batch = torch.tensor(image.transpose(2, 0, 1)[np.newaxis])
        resized = interpolate_compat_tensorflow.interpolate_bilinear_2d_like_tensorflow1x(
            batch, size=(299, 299), align_corners=False
        )
        yield f"resize legacy_tf {name}", resized[0].numpy().transpose(1, 2, 0)


def clean_fid(given):
    """clean-fid: https://github.com/GaParmar/clean-fid."""
    from cleanfid import fid, resize

    def distance(first, second):
        moments = [x for each in (first, second) for x in (each.mean(axis=0), np.cov(each.T))]
        return fid.frechet_distance(*moments)

    yield "FID, 2048 features", distance(given["wide 1"], given["wide 2"])
    yield "FID, 256 features", distance(given["narrow 1"], given["narrow 2"])
    # One subset of all, so that the order in which it is drawn does not matter.
    yield "KID, all samples", fid.kernel_distance(given["narrow 1"], given["narrow 2"], 1, 10**6)
    for name, image in images(given):
        yield f"resize clean {name}", resize.build_resizer("clean")(image)
        yield f"resize legacy_torch {name}", resize.build_resizer("legacy_pytorch")(image)


def torch(given):
    """PyTorch's own interpolation, as pytorch-fid calls it."""
    import torch
    from torch.nn import functional

    for name, image in images(given):
        batch = torch.tensor(image.transpose(2, 0, 1)[np.newaxis])
        resized = functional.interpolate(
            batch, size=(299, 299), mode="bilinear", align_corners=False
        )
        yield f"resize legacy_torch {name}", resized[0].numpy().transpose(1, 2, 0)


def prdc(given):
    """The program of Naeem et al. (arXiv:2002.09797)."""
    from prdc import compute_prdc

    for k in (3, 5):
        with contextlib.redirect_stdout(io.StringIO()):
            found = compute_prdc(given["real"], given["generated"], nearest_k=k)
        for name, value in found.items():
            yield f"{name}, k = {k}", value


def images(given):
    for name in given:
        if name.startswith("image "):
            yield name.removeprefix("image "), given[name]


PEERS = {"torch-fidelity": torch_fidelity, "clean-fid": clean_fid, "PyTorch": torch, "prdc": prdc}


def main(inputs, path):
    warnings.simplefilter("ignore")
    with np.load(inputs) as file:
        given = dict(file)
    values = {}
    for peer, compute in PEERS.items():
        try:
            values |= {f"{peer}: {name}": value for name, value in compute(given)}
        except ImportError as error:
            print(f"{peer} is left out: {error}", file=sys.stderr)
    np.savez(path, **values)


if __name__ == "__main__":
    main(*sys.argv[1:])
