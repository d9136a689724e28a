"""A run as one page: `tfgan-lite report LOGDIR`."""

from tfgan_lite.report.page import write_report

__all__ = ["write_report"]
