"""What the target needs before a job can write to it, and the making of it.

Never part of a run: it takes more rights than running does, and a person who looks at the plan.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

from connector import audit
from connector.contract import ProvisionStep
from connector.lease import lease
from connector.specs import field_specs
from connector.sync import Sync

logger = logging.getLogger(__name__)


def provision(sync: Sync, *, apply: bool) -> Sequence[ProvisionStep]:
    """Return what the target needs for the job, step by step; make it where *apply* says so.

    Raise ConfigError if the adapter makes no fields, BusyError while a run of the job is under way.
    """
    job, fields = sync.job, field_specs(sync.job, sync.words)
    with sync.sides.provisioner() as provisioner:
        steps = provisioner.provision(fields, apply=False)
        to_do = sum(step.state == "to do" for step in steps)
        if not apply or not to_do:
            return steps
        with lease(sync.store, job.name, sync.job_id):
            # Before it: what is cut off in the middle must not have happened unseen.
            audit.record(sync.store, "provision", job=job.name, details={"to do": to_do})
            steps = provisioner.provision(fields, apply=True)
    counts = Counter[str](step.state for step in steps)
    audit.record(sync.store, "end", job=job.name, details={"of": "provision", **counts})
    logger.info("provisioned %d of %d, %d failed", counts["done"], to_do, counts["failed"])
    return steps
