"""Runs a third party's job: `acme_job.py CONNECTOR`, in the folder of the adapter.

The first run writes, the second finds nothing to write; an Acme CRM on loopback is the CRM.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, "tests")
from acme_server import AcmeCRM


def main(command: str) -> None:
    """Fill a CRM, run the job twice and look at what became of it."""
    crm = AcmeCRM()
    for number in range(1, 8):
        crm.put(
            "accounts", {"id": f"A{number}", "company": f"Company {number}", "type": "customer"}
        )
        deal = {"account": f"A{number}", "state": "Won", "value": str(1000 * number)}
        crm.put("deals", {"id": f"D{number}", "closed": "2026-03-01", "currency": "USD", **deal})
    job = Path("acme.toml").read_text().replace("http://127.0.0.1:8321", crm.url)
    Path("job.toml").write_text(job)
    try:
        first, second = sync(command, crm.token), sync(command, crm.token)
    finally:
        crm.stop()
    tiers = {key: row.get("pyramid_tier") for key, row in crm.records["accounts"].items()}
    print(first["accounts"], second["accounts"], tiers)
    assert first["accounts"]["applied"] == 7, first
    assert second["accounts"]["applied"] == second["tasks"]["applied"] == 0, second
    assert tiers["A7"] == "Top", tiers


def sync(command: str, token: str) -> dict:
    """Return the report of one run."""
    done = subprocess.run(
        [command, "sync", "job.toml", "--as-of", "2026-06-30", "--json"],
        env={**os.environ, "ACME_TOKEN": token},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
