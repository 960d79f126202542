"""Reads a job: a TOML file that says what is read, how it is understood and where results go.

Unknown keys are errors. Every problem is one line: file, key, what was expected, what to do.
"""

from connector.config.job import Job, adapter_settings, load_job
from connector.config.models import (
    Constant,
    CurrencyConfig,
    Formats,
    GuardConfig,
    JobModel,
    NotifyConfig,
    NotifyTarget,
    PeriodConfig,
    Rate,
)
from connector.config.problems import validated
from connector.config.rates import load_rates

__all__ = [
    "Constant",
    "CurrencyConfig",
    "Formats",
    "GuardConfig",
    "Job",
    "JobModel",
    "NotifyConfig",
    "NotifyTarget",
    "PeriodConfig",
    "Rate",
    "adapter_settings",
    "load_job",
    "load_rates",
    "validated",
]
