"""Training: updates, schedules, hooks, sessions and the loop."""

from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.hooks import (
    FinalOpsHook,
    RunTrainOpsHook,
    get_joint_train_hooks,
    get_sequential_train_hooks,
)
from tfgan_lite.train.loop import gan_train, get_sequential_train_steps
from tfgan_lite.train.monitoring import (
    LossLoggingHook,
    NanGuardHook,
    StopAtStepHook,
    SummaryHook,
    TrainingHook,
    TrainingRun,
)
from tfgan_lite.train.progress import ProgressHook
from tfgan_lite.train.session import Session
from tfgan_lite.train.train_ops import gan_train_ops

__all__ = [
    "FinalOpsHook",
    "LossLoggingHook",
    "NanGuardHook",
    "NanLossError",
    "ProgressHook",
    "RunTrainOpsHook",
    "Session",
    "StopAtStepHook",
    "SummaryHook",
    "TrainingHook",
    "TrainingRun",
    "gan_train",
    "gan_train_ops",
    "get_joint_train_hooks",
    "get_sequential_train_hooks",
    "get_sequential_train_steps",
]
