"""Batch normalisation by the moments of all replicas of a tf.distribute strategy, TPUs or not."""

from tfgan_lite.tpu.cross_replica import cross_replica_mean, cross_replica_moments
from tfgan_lite.tpu.normalization import batch_norm, standardize_batch

__all__ = ["batch_norm", "cross_replica_mean", "cross_replica_moments", "standardize_batch"]
