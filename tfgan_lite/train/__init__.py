"""Training: updates, schedules, hooks, sessions and the loop."""

from tfgan_lite.counters import Counters
from tfgan_lite.train.errors import NanLossError
from tfgan_lite.train.hooks import FinalOpsHook, RunTrainOpsHook
from tfgan_lite.train.jit_choice import JitChoice
from tfgan_lite.train.loop import gan_train
from tfgan_lite.train.monitoring import LossLoggingHook, NanGuardHook, StopAtStepHook
from tfgan_lite.train.profiling import ProfileHook
from tfgan_lite.train.progress import ProgressHook
from tfgan_lite.train.schedule import Phase, during, joint, sequential, warm_up
from tfgan_lite.train.scheduled_hook import AdaptiveSteps
from tfgan_lite.train.session import Session
from tfgan_lite.train.summary_hook import SummaryHook
from tfgan_lite.train.train_hooks import (
    get_joint_train_hooks,
    get_phased_train_hooks,
    get_sequential_train_hooks,
)
from tfgan_lite.train.train_ops import gan_train_ops
from tfgan_lite.train.train_steps import get_sequential_train_steps
from tfgan_lite.train.training_run import TrainingHook, TrainingRun
from tfgan_lite.train.warm_start import WarmStart, warm_start

__all__ = [
    "AdaptiveSteps",
    "Counters",
    "FinalOpsHook",
    "JitChoice",
    "LossLoggingHook",
    "NanGuardHook",
    "NanLossError",
    "Phase",
    "ProfileHook",
    "ProgressHook",
    "RunTrainOpsHook",
    "Session",
    "StopAtStepHook",
    "SummaryHook",
    "TrainingHook",
    "TrainingRun",
    "WarmStart",
    "during",
    "gan_train",
    "gan_train_ops",
    "get_joint_train_hooks",
    "get_phased_train_hooks",
    "get_sequential_train_hooks",
    "get_sequential_train_steps",
    "joint",
    "sequential",
    "warm_start",
    "warm_up",
]
